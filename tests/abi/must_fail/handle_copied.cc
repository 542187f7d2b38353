// gcc: use of deleted function
// clang: call to implicitly-deleted copy constructor
#include "nexadb/env.h"

nexadb::Handle<nexadb::File> Share(nexadb::Handle<nexadb::File>& file) {
#ifdef BREAK_THE_RULE
  nexadb::Handle<nexadb::File> copy = file;
#else
  nexadb::Handle<nexadb::File> copy = std::move(file);
#endif
  return copy;
}
