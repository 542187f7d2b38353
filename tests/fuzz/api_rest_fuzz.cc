// LINK: api-rest.objects
// What the REST interface parses itself: query strings, CSV, the cutting of JSON arrays, cursor
// tokens, entity tags, gzip, moments in filters, traces. The first byte chooses the parser and the
// size of the parts it is fed.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/document/json.h"
#include "plugins/api-rest/csv.h"
#include "plugins/api-rest/cursor_token.h"
#include "plugins/api-rest/gzip.h"
#include "plugins/api-rest/json_splitter.h"
#include "plugins/api-rest/moments.h"
#include "plugins/api-rest/parameters.h"
#include "plugins/api-rest/preconditions.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/trace_context.h"

namespace {

using namespace nexadb;
using namespace nexadb::rest;

constexpr uint64_t kRecordMax = 1 << 16;

// Feeds `text` in parts; true when the whole was accepted.
template <class Reader>
bool Feed(Reader& reader, std::string_view text, size_t step) {
  for (size_t at = 0; at < text.size(); at += step) {
    if (!reader.Feed(text.substr(at, step)).ok()) return false;
  }
  return reader.End().ok();
}

std::vector<CsvRecord> ReadCsv(std::string_view text, size_t step, bool& ok) {
  std::vector<CsvRecord> records;
  CsvReader reader(kRecordMax, [&](CsvRecord&& record) {
    records.push_back(std::move(record));
    return Status();
  });
  ok = Feed(reader, text, step);
  return records;
}

std::vector<std::string> SplitJson(std::string_view text, size_t step, bool& ok) {
  std::vector<std::string> elements;
  JsonSplitter splitter(kRecordMax, [&](std::string_view element) {
    elements.emplace_back(element);
    return Status();
  });
  ok = Feed(splitter, text, step);
  return elements;
}

// What the text unzips to, and whether it was whole.
std::string Unzip(std::string_view text, size_t step, bool& ok) {
  GzipReader reader;
  std::string out;
  ok = true;
  for (size_t at = 0; ok && at < text.size(); at += step) {
    ok = reader
             .Feed(text.substr(at, step),
                   [&](std::string_view part) {
                     out += part;
                     return Status();
                   })
             .ok();
  }
  ok = ok && reader.Finish().ok();
  return out;
}

void Require(bool truth) {
  if (!truth) std::abort();
}

// As it comes, and, since no random text is signed, as what a good signature stands under.
void ReadCursor(std::string_view text) {
  const CursorSigner signer(CursorKey{});
  Require(!signer.Open(text, 0).ok());
  CursorToken token;
  token.kind = static_cast<CursorKind>(text.empty() ? 0 : text.front());
  token.payload = text.substr(text.empty() ? 0 : 1);
  const std::string is_signed = signer.Sign(token);
  const Result<CursorToken> opened = signer.Open(is_signed, 0);
  if (opened.ok()) {
    Require(opened->kind == token.kind && opened->payload == token.payload);
    (void)opened->Number();
  }
  Require(!signer.Open(is_signed, 1).ok());
  std::string changed = is_signed;
  changed[text.size() % changed.size()] ^= 1;
  Require(!signer.Open(changed, 0).ok());
}

// Reading moments twice changes nothing more.
void ReadFilterMoments(std::string_view text) {
  const auto filter = JsonToBson(text);
  if (!filter.ok()) return;
  for (const NotADate otherwise : {NotADate::kRefused, NotADate::kKept}) {
    const auto once = ReadMoments(bson::Document(AsBytes(*filter)), otherwise);
    if (!once.ok()) continue;
    const auto twice = ReadMoments(bson::Document(AsBytes(*once)), otherwise);
    if (!twice.ok() || *twice != *once) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t step = 1 + data[0] / 7;
  bool whole = false;
  bool cut = false;
  switch (data[0] % 7) {
    case 0: {
      Result<Parameters> parsed = Parameters::Parse(text);
      if (!parsed.ok()) break;
      for (const auto& [name, value] : parsed->all()) {
        (void)parsed->Number(name, 0, 0, UINT64_MAX);
        (void)parsed->Duration(name, 0);
        std::string back;
        Require(DecodePercent(EncodePercent(value), back) && back == value);
      }
      break;
    }
    case 1: Require(ReadCsv(text, text.size() + 1, whole) == ReadCsv(text, step, cut)); break;
    case 2: Require(SplitJson(text, text.size() + 1, whole) == SplitJson(text, step, cut)); break;
    case 3: {
      ReadCursor(text);
      std::string bytes;
      if (DecodeBase64Url(text, bytes)) Require(EncodeBase64Url(bytes) == text);
      break;
    }
    case 4:
      (void)ParseFields(text);
      (void)ParseSort(text);
      (void)MatchesAnyTag(text, "\"a\"");
      (void)TraceIdOf(text);
      break;
    case 5: {
      const std::string all = Unzip(text, text.size() + 1, whole);
      const std::string parts = Unzip(text, step, cut);
      Require(!whole || all == parts);
      break;
    }
    case 6: ReadFilterMoments(text); break;
  }
  Require(whole == cut);
  return 0;
}
