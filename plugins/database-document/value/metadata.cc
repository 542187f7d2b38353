#include "plugins/database-document/value/metadata.h"

namespace nexadb::query {
namespace {

void AppendPlain(bson::Document doc, bson::Builder* out) {
  for (const bson::Element& e : doc) {
    if (e.name() != kScoreMember && e.name() != kScoreDetailsMember) out->Element(e);
  }
}

}  // namespace

std::string WithMetadata(bson::Document doc, double score, std::string_view details) {
  bson::Builder out;
  AppendPlain(doc, &out);
  out.Double(kScoreMember, score);
  if (!details.empty()) out.Binary(kScoreDetailsMember, 0, AsBytes(details));
  return out.Finish();
}

std::string WithoutMetadata(bson::Document doc) {
  bson::Builder out;
  AppendPlain(doc, &out);
  return out.Finish();
}

std::string WithMetadataOf(bson::Document doc, bson::Document of) {
  bson::Builder out;
  AppendPlain(doc, &out);
  for (const std::string_view name : {kScoreMember, kScoreDetailsMember}) {
    if (const bson::Element e = of[name]) out.Element(e);
  }
  return out.Finish();
}

bool HasMetadata(bson::Document doc) { return static_cast<bool>(doc[kScoreMember]); }

}  // namespace nexadb::query
