// LINK: nexadb_document
// Any bytes as JSON: nothing crashes; what is read is well-formed BSON, and its canonical form
// reads back as the same bytes. The array and line readers agree with the plain one on what they
// accept.
#include <cstdlib>

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
  (void)nexadb::JsonArrayToBson(text, check);
  (void)nexadb::NdjsonToBson(text, check);
  return 0;
}
