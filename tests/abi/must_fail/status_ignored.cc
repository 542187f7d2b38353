// gcc: ignoring returned value of type 'nexadb::Status'
// clang: ignoring return value of function declared with 'nodiscard'
#include "nexadb/env.h"

void Sync(nexadb::File& file) {
#ifdef BREAK_THE_RULE
  file.Sync();
#else
  [[maybe_unused]] nexadb::Status status = file.Sync();
#endif
}
