#include "plugins/storage-lsm/changes/change_feed.h"

#include <algorithm>
#include <map>
#include <memory>

#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/log/batch_record.h"
#include "plugins/storage-lsm/log/log_format.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/util/error.h"
#include "plugins/storage-lsm/util/sync.h"

namespace nexadb::lsm {
namespace {

Status Gone(Sequence after) {
  return Status::Error(Code::kNotFound, "the changes after sequence " + std::to_string(after) +
                                            " are not kept any more: start again from a snapshot, "
                                            "or raise changes_retained");
}

// False when the payload is malformed, or begins before the first write that there can be. Stamps
// and sums are filled in already.
bool DecodeBatch(BytesView payload, Sequence* first, std::vector<Mutation>* mutations) {
  BatchReader batch(payload);
  uint32_t count = 0;
  mutations->clear();
  if (!batch.ReadHeader(first, &count) || *first < kOldestSequence) return false;
  Entry entry;
  for (uint32_t i = 0; i < count; ++i) {
    if (!batch.ReadEntry(&entry)) return false;
    const Mutation::Op op = entry.kind == Kind::kDelete        ? Mutation::Op::kDelete
                            : entry.kind == Kind::kDeleteRange ? Mutation::Op::kDeleteRange
                                                               : Mutation::Op::kPut;
    mutations->push_back({op, 0, AsBytes(entry.key), AsBytes(entry.value)});
  }
  return batch.empty();
}

}  // namespace

std::vector<uint64_t> ChangeFeed::Shrink() {
  std::vector<uint64_t> gone;
  while (bytes_ > bytes_max_) {
    gone.push_back(kept_.front().number);
    bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
  return gone;
}

std::vector<uint64_t> ChangeFeed::Retire(uint64_t number) {
  MutexLock lock(*mutex_);
  auto bytes = files_.FileSize(JoinPath(directory_, WalName(number)));
  LogHeader header;
  if (bytes_max_ == 0 || !bytes.ok() || !ReadHeader(number, &header)) return {number};
  kept_.push_back({number, *bytes});
  bytes_ += *bytes;
  return Shrink();
}

bool ChangeFeed::ReadHeader(uint64_t number, LogHeader* header) {
  return ReadLogHeader(files_, JoinPath(directory_, WalName(number)), number, header);
}

bool ChangeFeed::Keeps(uint64_t number) {
  return std::any_of(kept_.begin(), kept_.end(),
                     [&](const Kept& kept) { return kept.number == number; });
}

std::vector<uint64_t> ChangeFeed::Adopt(const std::vector<uint64_t>& numbers) {
  std::vector<uint64_t> gone;
  for (uint64_t number : numbers) {
    for (uint64_t old : Retire(number)) gone.push_back(old);
  }
  return gone;
}

uint64_t ChangeFeed::bytes() const {
  MutexLock lock(*mutex_);
  return bytes_;
}

Status ChangeFeed::Read(Sequence after, Sequence visible, const std::vector<uint64_t>& live,
                        const ChangeSink& sink, Sequence* reached) {
  *reached = after;
  std::vector<uint64_t> numbers;
  {
    MutexLock lock(*mutex_);
    for (const Kept& kept : kept_) numbers.push_back(kept.number);
  }
  numbers.insert(numbers.end(), live.begin(), live.end());
  // A log may have been kept since `live` was asked for.
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  // What stands in a log behind the end that the next one names was refused, and never happened.
  std::map<uint64_t, uint64_t> ends;
  for (uint64_t number : numbers) {
    LogHeader header;
    if (ReadHeader(number, &header)) ends[header.previous_number] = header.previous_end;
  }
  for (uint64_t number : numbers) {
    if (*reached >= visible) break;
    LSM_RETURN_IF_ERROR(ReadLog(number, ends[number], visible, sink, reached));
  }
  return Status::Ok();
}

Status ChangeFeed::ReadLog(uint64_t number, uint64_t end, Sequence visible, const ChangeSink& sink,
                           Sequence* reached) {
  const std::string path = JoinPath(directory_, WalName(number));
  Handle<File> file;
  std::unique_ptr<LogReader> reader;
  bool kept = false;
  {
    MutexLock lock(*mutex_);
    kept = Keeps(number);
    auto opened = files_.Open(path, FileMode::kRead);
    if (opened.status().code() == Code::kNotFound) return Status::Ok();  // retired meanwhile
    if (!opened.ok()) return opened.status();
    file = std::move(*opened);
    reader = std::make_unique<LogReader>(*file, path, vault_);
    const Status status = reader->Open(LogType::kWal, number);
    // A log that is kept stays as it is; another may have been retired, and serve again.
    if (!status.ok() && !kept) return Status::Ok();
    LSM_RETURN_IF_ERROR(status);
    reader->ExpectEnd(end);
  }
  std::vector<Mutation> mutations;
  BytesView payload;
  // Behind what is visible a writer may be at work: no further.
  while (*reached < visible) {
    const uint64_t offset = reader->offset();
    auto more = reader->Next(&payload);
    if (!more.ok() && !kept) return Gone(*reached);
    if (!more.ok()) return more.status();
    if (!*more) break;
    Sequence first = 0;
    if (!DecodeBatch(payload, &first, &mutations))
      return Corruption(path, offset, "malformed batch");
    const Sequence last = first + mutations.size() - 1;
    if (mutations.empty() || last <= *reached) continue;
    if (first > *reached + 1) return Gone(*reached);
    LSM_RETURN_IF_ERROR(sink.batch(sink.state, last, {mutations.data(), mutations.size()}));
    *reached = last;
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
