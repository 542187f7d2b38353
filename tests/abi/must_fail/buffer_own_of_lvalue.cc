// gcc: Own takes the container over: move it in
// clang: Own takes the container over: move it in
#include <string>

#include "nexadb/abi.h"

nexadb::Buffer Take(std::string& text) {
#ifdef BREAK_THE_RULE
  return nexadb::Buffer::Own(text);
#else
  return nexadb::Buffer::Own(std::move(text));
#endif
}
