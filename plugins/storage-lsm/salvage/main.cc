// nexadb-lsm verify STORE [--keys FILE]
// nexadb-lsm salvage STORE TARGET [--keys FILE]
// nexadb-lsm manual
//
// For a store of storage-lsm that no server has open. `verify` reads all of it and names what is
// damaged; `salvage` copies what is whole into the new directory TARGET and names what is lost.
// Neither changes STORE. Exit status: 0 nothing is damaged, 1 something is, 2 it could not be done.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/escape.h"
#include "core/base/system_env.h"
#include "plugins/storage-lsm/encryption/key_file.h"
#include "plugins/storage-lsm/salvage/salvage.h"

namespace nexadb::lsm {
namespace {

constexpr int kDamaged = 1;
constexpr int kFailed = 2;

int Usage() {
  std::fprintf(
      stderr,
      "nexadb-lsm verify STORE [--keys FILE]\n"
      "nexadb-lsm salvage STORE TARGET [--keys FILE]\n"
      "STORE is the directory of a storage-lsm instance, data_dir/lsm by default, which no "
      "server may have open.\nFILE is the encryption_key_file of an encrypted store.\n");
  return kFailed;
}

// The page nexadb-lsm(1), for the package.
int Manual() {
  std::fputs(
      ".TH NEXADB\\-LSM 1 \"\" \"NexaDB\" \"NexaDB\"\n"
      ".SH NAME\nnexadb\\-lsm \\- checks and salvages stores of NexaDB\n"
      ".SH SYNOPSIS\n.B nexadb\\-lsm verify\n.I STORE\n[\\-\\-keys FILE]\n.br\n"
      ".B nexadb\\-lsm salvage\n.I STORE TARGET\n[\\-\\-keys FILE]\n"
      ".SH DESCRIPTION\nSTORE is the directory of a storage\\-lsm instance that no server has "
      "open. "
      "It is read and never written.\n"
      ".TP\n.B verify\nreads all of it and names what is damaged.\n"
      ".TP\n.B salvage\ncopies what is whole into the new directory TARGET and names what is lost, "
      "by file and range of keys.\n"
      ".TP\n.B \\-\\-keys FILE\nThe encryption_key_file of an encrypted store.\n"
      ".SH \"EXIT STATUS\"\n.TP\n.B 0\nNothing is damaged.\n.TP\n.B 1\nSomething is.\n"
      ".TP\n.B 2\nIt could not be done.\n"
      ".SH SEE ALSO\n.BR nexadb\\-kernel (1),\n.BR nexadb (1)\n",
      stdout);
  return 0;
}

int Fail(const Status& status) {
  std::fprintf(stderr, "nexadb-lsm: %s\n", std::string(status.message()).c_str());
  return kFailed;
}

void Print(const SalvageReport& report) {
  for (const Loss& loss : report.losses) {
    std::printf("%s: %s\n", loss.file.c_str(), loss.what.c_str());
    if (!loss.ranged) continue;
    std::printf("  keys from %s to %s\n",
                loss.begin.empty() ? "the first" : base::Quoted(loss.begin).c_str(),
                loss.end.empty() ? "the last" : base::Quoted(loss.end).c_str());
  }
  std::printf(
      "tables_whole=%llu tables_in_part=%llu tables_lost=%llu rows_kept=%llu rows_lost=%llu "
      "log_records=%llu\n",
      static_cast<unsigned long long>(report.tables_whole),
      static_cast<unsigned long long>(report.tables_in_part),
      static_cast<unsigned long long>(report.tables_lost),
      static_cast<unsigned long long>(report.rows_kept),
      static_cast<unsigned long long>(report.rows_lost),
      static_cast<unsigned long long>(report.log_records));
}

int Run(const std::vector<std::string>& words, const std::string& keys) {
  if (words[0] == "manual" && words.size() == 1) return Manual();
  const bool salvages = words[0] == "salvage";
  if ((words[0] != "verify" || words.size() != 2) && (!salvages || words.size() != 3)) {
    return Usage();
  }
  SalvageOptions options;
  if (salvages) options.target = words[2];
  if (!keys.empty()) {
    auto ring = ReadKeyFile(keys);
    if (!ring.ok()) return Fail(ring.status());
    options.keys = *ring;
  }
  auto report = Salvage(base::SystemEnv(), words[1], options);
  if (!report.ok()) return Fail(report.status());
  Print(*report);
  return report->losses.empty() ? 0 : kDamaged;
}

}  // namespace
}  // namespace nexadb::lsm

int main(int argc, char** argv) {
  std::vector<std::string> words;
  std::string keys;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == "--keys" && i + 1 < argc) {
      keys = argv[++i];
    } else if (word.starts_with("-")) {
      return nexadb::lsm::Usage();
    } else {
      words.emplace_back(word);
    }
  }
  return words.empty() ? nexadb::lsm::Usage() : nexadb::lsm::Run(words, keys);
}
