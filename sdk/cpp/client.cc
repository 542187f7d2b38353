// The C++ client: requests over Poco, replies as JSON text, problems as exceptions.
#include "nexadb/client/client.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/RejectCertificateHandler.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/URI.h>
#include <rapidjson/document.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace nexadb::client {
namespace {

constexpr size_t kCopyBytes = 64 * 1024;
constexpr const char* kKeyFiles[] = {"./nexadb_data/root.key", "/var/lib/nexadb/root.key"};

std::string ReadAll(std::istream& in) {
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
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

std::unique_ptr<Poco::Net::HTTPClientSession> MakeSession(const Options& options,
                                                          const Poco::URI& uri) {
  namespace net = Poco::Net;
  if (uri.getScheme() == "http" && !uri.getHost().empty()) {
    return std::make_unique<net::HTTPClientSession>();
  }
  if (uri.getScheme() != "https" || uri.getHost().empty()) {
    throw Error(0, "invalid_url", "'" + options.url + "' is not a URL like http://127.0.0.1:6969");
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
    return std::make_unique<net::HTTPSClientSession>(context);
  } catch (const Poco::Exception& error) {
    throw Error(0, "invalid_ca_file",
                "the CA file '" + options.ca_file + "' cannot be used: " + error.displayText());
  }
}

}  // namespace

struct Client::Impl {
  Options options;
  Poco::URI uri;
  const std::unique_ptr<Poco::Net::HTTPClientSession> owned_session;
  Poco::Net::HTTPClientSession& session;
  int last_status = 0;

  explicit Impl(Options o)
      : options(std::move(o)),
        uri(options.url),
        owned_session(MakeSession(options, uri)),
        session(*owned_session) {
    session.setHost(uri.getHost());
    session.setPort(uri.getPort());
    session.setKeepAlive(true);
    session.setTimeout(Poco::Timespan(options.connect_timeout_ms * Poco::Timespan::MILLISECONDS),
                       Poco::Timespan(options.timeout_ms * Poco::Timespan::MILLISECONDS),
                       Poco::Timespan(options.timeout_ms * Poco::Timespan::MILLISECONDS));
  }

  Poco::Net::HTTPRequest Head(std::string_view method, std::string_view path) const {
    Poco::Net::HTTPRequest request(std::string(method), std::string(path),
                                   Poco::Net::HTTPMessage::HTTP_1_1);
    if (!options.api_key.empty()) request.set("X-API-Key", options.api_key);
    return request;
  }

  // Runs `exchange` and gives Poco's exceptions this library's words.
  template <class Exchange>
  auto Translate(Exchange&& exchange) -> decltype(exchange()) {
    try {
      return exchange();
    } catch (const Poco::TimeoutException&) {
      session.reset();
      throw Error(0, "timeout", "no answer from " + options.url + " in time");
    } catch (const Poco::Net::SSLException& error) {
      session.reset();
      throw Error(0, "untrusted",
                  "no trusted connection to " + options.url + " (" + error.displayText() +
                      "); the CA file says which certificates are trusted");
    } catch (const Poco::Exception& error) {
      session.reset();
      throw Error(0, "unreachable",
                  "cannot talk to " + options.url + " (" + error.displayText() +
                      "); is nexadb-kernel running?");
    }
  }

  std::string Finish(std::istream& in, const Poco::Net::HTTPResponse& response) {
    std::string body = ReadAll(in);
    last_status = response.getStatus();
    if (last_status >= 400) throw FromAnswer(last_status, response.getReason(), body);
    return body;
  }
};

Client::Client(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

std::string Client::Call(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view content_type) {
  return impl_->Translate([&] {
    auto request = impl_->Head(method, path);
    if (!body.empty()) {
      request.setContentType(std::string(content_type));
      request.setContentLength64(static_cast<Poco::Int64>(body.size()));
    } else if (method == "POST" || method == "PUT" || method == "PATCH") {
      request.setContentLength64(0);
    }
    impl_->session.sendRequest(request).write(body.data(),
                                              static_cast<std::streamsize>(body.size()));
    Poco::Net::HTTPResponse response;
    std::istream& in = impl_->session.receiveResponse(response);
    return impl_->Finish(in, response);
  });
}

void Client::Download(std::string_view path, const BodySink& sink) {
  impl_->Translate([&] {
    auto request = impl_->Head("GET", path);
    impl_->session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    std::istream& in = impl_->session.receiveResponse(response);
    if (response.getStatus() >= 400) impl_->Finish(in, response);
    impl_->last_status = response.getStatus();
    std::string part(kCopyBytes, '\0');
    while (in.read(part.data(), kCopyBytes), in.gcount() > 0) {
      if (!sink({part.data(), static_cast<size_t>(in.gcount())})) {
        impl_->session.reset();
        return;
      }
    }
  });
}

std::string Client::Upload(std::string_view path, std::string_view content_type,
                           const BodySource& source) {
  return impl_->Translate([&] {
    auto request = impl_->Head("POST", path);
    request.setContentType(std::string(content_type));
    request.setChunkedTransferEncoding(true);
    std::ostream& out = impl_->session.sendRequest(request);
    for (std::string part = source(); !part.empty(); part = source()) {
      // A server that refuses early stops reading: go on to its answer.
      if (!out.write(part.data(), static_cast<std::streamsize>(part.size()))) break;
    }
    Poco::Net::HTTPResponse response;
    std::istream& in = impl_->session.receiveResponse(response);
    return impl_->Finish(in, response);
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
