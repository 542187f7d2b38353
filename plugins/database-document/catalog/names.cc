#include "plugins/database-document/catalog/names.h"

#include "core/document/error.h"

namespace nexadb::database {

namespace {

constexpr int32_t kInvalidNamespace = 73;

Status Invalid(const std::string& message) { return MongoError(kInvalidNamespace, message); }

bool HasNul(std::string_view name) { return name.find('\0') != std::string_view::npos; }

}  // namespace

Status CheckDatabaseName(std::string_view name) {
  if (name.empty() || name.size() > kDatabaseNameBytesMax ||
      name.find_first_of("/\\. \"$*<>:|?") != std::string_view::npos || HasNul(name)) {
    return Invalid("Invalid database name: '" + std::string(name.substr(0, kDatabaseNameBytesMax)) +
                   "': 1 to 63 bytes without / \\ . \" $ * < > : | ?, spaces and NUL");
  }
  return {};
}

Status CheckCollectionName(std::string_view database, std::string_view name) {
  if (Status status = CheckDatabaseName(database); !status.ok()) return status;
  if (name.empty()) return Invalid("Invalid namespace specified '" + Namespace(database, "") + "'");
  if (HasNul(name)) return Invalid("Invalid collection name: it holds a NUL");
  if (name.front() == '.') {
    return Invalid("Collection names cannot start with '.': " + std::string(name));
  }
  if (database.size() + 1 + name.size() > kCollectionNameBytesMax) {
    return Invalid("Fully qualified namespace is too long: " +
                   std::to_string(database.size() + 1 + name.size()) + " bytes, at most " +
                   std::to_string(kCollectionNameBytesMax));
  }
  if (name.find('$') != std::string_view::npos) {
    return Invalid("Invalid collection name: " + std::string(name) + ": it holds a '$'");
  }
  if (name.substr(0, kBucketPrefix.size()) == kBucketPrefix) {
    return Invalid("Invalid collection name: '" + std::string(name) +
                   "': 'kv:' marks key-value buckets");
  }
  return {};
}

Status CheckWritableName(std::string_view database, std::string_view name) {
  if (Status status = CheckCollectionName(database, name); !status.ok()) return status;
  if (name.substr(0, 7) == "system." && name != "system.js") {
    return Invalid("Invalid system namespace: " + Namespace(database, name));
  }
  return {};
}

Status CheckBucketName(std::string_view name) {
  if (name.empty() || name.size() > kBucketNameBytesMax || HasNul(name)) {
    return MakeError(ErrorId::kInvalidName, "a bucket's name has 1 to 120 bytes without NUL, got " +
                                                std::to_string(name.size()));
  }
  return {};
}

}  // namespace nexadb::database
