// Statuses whose text says what, where and what follows.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::lsm {

inline Status Corruption(std::string_view path, uint64_t offset, std::string_view what) {
  std::string text(path);
  text.append(": ").append(what).append(" at byte ").append(std::to_string(offset));
  return Status::Error(Code::kCorruption, text);
}

inline Status Invalid(std::string_view what) { return Status::Error(Code::kInvalidArgument, what); }

}  // namespace nexadb::lsm

// Returns the Status of `expression` from the function when it is a failure.
#define LSM_RETURN_IF_ERROR(expression)                                         \
  do {                                                                          \
    if (::nexadb::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
