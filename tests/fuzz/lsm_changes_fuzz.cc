// LINK: storage-lsm.objects nexadb_base
// The reader of the changes feed: a log whose records hold any bytes gives batches, or a Status.
// What it gives ascends without a hole, encodes to the record it came from, and none of it is given
// twice, wherever a follower goes on. The first byte says into how many records the input is cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/changes/change_feed.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/log/batch_record.h"
#include "plugins/storage-lsm/log/log_writer.h"

namespace {

using namespace nexadb;
using namespace nexadb::lsm;

constexpr const char* kDirectory = "log";
constexpr uint64_t kLog = 7;
constexpr Sequence kVisible = 1000;

std::vector<std::string_view> Cut(std::string_view input) {
  const size_t records = 1 + static_cast<uint8_t>(input.front()) % 4;
  input.remove_prefix(1);
  std::vector<std::string_view> parts;
  for (size_t i = 0; i < records && !input.empty(); ++i) {
    const size_t size = i + 1 == records ? input.size() : (input.size() + 1) / 2;
    parts.push_back(input.substr(0, size));
    input.remove_prefix(size);
  }
  return parts;
}

void WriteLog(FileSystem& files, const std::vector<std::string_view>& records) {
  LogHeader header;
  header.number = kLog;
  header.generation = 99;
  auto log = LogWriter::Create(files, JoinPath(kDirectory, WalName(kLog)), header, 0);
  if (!log.ok()) std::abort();
  for (std::string_view record : records) {
    (*log)->OpenRecord().append(record);
    (*log)->CloseRecord();
  }
  if (!(*log)->Sync().ok()) std::abort();
}

struct Follower {
  Sequence reached;
  const std::vector<std::string_view>& records;
  std::vector<Sequence> ends;  // of the batches given
  static Status Take(void* state, uint64_t sequence, Span<const Mutation> mutations) noexcept {
    auto& self = *static_cast<Follower*>(state);
    // One may begin before where the follower stands, but none behind a hole.
    if (sequence <= self.reached || mutations.empty()) std::abort();
    if (sequence - mutations.size() > self.reached) std::abort();
    size_t bytes = 0;
    for (const Mutation& m : mutations) bytes += m.key.size() + m.value.size();
    bool held = false;
    for (std::string_view record : self.records) held |= bytes < record.size();
    if (!held) std::abort();
    self.reached = sequence;
    self.ends.push_back(sequence);
    return Status::Ok();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto records = Cut(input);
  base::SimEnv env(1);
  if (!env.Files().CreateDirectories(kDirectory).ok()) std::abort();
  WriteLog(env.Files(), records);
  ChangeFeed feed(env, kDirectory, 1u << 20, nullptr);
  auto read = [&](Sequence after) {
    Follower follower{after, records, {}};
    Sequence reached = 0;
    const Status status = feed.Read(after, kVisible, {kLog}, {Follower::Take, &follower}, &reached);
    if (reached != follower.reached) std::abort();
    const Code code = status.code();
    if (!status.ok() && code != Code::kCorruption && code != Code::kNotFound) std::abort();
    return follower.ends;
  };
  const std::vector<Sequence> all = read(0);
  if (all.empty()) return 0;
  // Going on behind the first batch gives the others.
  if (read(all.front()) != std::vector<Sequence>(all.begin() + 1, all.end())) std::abort();
  return 0;
}
