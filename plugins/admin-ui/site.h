// What the page's server answers to a path: headers and bytes, compressed once at start.
//
// index.html is the answer to "/" and to every page of the application ("/collections/…"); it is
// never cached and carries a fresh nonce for the styles that the editor makes. Files under
// assets/ have their content's hash in their name and are cached for ever.
// Immutable after construction; all methods may be called by any thread.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/abi.h"
#include "plugins/admin-ui/embedded.h"

namespace nexadb::admin_ui {

struct Answer {
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  Buffer body;
};

class Site {
 public:
  // Where index.html wants its nonce.
  static constexpr std::string_view kNoncePlaceholder = "__NEXADB_NONCE__";

  explicit Site(std::span<const EmbeddedFile> files);

  // `nonce` is used for the page only: 128 fresh random bits, in base64 or hexadecimal.
  Answer Page(std::string_view nonce) const;
  // A file by its name, "assets/x.js". 404 when there is none, 304 when the browser has it.
  Answer File(std::string_view name, std::string_view accept_encoding,
              std::string_view if_none_match) const;

 private:
  struct Stored {
    Buffer plain;
    Buffer gzip;  // empty when it is no smaller
    std::string etag;
    std::string_view content_type;
  };
  std::map<std::string, Stored, std::less<>> files_;
  std::string page_;
};

}  // namespace nexadb::admin_ui
