#include "plugins/storage-lsm/commit/request.h"

#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

const char* Complaint(const Mutation& m) {
  if (m.key.size() > kStorageKeyBytesMax) return "key longer than 65535 bytes";
  switch (m.op) {
    case Mutation::Op::kPut:
      return m.value.size() > kStorageValueBytesMax ? "value larger than 64 MiB" : nullptr;
    case Mutation::Op::kDelete: return nullptr;
    case Mutation::Op::kDeleteRange:
      return m.value.size() > kStorageKeyBytesMax ? "range end longer than 65535 bytes" : nullptr;
    case Mutation::Op::kAdd:
      return m.value.size() != 8 ? "an add's value must be 8 bytes long" : nullptr;
    case Mutation::Op::kPutStampedKey:
    case Mutation::Op::kPutStampedValue: {
      if (m.value.size() > kStorageValueBytesMax) return "value larger than 64 MiB";
      const size_t room = m.op == Mutation::Op::kPutStampedKey ? m.key.size() : m.value.size();
      return uint64_t{m.stamp_offset} + kVersionstampBytes > room
                 ? "the versionstamp does not fit at stamp_offset"
                 : nullptr;
    }
  }
  return "unknown operation";
}

}  // namespace

Status CheckMutations(Span<const Mutation> mutations) {
  uint64_t bytes = 0;
  uint64_t stamps = 0;
  for (size_t i = 0; i < mutations.size(); ++i) {
    const Mutation& m = mutations[i];
    if (const char* complaint = Complaint(m)) {
      return Invalid("mutation " + std::to_string(i) + " of the batch: " + complaint);
    }
    bytes += m.key.size() + m.value.size() + 16;
    if (m.op == Mutation::Op::kPutStampedKey || m.op == Mutation::Op::kPutStampedValue) ++stamps;
  }
  if (stamps > 65536) return Invalid("more than 65536 versionstamps in one batch");
  if (bytes > kBatchBytesMax) {
    return Status::Error(Code::kResourceExhausted, "batch larger than 256 MiB: split it");
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
