// gcc: ignoring returned value of type 'nexadb::Result
// clang: ignoring return value of function declared with 'nodiscard'
#include "nexadb/env.h"

void Size(nexadb::File& file) {
#ifdef BREAK_THE_RULE
  file.Size();
#else
  [[maybe_unused]] auto size = file.Size();
#endif
}
