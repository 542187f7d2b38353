// The C++ client: replies as JSON text, problems as exceptions.
#include "nexadb/client/client.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/RejectCertificateHandler.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/URI.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "sdk/cpp/http_connection.h"

namespace nexadb::client {
namespace {

constexpr const char* kKeyFiles[] = {"./nexadb_data/root.key", "/var/lib/nexadb/root.key"};
// An answer that says it is longer than this grows as it comes.
constexpr uint64_t kReservedBytesMax = 16 * 1024 * 1024;

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// The exception for an error answer: problem+json when the server wrote it, else its status line.
Error FromAnswer(int status, const std::string& reason, const std::string& body) {
  rapidjson::Document problem;
  problem.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  auto text = [&](const char* name) -> std::string {
    if (!problem.IsObject()) return {};
    auto member = problem.FindMember(name);
    return member != problem.MemberEnd() && member->value.IsString() ? member->value.GetString()
                                                                     : "";
  };
  std::string detail = text("detail");
  if (detail.empty()) detail = "HTTP status " + std::to_string(status) + " " + reason;
  return {status, text("code"), detail};
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Error InvalidUrl(const std::string& url) {
  return {0, "invalid_url", "'" + url + "' is not a URL like http://127.0.0.1:6969"};
}

Poco::URI ParseUrl(const std::string& url) {
  try {
    return Poco::URI(url);
  } catch (const Poco::SyntaxException&) {
    throw InvalidUrl(url);
  }
}

// Null for a URL without TLS.
Poco::Net::Context::Ptr MakeTls(const Options& options, const Poco::URI& uri) {
  namespace net = Poco::Net;
  if (uri.getScheme() == "http" && !uri.getHost().empty()) return {};
  if (uri.getScheme() != "https" || uri.getHost().empty()) {
    throw InvalidUrl(options.url);
  }
  if (!options.ca_file.empty() && !std::ifstream(options.ca_file)) {
    throw Error(0, "invalid_ca_file", "the CA file '" + options.ca_file + "' cannot be read");
  }
  constexpr int kChainLength = 9;
  try {
    net::Context::Ptr context =
        new net::Context(net::Context::TLS_CLIENT_USE, "", "", options.ca_file,
                         net::Context::VERIFY_STRICT, kChainLength, options.ca_file.empty());
    context->requireMinimumProtocol(net::Context::PROTO_TLSV1_2);
    net::SSLManager::instance().initializeClient(nullptr, new net::RejectCertificateHandler(false),
                                                 context);
    return context;
  } catch (const Poco::Exception& error) {
    throw Error(0, "invalid_ca_file",
                "the CA file '" + options.ca_file + "' cannot be used: " + error.displayText());
  }
}

HttpConnection::Settings MakeSettings(const Options& options) {
  const Poco::URI uri = ParseUrl(options.url);
  HttpConnection::Settings out;
  out.tls = MakeTls(options, uri);
  out.host = uri.getHost();
  out.port = uri.getPort();
  out.connect_timeout = options.connect_timeout_ms * Poco::Timespan::MILLISECONDS;
  out.timeout = options.timeout_ms * Poco::Timespan::MILLISECONDS;
  return out;
}

// What all heads of a client's requests have in common.
std::string CommonHeaders(const Options& options) {
  Poco::URI uri = ParseUrl(options.url);
  uri.setUserInfo("");
  std::string out = " HTTP/1.1\r\nHost: " + uri.getAuthority() + "\r\n";
  if (!options.api_key.empty()) out += "X-API-Key: " + options.api_key + "\r\n";
  return out;
}

}  // namespace

struct Client::Impl {
  const Options options;
  HttpConnection connection;
  const std::string common_headers;
  std::string head;
  int last_status = 0;

  explicit Impl(Options o)
      : options(std::move(o)),
        connection(MakeSettings(options)),
        common_headers(CommonHeaders(options)) {
    if (HasControlCharacter(options.api_key)) {
      throw Error(0, "invalid_key", "the API key has a control character, such as a line's end");
    }
  }

  void BeginHead(std::string_view method, std::string_view path) {
    if (path.empty() || path.front() != '/' || HasControlCharacter(path) ||
        path.find(' ') != std::string_view::npos) {
      throw Error(0, "invalid_path",
                  "'" + std::string(path) +
                      "' is not a path: it begins with '/', and what is not "
                      "of a URL is escaped (see Segment)");
    }
    head.assign(method).append(" ").append(path).append(common_headers);
  }
  void AddHeader(std::string_view name, std::string_view value) {
    if (HasControlCharacter(value)) {
      throw Error(0, "invalid_header", std::string(name) + " has a control character");
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  void EndHead() { head.append("\r\n"); }

  // Runs `exchange` and gives Poco's exceptions this library's words.
  template <class Exchange>
  auto Translate(Exchange&& exchange) -> decltype(exchange()) {
    try {
      return exchange();
    } catch (const Poco::TimeoutException&) {
      connection.Close();
      throw Error(0, "timeout", "no answer from " + options.url + " in time");
    } catch (const Poco::Net::SSLException& error) {
      connection.Close();
      throw Error(0, "untrusted",
                  "no trusted connection to " + options.url + " (" + error.displayText() +
                      "); the CA file says which certificates are trusted");
    } catch (const Poco::Exception& error) {
      connection.Close();
      throw Error(0, "unreachable",
                  "cannot talk to " + options.url + " (" + error.displayText() +
                      "); is nexadb-kernel running?");
    }
  }

  std::string Finish() {
    last_status = connection.ReceiveHead();
    return FinishBody();
  }
  std::string FinishBody() {
    std::string body;
    body.reserve(std::min(connection.content_length(), kReservedBytesMax));
    for (std::string_view part = connection.ReceivePart(); !part.empty();
         part = connection.ReceivePart()) {
      body.append(part);
    }
    if (last_status >= 400) throw FromAnswer(last_status, connection.reason(), body);
    return body;
  }
};

Client::Client(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

std::string Client::Call(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view content_type) {
  return impl_->Translate([&] {
    impl_->BeginHead(method, path);
    if (!body.empty()) impl_->AddHeader("Content-Type", content_type);
    if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
      impl_->AddHeader("Content-Length", std::to_string(body.size()));
    }
    impl_->EndHead();
    impl_->connection.Send(impl_->head, body);
    return impl_->Finish();
  });
}

void Client::Download(std::string_view path, const BodySink& sink) {
  impl_->Translate([&] {
    impl_->BeginHead("GET", path);
    impl_->EndHead();
    impl_->connection.Send(impl_->head, {});
    impl_->last_status = impl_->connection.ReceiveHead();
    if (impl_->last_status >= 400) impl_->FinishBody();
    for (std::string_view part = impl_->connection.ReceivePart(); !part.empty();
         part = impl_->connection.ReceivePart()) {
      if (!sink(part)) return impl_->connection.Close();
    }
  });
}

std::string Client::Upload(std::string_view path, std::string_view content_type,
                           const BodySource& source) {
  return impl_->Translate([&] {
    impl_->BeginHead("POST", path);
    impl_->AddHeader("Content-Type", content_type);
    impl_->AddHeader("Transfer-Encoding", "chunked");
    impl_->EndHead();
    impl_->connection.Send(impl_->head, {});
    std::string chunk;
    bool wanted = true;
    for (std::string part = source(); wanted && !part.empty(); part = source()) {
      char size[16];
      const auto end = std::to_chars(size, size + sizeof(size), part.size(), 16);
      chunk.assign(size, end.ptr).append("\r\n").append(part).append("\r\n");
      // A server that refuses early stops reading: go on to its answer.
      wanted = impl_->connection.SendMore(chunk);
    }
    if (wanted) impl_->connection.SendMore("0\r\n\r\n");
    return impl_->Finish();
  });
}

std::vector<std::string> Client::ListBuckets() {
  std::vector<std::string> names;
  std::string path = "/kv";
  while (true) {
    const std::string answer = Call("GET", path);
    rapidjson::Document page;
    page.Parse<rapidjson::kParseIterativeFlag>(answer.data(), answer.size());
    if (!page.IsObject() || !page.HasMember("buckets") || !page["buckets"].IsArray()) {
      throw Error(impl_->last_status, "invalid_answer", impl_->options.url + " lists no buckets");
    }
    for (const auto& bucket : page["buckets"].GetArray()) {
      if (bucket.IsObject() && bucket.HasMember("name") && bucket["name"].IsString()) {
        names.emplace_back(bucket["name"].GetString(), bucket["name"].GetStringLength());
      }
    }
    const auto next = page.FindMember("next_cursor");
    if (next == page.MemberEnd() || !next->value.IsString()) return names;
    path = "/kv?cursor=" + Segment(next->value.GetString());
  }
}

int Client::last_status() const { return impl_->last_status; }
const Options& Client::options() const { return impl_->options; }

std::string Segment(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(raw);
    } else {
      out.push_back('%');
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    }
  }
  return out;
}

std::string FindApiKey() {
  if (const char* key = std::getenv("NEXADB_API_KEY"); key != nullptr && *key != '\0') return key;
  if (const char* file = std::getenv("NEXADB_API_KEY_FILE"); file != nullptr && *file != '\0') {
    std::string key = FirstLine(file);
    if (key.empty()) {
      throw Error(0, "no_key", std::string("NEXADB_API_KEY_FILE: cannot read a key from ") + file);
    }
    return key;
  }
  for (const char* file : kKeyFiles) {
    if (std::string key = FirstLine(file); !key.empty()) return key;
  }
  return {};
}

}  // namespace nexadb::client
