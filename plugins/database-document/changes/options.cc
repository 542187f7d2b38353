#include "plugins/database-document/changes/options.h"

#include "core/document/error.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::database {

namespace {

constexpr int32_t kInvalidOptions = 72;
constexpr std::string_view kImageNames[] = {"none", "after", "both"};

Status Bad(std::string_view message) {
  return MongoError(kInvalidOptions, "changes: " + std::string(message));
}

std::optional<ChangeImages> ImagesByName(const bson::Value& value) {
  if (value.type() != bson::Type::kString) return std::nullopt;
  for (size_t i = 0; i < std::size(kImageNames); ++i) {
    if (kImageNames[i] == value.Text()) return static_cast<ChangeImages>(i);
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<ChangeOptions>> ParseChangeOptions(const bson::Value& value) {
  if (value.type() == bson::Type::kBool) {
    return value.Bool() ? std::optional<ChangeOptions>(ChangeOptions()) : std::nullopt;
  }
  if (value.type() != bson::Type::kObject) {
    return Bad("takes true, false, or {retention_s, images}");
  }
  ChangeOptions options;
  for (const bson::Element& e : value.Doc()) {
    if (e.name() == "retention_s") {
      options.retention_s = e.value().IsNumber() ? query::ExactInt64(e.value()).value_or(0) : 0;
      if (options.retention_s < 1 || options.retention_s > kChangeRetentionMaxS) {
        return Bad("'retention_s' takes seconds, from 1 to " +
                   std::to_string(kChangeRetentionMaxS));
      }
    } else if (e.name() == "images") {
      const auto images = ImagesByName(e.value());
      if (!images) return Bad("'images' takes none, after or both");
      options.images = *images;
    } else {
      return Bad("'" + std::string(e.name()) + "' is not known; retention_s and images are");
    }
  }
  return std::optional<ChangeOptions>(options);
}

std::string EncodeChangeOptions(const ChangeOptions& options) {
  bson::Builder out;
  out.Int64("retention_s", options.retention_s);
  out.Text("images", kImageNames[static_cast<size_t>(options.images)]);
  return out.Finish();
}

std::optional<ChangeOptions> ChangeOptionsOf(const CollectionEntry& entry) {
  const bson::Element kept = entry.option_document()["changes"];
  if (kept.type() != bson::Type::kObject) return std::nullopt;
  auto options = ParseChangeOptions(kept.value());
  return options.ok() ? *options : std::nullopt;
}

}  // namespace nexadb::database
