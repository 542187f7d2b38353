// ELF sections, read from a file's bytes without running any of its code.
//
// Pure functions over borrowed bytes; every offset is checked, so any input is safe (fuzz target:
// tests/fuzz/elf_section_fuzz.cc). Only what this kernel could load is accepted: a 64-bit
// little-endian shared object for this machine.
#pragma once
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::base {

// kInvalidArgument says what the bytes are instead of such a shared object.
Status CheckElf(BytesView file);

// The contents of the first section of that name, a view into `file`. kNotFound when there is
// none, kInvalidArgument when the file is malformed.
Result<BytesView> FindSection(BytesView file, std::string_view name);

}  // namespace nexadb::base
