// ChangeOptions: whether a collection records its changes, what of them, and for how long. The
// catalog keeps them as the option `changes: {retention_s, images}`. Pure functions.
#pragma once
#include <optional>

#include "plugins/database-document/catalog/entry.h"

namespace nexadb::database {

enum class ChangeImages {
  kNone,   // which document, and what happened to it
  kAfter,  // and the document as it is afterwards
  kBoth,   // and as it was before
};

struct ChangeOptions {
  int64_t retention_s = 24 * 60 * 60;
  ChangeImages images = ChangeImages::kAfter;
};

// A century: longer is a slip of the finger.
constexpr int64_t kChangeRetentionMaxS = int64_t{100} * 365 * 24 * 60 * 60;

// The option as a client gives it: true, false, or {retention_s, images: none | after | both}.
// Nothing for false. 72 (invalid_options) for anything else.
Result<std::optional<ChangeOptions>> ParseChangeOptions(const bson::Value& value);
// The form that the catalog keeps.
std::string EncodeChangeOptions(const ChangeOptions& options);
// Of an entry; nothing when it records no changes.
std::optional<ChangeOptions> ChangeOptionsOf(const CollectionEntry& entry);

}  // namespace nexadb::database
