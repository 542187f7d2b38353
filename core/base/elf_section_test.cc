#include "core/base/elf_section.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace nexadb::base {
namespace {

// A shared object of one section ".nexadb.plugin" with "hello" in it.
std::string SmallObject() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_DYN;
#if defined(__aarch64__)
  header.e_machine = EM_AARCH64;
#else
  header.e_machine = EM_X86_64;
#endif
  const std::string names("\0.nexadb.plugin\0.names\0", 23);
  const std::string contents = "hello";
  header.e_shoff = sizeof(header) + names.size() + contents.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1;
  sections[1].sh_type = SHT_PROGBITS;
  sections[1].sh_offset = sizeof(header) + names.size();
  sections[1].sh_size = contents.size();
  sections[2].sh_name = 16;
  sections[2].sh_type = SHT_STRTAB;
  sections[2].sh_offset = sizeof(header);
  sections[2].sh_size = names.size();
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file += names + contents;
  file.append(reinterpret_cast<const char*>(sections), sizeof(sections));
  return file;
}

TEST(ElfSection, FindsASectionByName) {
  const std::string file = SmallObject();
  auto section = FindSection(AsBytes(file), ".nexadb.plugin");
  ASSERT_TRUE(section.ok()) << section.status().message();
  EXPECT_EQ(AsText(*section), "hello");
  EXPECT_EQ(FindSection(AsBytes(file), ".nexadb").status().code(), Code::kNotFound);
}

TEST(ElfSection, SaysWhatAFileIsInstead) {
  EXPECT_EQ(CheckElf(AsBytes("#!/bin/sh\n")).message(), "not an ELF file");
  EXPECT_FALSE(CheckElf(AsBytes("\x7f"
                                "ELF"))
                   .ok());
  std::string executable = SmallObject();
  executable[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  EXPECT_NE(CheckElf(AsBytes(executable)).message().find("not a shared library"),
            std::string_view::npos);
  std::string foreign = SmallObject();
  foreign[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(0xF3);
  EXPECT_NE(CheckElf(AsBytes(foreign)).message().find("another processor"), std::string_view::npos);
}

TEST(ElfSection, NeverReadsOutsideTheFile) {
  const std::string whole = SmallObject();
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_FALSE(FindSection(AsBytes(cut), ".nexadb.plugin").ok()) << size;
  }
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = whole;
    for (int j = 0; j < 3; ++j) damaged[random() % damaged.size()] = static_cast<char>(random());
    auto section = FindSection(AsBytes(damaged), ".nexadb.plugin");
    if (!section.ok() || section->empty()) continue;
    const auto* begin = reinterpret_cast<const uint8_t*>(damaged.data());
    EXPECT_GE(section->data(), begin);
    EXPECT_LE(section->data() + section->size(), begin + damaged.size());
  }
}

}  // namespace
}  // namespace nexadb::base
