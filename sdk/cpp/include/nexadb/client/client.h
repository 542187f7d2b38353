// The C++ client: one server, spoken to in JSON text over HTTP.
//
//   nexadb::client::Client db({.url = "http://127.0.0.1:6969", .api_key = key});
//   std::string answer = db.Call("POST", "/collections/users", R"({"name": "Ada"})");
//
// Requests and answers are JSON text: parse them with the library you have. A Client holds one
// kept-alive connection and is not thread-safe; make one for each thread. Every failure throws
// Error.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::client {

struct Options {
  std::string url = "http://127.0.0.1:6969";
  std::string api_key;  // empty sends none
  // For https: a PEM file with the authorities to trust; empty: those of this machine.
  std::string ca_file;
  uint32_t connect_timeout_ms = 2000;
  uint32_t timeout_ms = 60'000;
};

// `status` is the HTTP status, 0 when there was no answer; `code` the name in docs/errors.md, or
// "unreachable", "untrusted", "timeout", or "invalid_..." for what was not even sent; what() the
// explanation.
class Error : public std::runtime_error {
 public:
  Error(int status, std::string code, const std::string& message)
      : std::runtime_error(message), status_(status), code_(std::move(code)) {}
  int status() const { return status_; }
  const std::string& code() const { return code_; }

 private:
  int status_;
  std::string code_;
};

// Takes the next part of a body; false ends the transfer.
using BodySink = std::function<bool(std::string_view part)>;
// Gives the next part of a body; empty at its end.
using BodySource = std::function<std::string()>;

// Escapes one segment of a path.
std::string Segment(std::string_view text);

class Client {
 public:
  explicit Client(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends `body` (empty: none) and returns the answer's body. Statuses of 400 and above throw.
  std::string Call(std::string_view method, std::string_view path, std::string_view body = {},
                   std::string_view content_type = "application/json");
  // The answer's body as it arrives, in constant memory.
  void Download(std::string_view path, const BodySink& sink);
  // A request body of any size, sent as it is made.
  std::string Upload(std::string_view path, std::string_view content_type,
                     const BodySource& source);
  // Names of the key-value buckets that the key may read, in order, over as many pages as there
  // are.
  std::vector<std::string> ListBuckets();
  // The HTTP status of the last answer.
  int last_status() const;
  const Options& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The key of NEXADB_API_KEY, NEXADB_API_KEY_FILE, or the first readable of ./nexadb_data/root.key
// and /var/lib/nexadb/root.key; empty when there is none. Throws Error when the file named by the
// environment cannot be read.
std::string FindApiKey();

}  // namespace nexadb::client
