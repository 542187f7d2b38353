// Names of databases, collections and buckets: what may be one. Pure functions.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::database {

// The limits table of the REST contract; a database's is MongoDB's.
constexpr size_t kCollectionNameBytesMax = 255;
constexpr size_t kDatabaseNameBytesMax = 63;
constexpr size_t kBucketNameBytesMax = 120;
// Marks a bucket among the names of a database, in the catalog and in access patterns.
constexpr std::string_view kBucketPrefix = "kv:";

// Each fails with MongoDB's code 73, InvalidNamespace, and says what is wrong with the name.
Status CheckDatabaseName(std::string_view name);
Status CheckCollectionName(std::string_view database, std::string_view name);
// As CheckCollectionName, for a name that is about to be made or written: not a system one.
Status CheckWritableName(std::string_view database, std::string_view name);
Status CheckBucketName(std::string_view name);

inline std::string Namespace(std::string_view database, std::string_view name) {
  std::string out(database);
  return out.append(1, '.').append(name);
}

}  // namespace nexadb::database
