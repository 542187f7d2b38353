#include "plugins/admin-ui/site.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace nexadb::admin_ui {
namespace {

constexpr std::string_view kScript =
    "console.log(1);console.log(1);console.log(1);console.log(1);console.log(1);console.log(1);";

Site MakeSite() {
  const EmbeddedFile files[] = {
      {"index.html",
       "<meta property=\"csp-nonce\" nonce=\"__NEXADB_NONCE__\"><i>__NEXADB_NONCE__</i>"},
      {"favicon.svg", "<svg/>"},
      {"assets/app-1234.js", kScript}};
  return Site(files);
}

std::string HeaderOf(const Answer& answer, std::string_view name) {
  for (const auto& [header, value] : answer.headers) {
    if (header == name) return value;
  }
  return "absent";
}

std::string Gunzip(std::string_view bytes) {
  std::string out(4096, '\0');
  z_stream stream = {};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Site, ThePageCarriesItsNonceInBodyAndPolicy) {
  const Answer page = MakeSite().Page("n0nce");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body.text(), "<meta property=\"csp-nonce\" nonce=\"n0nce\"><i>n0nce</i>");
  const std::string policy = HeaderOf(page, "Content-Security-Policy");
  EXPECT_NE(policy.find("style-src 'self' 'nonce-n0nce'"), std::string::npos);
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(HeaderOf(page, "Cache-Control"), "no-store");
}

TEST(Site, AssetsAreCachedForEverAndCompressedWhenTheBrowserTakesIt) {
  const Site site = MakeSite();
  const Answer plain = site.File("assets/app-1234.js", "", "");
  EXPECT_EQ(plain.body.text(), kScript);
  EXPECT_EQ(HeaderOf(plain, "Content-Encoding"), "absent");
  EXPECT_EQ(HeaderOf(plain, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(HeaderOf(plain, "Cache-Control"), "public, max-age=31536000, immutable");
  const Answer gzip = site.File("assets/app-1234.js", "br, gzip", "");
  EXPECT_EQ(HeaderOf(gzip, "Content-Encoding"), "gzip");
  EXPECT_EQ(Gunzip(gzip.body.text()), kScript);
  EXPECT_EQ(site.File("assets/app-1234.js", "", HeaderOf(plain, "ETag")).status, 304);
}

TEST(Site, OnlyEmbeddedNamesAreServed) {
  const Site site = MakeSite();
  for (const char* name :
       {"index.html", "assets/../index.html", "assets/x", "", "../../etc/passwd"}) {
    EXPECT_EQ(site.File(name, "", "").status, 404) << name;
  }
  EXPECT_EQ(site.File("favicon.svg", "", "").status, 200);
}

TEST(Site, ALibraryWithoutItsPageDoesNotStart) { EXPECT_THROW(Site({}), std::runtime_error); }

TEST(Embedded, TheLibraryCarriesThePage) {
  bool page = false;
  for (const EmbeddedFile& file : EmbeddedFiles()) page |= file.name == "index.html";
  EXPECT_TRUE(page);
}

}  // namespace
}  // namespace nexadb::admin_ui
