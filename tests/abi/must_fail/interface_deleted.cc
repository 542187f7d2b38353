// gcc: is protected within this context
// clang: calling a protected destructor
#include "nexadb/env.h"

void Drop(nexadb::File* file) {
#ifdef BREAK_THE_RULE
  delete file;
#else
  file->Release();
#endif
}
