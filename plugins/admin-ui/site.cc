#include "plugins/admin-ui/site.h"

#include <openssl/sha.h>
#include <zlib.h>

#include <stdexcept>

namespace nexadb::admin_ui {
namespace {

std::string_view ContentType(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
      {".json", "application/json"},         {".woff2", "font/woff2"}};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string Gzip(std::string_view bytes) {
  constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for gzip's header
  z_stream stream = {};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 9, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("zlib cannot start");
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("zlib cannot finish");
  return out;
}

std::string EtagOf(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  constexpr size_t kEtagBytes = 16;
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash);
  std::string etag = "\"";
  for (size_t i = 0; i < kEtagBytes; ++i) {
    etag += kHex[hash[i] >> 4];
    etag += kHex[hash[i] & 15];
  }
  return etag + "\"";
}

void AddSecurity(Answer& answer) {
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  answer.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  answer.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

Answer NotFound() {
  Answer answer;
  answer.status = 404;
  answer.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  answer.body = Buffer::Copy(AsBytes("no such file\n"));
  AddSecurity(answer);
  return answer;
}

}  // namespace

Site::Site(std::span<const EmbeddedFile> files) {
  for (const EmbeddedFile& file : files) {
    if (file.name == "index.html") {
      page_ = file.bytes;
      continue;
    }
    Stored stored;
    stored.plain = Buffer::Copy(AsBytes(file.bytes));
    stored.etag = EtagOf(file.bytes);
    stored.content_type = ContentType(file.name);
    std::string compressed = Gzip(file.bytes);
    if (compressed.size() < file.bytes.size()) stored.gzip = Buffer::Own(std::move(compressed));
    files_.emplace(file.name, std::move(stored));
  }
  if (page_.empty()) throw std::runtime_error("the page's index.html is missing from this library");
}

Answer Site::Page(std::string_view nonce) const {
  std::string page = page_;
  for (size_t at = page.find(kNoncePlaceholder); at != std::string::npos;
       at = page.find(kNoncePlaceholder, at)) {
    page.replace(at, kNoncePlaceholder.size(), nonce);
  }
  Answer answer;
  answer.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
  answer.headers.emplace_back("Cache-Control", "no-store");
  answer.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + std::string(nonce) +
          "'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'");
  AddSecurity(answer);
  answer.body = Buffer::Own(std::move(page));
  return answer;
}

Answer Site::File(std::string_view name, std::string_view accept_encoding,
                  std::string_view if_none_match) const {
  auto found = files_.find(name);
  if (found == files_.end()) return NotFound();
  const Stored& stored = found->second;
  Answer answer;
  answer.headers.emplace_back("ETag", stored.etag);
  answer.headers.emplace_back("Cache-Control", name.starts_with("assets/")
                                                   ? "public, max-age=31536000, immutable"
                                                   : "no-cache");
  answer.headers.emplace_back("Vary", "Accept-Encoding");
  AddSecurity(answer);
  if (if_none_match == stored.etag) {
    answer.status = 304;
    return answer;
  }
  answer.headers.emplace_back("Content-Type", stored.content_type);
  if (!stored.gzip.empty() && accept_encoding.find("gzip") != std::string_view::npos) {
    answer.headers.emplace_back("Content-Encoding", "gzip");
    answer.body = stored.gzip;
  } else {
    answer.body = stored.plain;
  }
  return answer;
}

}  // namespace nexadb::admin_ui
