#include "core/base/elf_section.h"

#include <elf.h>

#include <string>

namespace nexadb::base {
namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#endif

Status Malformed(std::string_view what) {
  return Status::Error(Code::kInvalidArgument, "malformed ELF file: " + std::string(what));
}

// Sections may start at any byte, so structures are copied out, never pointed at.
template <class T>
bool Read(BytesView file, uint64_t offset, T& out) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, file.data() + offset, sizeof(T));
  return true;
}

bool Part(BytesView file, uint64_t offset, uint64_t size, BytesView& out) {
  if (offset > file.size() || file.size() - offset < size) return false;
  out = file.Sub(offset, size);
  return true;
}

bool NameIs(BytesView names, uint64_t offset, std::string_view wanted) {
  if (offset >= names.size()) return false;
  const BytesView rest = names.Sub(offset, names.size() - offset);
  return rest.size() > wanted.size() && AsText(rest.Sub(0, wanted.size())) == wanted &&
         rest[wanted.size()] == 0;
}

}  // namespace

Status CheckElf(BytesView file) {
  Elf64_Ehdr header;
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
    return Status::Error(Code::kInvalidArgument, "not an ELF file");
  }
  if (!Read(file, 0, header)) return Malformed("shorter than its header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return Status::Error(Code::kInvalidArgument, "not a 64-bit little-endian ELF file");
  }
  if (header.e_machine != kMachine) {
    return Status::Error(Code::kInvalidArgument, "built for another processor (ELF machine " +
                                                     std::to_string(header.e_machine) +
                                                     ", this one is " + std::to_string(kMachine) +
                                                     ")");
  }
  if (header.e_type != ET_DYN) {
    return Status::Error(Code::kInvalidArgument, "an ELF file, but not a shared library");
  }
  return {};
}

Result<BytesView> FindSection(BytesView file, std::string_view name) {
  if (Status s = CheckElf(file); !s.ok()) return s;
  Elf64_Ehdr header;
  if (!Read(file, 0, header)) return Malformed("shorter than its header");
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return Malformed("section header size");
  BytesView table;
  const uint64_t table_bytes = uint64_t{header.e_shnum} * sizeof(Elf64_Shdr);
  if (!Part(file, header.e_shoff, table_bytes, table))
    return Malformed("section table past the end");
  if (header.e_shstrndx >= header.e_shnum) return Malformed("no section names");
  Elf64_Shdr section;
  BytesView names;
  if (!Read(table, uint64_t{header.e_shstrndx} * sizeof(Elf64_Shdr), section) ||
      !Part(file, section.sh_offset, section.sh_size, names)) {
    return Malformed("section names past the end");
  }
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    if (!Read(table, i * sizeof(Elf64_Shdr), section)) return Malformed("section table");
    if (!NameIs(names, section.sh_name, name)) continue;
    BytesView contents;
    if (section.sh_type == SHT_NOBITS ||
        !Part(file, section.sh_offset, section.sh_size, contents)) {
      return Malformed("section " + std::string(name) + " past the end");
    }
    return contents;
  }
  return Status::Error(Code::kNotFound, "no section " + std::string(name));
}

}  // namespace nexadb::base
