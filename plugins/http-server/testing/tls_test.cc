// TLS itself: what is served, what is refused, and how certificates are read and replaced. That the
// server is the same server over TLS is shown by all its other tests (http_server_over_tls_test).
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <filesystem>
#include <thread>

#include "plugins/http-server/testing/fixture.h"

namespace nexadb::http {
namespace {

class Tls : public ::testing::Test {
 protected:
  Tls() : directory_(::testing::TempDir() + "nexadb_tls_" + std::to_string(::getpid())) {}
  ~Tls() override { std::filesystem::remove_all(directory_); }

  std::string Config(const std::string& more = "") {
    return WriteTls(directory_, MakeCertificate(), more);
  }
  std::string File(const char* name) const { return directory_ + "/" + name; }

  std::string directory_;
};

SSL_CTX* ClientContext(int oldest = TLS1_2_VERSION, int newest = TLS1_3_VERSION) {
  SSL_CTX* const context = ::SSL_CTX_new(::TLS_client_method());
  ::SSL_CTX_set_security_level(context, 0);  // let the server refuse
  ::SSL_CTX_set_min_proto_version(context, oldest);
  ::SSL_CTX_set_max_proto_version(context, newest);
  return context;
}

SSL_CTX* Offering(const std::string& protocols) {
  SSL_CTX* const context = ClientContext();
  ::SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  return context;
}

std::string AlpnOf(const Client& client) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(client.tls(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

int64_t SerialOf(const Client& client) {
  return ::ASN1_INTEGER_get(::X509_get0_serialNumber(::SSL_get0_peer_certificate(client.tls())));
}

double Failures(TestServer& server) {
  return server.host().Metric("nexadb_http_tls_handshake_failures_total");
}

TEST_F(Tls, SpeaksTls12And13WithForwardSecrecyAndNothingOlder) {
  TestServer server(Config());
  server.MountEcho();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Client client(server.port(), ClientContext(version, version));
    ASSERT_NE(client.tls(), nullptr);
    EXPECT_EQ(::SSL_version(client.tls()), version);
    client.Send(server.Req("GET", "/echo"));
    EXPECT_EQ(client.Read().body, "hello");
    const std::string cipher = ::SSL_get_cipher(client.tls());
    EXPECT_TRUE(cipher.find("GCM") != cipher.npos || cipher.find("CHACHA20") != cipher.npos);
    EXPECT_TRUE(version == TLS1_3_VERSION || cipher.starts_with("ECDHE-")) << cipher;
  }
  EXPECT_EQ(server.host().Metric("nexadb_http_tls_handshakes_total"), 2);
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    EXPECT_EQ(Client(server.port(), ClientContext(version, version)).tls(), nullptr);
  }
  SSL_CTX* const old_ciphers = ClientContext(TLS1_2_VERSION, TLS1_2_VERSION);
  ::SSL_CTX_set_cipher_list(old_ciphers, "ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256");
  EXPECT_EQ(Client(server.port(), old_ciphers).tls(), nullptr);
  while (Failures(server) < 3) std::this_thread::yield();
  EXPECT_GT(server.host().Metric("nexadb_http_tls_certificate_expiry_timestamp_seconds"), 1.7e9);
}

TEST_F(Tls, AlpnChoosesHttp11AndRefusesAClientWithoutIt) {
  TestServer server(Config());
  server.MountEcho();
  EXPECT_EQ(AlpnOf(Client(server.port(), Offering("\x02h2\x08http/1.1"))), "http/1.1");
  EXPECT_EQ(AlpnOf(Client(server.port(), ClientContext())), "");
  EXPECT_EQ(Client(server.port(), Offering("\x02h2")).tls(), nullptr);
}

TEST_F(Tls, ATicketResumesASession) {
  TestServer server(Config());
  server.MountEcho();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX* const context = ClientContext(version, version);
    ::SSL_CTX_up_ref(context);
    Client first(server.port(), context);
    first.Send(server.Req("GET", "/echo"));
    EXPECT_EQ(first.Read().status, 200);
    SSL_SESSION* const session = ::SSL_get1_session(first.tls());
    // What resumes is set before the handshake, so by the callback that sees the new SSL.
    ::SSL_CTX_set_ex_data(context, 0, session);
    ::SSL_CTX_set_info_callback(context, [](const SSL* ssl, int where, int) {
      if ((where & SSL_CB_HANDSHAKE_START) == 0 || ::SSL_get_session(ssl) != nullptr) return;
      ::SSL_set_session(const_cast<SSL*>(ssl), static_cast<SSL_SESSION*>(::SSL_CTX_get_ex_data(
                                                   ::SSL_get_SSL_CTX(ssl), 0)));
    });
    Client second(server.port(), context);
    ASSERT_NE(second.tls(), nullptr);
    EXPECT_EQ(::SSL_session_reused(second.tls()), 1) << version;
    second.Send(server.Req("GET", "/echo"));
    EXPECT_EQ(second.Read().status, 200);
    ::SSL_SESSION_free(session);
  }
}

TEST_F(Tls, AHandshakeHasATimeLimitAndCountsAsAConnection) {
  TestServer server(Config(R"(, "handshake_timeout": "1s")") + R"(, "connections_max": 2)");
  server.MountEcho();
  Client silent(server.port(), Transport::kPlain);
  Client slow(server.port(), Transport::kPlain);
  slow.Send("\x16\x03\x01");  // the begin of a record
  while (server.host().Metric("nexadb_http_open_connections") < 2) std::this_thread::yield();
  EXPECT_EQ(Client(server.port(), ClientContext()).tls(), nullptr);
  while (server.host().Metric("nexadb_http_rejected_connections_total") < 1) {
    std::this_thread::yield();
  }
  EXPECT_EQ(server.host().Metric("nexadb_http_rejected_connections_total"), 1);
  EXPECT_TRUE(silent.ReadEnd());
  EXPECT_TRUE(slow.ReadEnd());
  while (server.host().Metric("nexadb_http_open_connections") > 0) std::this_thread::yield();
  EXPECT_EQ(Failures(server), 2);
  Client later(server.port(), ClientContext());
  later.Send(server.Req("GET", "/echo"));
  EXPECT_EQ(later.Read().status, 200);
}

TEST_F(Tls, BytesThatAreNotTlsEndTheConnectionAndPlainHttpIsToldWhy) {
  TestServer server(Config());
  server.MountEcho();
  Client plain(server.port(), Transport::kPlain);
  plain.Send(server.Req("GET", "/echo"));
  const Answer answer = plain.Read();
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("https://"), std::string::npos);
  plain.CloseSending();
  EXPECT_TRUE(plain.ReadEnd());
  for (const std::string& garbage :
       {std::string(64, '\0'), std::string("\x16\x03\x01\xff\xff") + std::string(70'000, 'x'),
        std::string("\x80\x2e\x01\x03\x01", 5) + std::string(43, 'v'), std::string(300, '\xff')}) {
    Client client(server.port(), Transport::kPlain);
    client.Send(garbage);
    std::string alert;
    while (client.HasInput(5000)) {
      char bytes[256];
      const ssize_t count = ::recv(client.fd(), bytes, sizeof(bytes), 0);
      if (count <= 0) break;
      alert.append(bytes, static_cast<size_t>(count));
    }
    EXPECT_LT(alert.size(), 64u);
  }
  while (Failures(server) < 5) std::this_thread::yield();
}

TEST_F(Tls, DamageWithinASessionEndsItAlone) {
  TestServer server(Config());
  server.MountEcho();
  Client good(server.port(), ClientContext());
  Client bad(server.port(), ClientContext());
  bad.Send(server.Req("GET", "/echo"));
  EXPECT_EQ(bad.Read().status, 200);
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
  EXPECT_EQ(::send(bad.fd(), forged.data(), forged.size(), MSG_NOSIGNAL), 37);
  EXPECT_TRUE(bad.ReadEnd());
  good.Send(server.Req("GET", "/echo"));
  EXPECT_EQ(good.Read().status, 200);
}

TEST_F(Tls, AClientThatHasClosedItsSideGetsItsAnswerAndAProperEnd) {
  TestServer server(Config());
  server.MountEcho();
  Client client(server.port(), ClientContext());
  client.Send(server.Req("POST", "/echo", kJson, std::string(200'000, 'b')));
  ::SSL_shutdown(client.tls());  // close_notify; the socket stays open
  EXPECT_EQ(client.Read().body.size(), 200'000u);
  EXPECT_TRUE(client.ReadEnd());
  EXPECT_NE(::SSL_get_shutdown(client.tls()) & SSL_RECEIVED_SHUTDOWN, 0);
}

TEST_F(Tls, RenegotiationIsRefused) {
  TestServer server(Config());
  server.MountEcho();
  Client client(server.port(), ClientContext(TLS1_2_VERSION, TLS1_2_VERSION));
  ::SSL_renegotiate(client.tls());
  client.Send(server.Req("GET", "/echo"));
  EXPECT_NE(client.Read().status, 200);
}

TEST_F(Tls, KeyUpdatesAreFollowed) {
  TestServer server(Config());
  server.MountEcho();
  Client client(server.port(), ClientContext());
  for (int i = 0; i < 20; ++i) {
    ::SSL_key_update(client.tls(), SSL_KEY_UPDATE_REQUESTED);
    client.Send(server.Req("POST", "/echo", kJson, std::string(40'000, 'k')));
    EXPECT_EQ(client.Read().body.size(), 40'000u);
  }
}

TEST_F(Tls, ANewCertificateServesNewConnectionsAndABadOneNobody) {
  const std::string config = Config();
  TestServer server(config);
  server.MountEcho();
  const std::string unchanged = "{" + (R"("listen": ["127.0.0.1:0"], )" + config) + "}";
  Client before(server.port(), ClientContext());
  const int64_t old_serial = SerialOf(before);
  ASSERT_TRUE(server.host().Reconfigure(unchanged).ok());
  WriteFile(File("certificate.pem"), MakeCertificate().certificate);  // of another key
  const Status bad = server.host().Reconfigure(unchanged);
  EXPECT_NE(std::string(bad.message()).find("key.pem' is not the key"), std::string::npos)
      << bad.message();
  EXPECT_EQ(SerialOf(Client(server.port(), ClientContext())), old_serial);
  Config();  // a pair again
  ASSERT_TRUE(server.host().Reconfigure(unchanged).ok());
  EXPECT_GT(SerialOf(Client(server.port(), ClientContext())), old_serial);
  before.Send(server.Req("GET", "/echo"));
  EXPECT_EQ(before.Read().status, 200);
  EXPECT_EQ(server.host().Reconfigure(R"({"listen": ["127.0.0.1:0"]})").code(), Code::kUnsupported);
}

// The message of a start that fails, or of a configuration that is refused.
std::string StartError(const std::string& tls) {
  testkit::HostOptions options;
  options.data_directory = ::testing::TempDir();
  options.config = R"({"listen": ["127.0.0.1:0"], )" + tls + "}";
  auto host = testkit::PluginHost::Open(NEXADB_HTTP_SERVER_LIBRARY, options);
  if (!host.ok()) return std::string(std::string_view(host.status().message()));
  const Status status = (*host)->Start();
  (*host)->Stop();
  return std::string(std::string_view(status.message()));
}

void ExpectIn(const std::string& text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), text.npos) << text;
}

TEST_F(Tls, WhatIsWrongWithTheFilesIsToldByNameAndReason) {
  const std::string config = Config();
  const std::string certificate = File("certificate.pem");
  const std::string key = File("key.pem");
  const Pem good = MakeCertificate();
  const auto with = [&](const std::string& a, const std::string& b) {
    WriteFile(certificate, a);
    WriteFile(key, b);
    return StartError(config);
  };
  EXPECT_EQ(with(good.certificate, good.key), "");
  const Pem expired = MakeCertificate({.begins_s = -7200, .ends_s = -3600});
  ExpectIn(with(expired.certificate, expired.key),
           {"tls.certificate: '" + certificate + "' expired on 20", " UTC"});
  const Pem early = MakeCertificate({.begins_s = 3600});
  ExpectIn(with(early.certificate, early.key), {certificate, "is not valid before 20"});
  ExpectIn(with(good.certificate, expired.key),
           {"tls.private_key: '" + key + "' is not the key of", certificate});
  ExpectIn(with("nonsense", good.key), {certificate, "holds no certificate in PEM form"});
  ExpectIn(with(good.key, good.key), {certificate, "holds no certificate in PEM form"});
  ExpectIn(with(good.certificate, good.certificate), {key, "holds no private key in PEM form"});
  ExpectIn(with(good.certificate + "-----BEGIN CERTIFICATE-----\nAAAA\n", good.key),
           {certificate, "damaged chain"});
  ExpectIn(with(good.certificate,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n"
                "-----END ENCRYPTED PRIVATE KEY-----\n"),
           {key, "passphrase", "openssl pkey"});
  ExpectIn(with(good.certificate + std::string(2'000'000, '\n'), good.key), {"over 1 MiB"});
  const std::string secret = good.key.substr(good.key.find('\n') + 1, 40);
  EXPECT_EQ(with(good.certificate, "-----BEGIN PRIVATE KEY-----\n" + secret).find(secret),
            std::string::npos);
  std::filesystem::remove(key);
  ExpectIn(StartError(config), {key, "cannot be read", "No such file"});
  std::filesystem::create_directory(key);
  ExpectIn(StartError(config), {key, "cannot be read", "Is a directory"});
  ExpectIn(StartError(R"("tls": {"certificate": "/c.pem"})"), {"tls.private_key is not"});
  ExpectIn(StartError(R"("tls": {"private_key": "/k.pem"})"), {"tls.certificate is not"});
  ExpectIn(StartError(R"("tls": {"certificate": "/c", "private_key": "-----BEGIN PRIVATE KEY"})"),
           {"tls.private_key", "is a PEM text itself"});
  ExpectIn(StartError(WriteTls(directory_ + "/x", good, R"(, "handshake_timeout": "11s")")),
           {"handshake_timeout", "10000"});
}

}  // namespace
}  // namespace nexadb::http
