// FindRequest: a find command, taken apart. Borrows from the command's bytes.
#pragma once
#include <cstdint>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::database {

struct FindRequest {
  bson::Document command;
  std::string_view collection;
  bson::Document filter;
  bson::Document projection;
  bson::Document sort;
  bson::Document let;
  uint64_t skip = 0;
  uint64_t limit = 0;       // 0: none
  int64_t batch_size = -1;  // -1: the default
  bool single_batch = false;

  // Of what decides which documents come in which order. The same across restarts.
  uint64_t Fingerprint() const;
};

}  // namespace nexadb::database
