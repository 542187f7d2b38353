// LINK: nexadb_document
// Any bytes as JSON: nothing crashes; what is read is well-formed BSON, and its canonical form
// reads back as the same bytes. The array and line readers agree with the plain one on what it
// accepts, and into which parts lines are cut changes nothing.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/document/json.h"

using nexadb::AsBytes;
using nexadb::JsonMode;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// Objects that are wrappers in everything but place (at the root, or with a wrapper's name later)
// cannot be written as Extended JSON, so only documents without a '$' have to come back.
void CheckRoundTrip(const std::string& bson) {
  Require(nexadb::bson::Validate(AsBytes(bson)) == nullptr);
  const nexadb::bson::Document document{AsBytes(bson)};
  const std::string json = nexadb::BsonToJson(document, JsonMode::kCanonical);
  nexadb::JsonOptions options = nexadb::kEnvelopeJson;
  auto back = nexadb::JsonToBson(json, options);
  if (bson.find('$') == std::string::npos) Require(back.ok() && *back == bson);
  (void)nexadb::BsonToJson(document, JsonMode::kRelaxed);
  (void)nexadb::BsonToJson(document, JsonMode::kRest);
}

struct Lines {
  std::vector<std::string> documents;
  bool whole = false;
  bool operator==(const Lines&) const = default;
};

Lines ReadLines(std::string_view text, size_t step) {
  Lines lines;
  nexadb::NdjsonReader reader([&](uint64_t, nexadb::bson::Document document) {
    lines.documents.emplace_back(nexadb::AsText(document.bytes()));
    return nexadb::Status::Ok();
  });
  lines.whole = true;
  for (size_t at = 0; lines.whole && at < text.size(); at += step) {
    lines.whole = reader.Feed(text.substr(at, step)).ok();
  }
  lines.whole = lines.whole && reader.Finish().ok();
  return lines;
}

std::vector<std::string> ReadArray(const std::string& text) {
  std::vector<std::string> documents;
  const nexadb::Status status =
      nexadb::JsonArrayToBson(text, [&](uint64_t, nexadb::bson::Document document) {
        documents.emplace_back(nexadb::AsText(document.bytes()));
        return nexadb::Status::Ok();
      });
  if (!status.ok()) documents.clear();
  return documents;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto document = nexadb::JsonToBson(text);
  if (document.ok()) CheckRoundTrip(*document);
  auto value = nexadb::ParseJsonValue(text);
  Require(!document.ok() || value.ok() ||
          std::string_view(value.status().message()).find("$") != std::string_view::npos);
  auto check = [](uint64_t, nexadb::bson::Document d) {
    CheckRoundTrip(std::string(nexadb::AsText(d.bytes())));
    return nexadb::Status::Ok();
  };
  const Lines lines = ReadLines(text, text.size() + 1);
  Require(lines == ReadLines(text, 1) && lines == ReadLines(text, 1 + text.size() / 3));
  if (document.ok()) {
    Require(ReadArray("[" + std::string(text) + "]") == std::vector{*document});
    if (text.find('\n') == std::string_view::npos) {
      Require(lines == Lines{{*document}, true});
    }
  }
  (void)nexadb::JsonArrayToBson(text, check);
  (void)nexadb::NdjsonToBson(text, check);
  return 0;
}
