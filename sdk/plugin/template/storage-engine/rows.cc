#include "rows.h"

#include "core/base/coding.h"

namespace storage_example {

using nexadb::AsBytes;
using nexadb::AsText;
using nexadb::Buffer;
using nexadb::Code;
using nexadb::Mutation;
using nexadb::Status;
using Op = nexadb::Mutation::Op;

namespace {

constexpr size_t kCounterBytes = 8;

Status Invalid(const char* message) { return Status::Error(Code::kInvalidArgument, message); }

Status Check(const Mutation& m) {
  if (m.op < Op::kPut || m.op > Op::kPutStampedValue) return Invalid("no such mutation");
  if (m.key.size() > nexadb::kStorageKeyBytesMax) return Invalid("the key is too long");
  if (m.value.size() > nexadb::kStorageValueBytesMax) return Invalid("the value is too long");
  if (m.op == Op::kAdd && m.value.size() != kCounterBytes) return Invalid("add: not 8 bytes");
  const bool in_key = m.op == Op::kPutStampedKey;
  if (!in_key && m.op != Op::kPutStampedValue) return {};
  const uint64_t size = in_key ? m.key.size() : m.value.size();
  if (uint64_t{m.stamp_offset} + nexadb::kVersionstampBytes > size) {
    return Invalid("the versionstamp does not fit");
  }
  return {};
}

std::string Stamped(nexadb::BytesView bytes, uint32_t offset, std::optional<uint64_t> sequence,
                    uint16_t order) {
  std::string stamp(nexadb::kVersionstampBytes, '\0');
  if (sequence) {
    stamp.clear();
    nexadb::base::PutBig(stamp, *sequence);
    nexadb::base::PutBig(stamp, order);
  }
  return std::string(AsText(bytes)).replace(offset, stamp.size(), stamp);
}

uint64_t Counter(nexadb::BytesView bytes) {
  uint64_t value = 0;
  for (size_t i = kCounterBytes; i > 0; --i) value = value << 8 | bytes[i - 1];
  return value;
}

Status Add(const Mutation& m, Rows& rows) {
  const auto [row, missing] = rows.try_emplace(std::string(AsText(m.key)));
  Buffer& stored = row->second;
  if (!missing && stored.size() != kCounterBytes) return Invalid("add: the row is no counter");
  std::string sum;
  nexadb::base::PutLittle(sum, Counter(m.value) + (missing ? 0 : Counter(stored.bytes())));
  stored = Buffer::Own(std::move(sum));
  return {};
}

void DeleteRange(const Mutation& m, Rows& rows) {
  const auto first = rows.lower_bound(AsText(m.key));
  const auto last = m.value.empty() ? rows.end() : rows.lower_bound(AsText(m.value));
  if (m.value.empty() || AsText(m.key) < AsText(m.value)) rows.erase(first, last);
}

}  // namespace

bool KeyRange::Overlaps(const KeyRange& other) const {
  return (!end || other.begin < *end) && (!other.end || begin < *other.end);
}

KeyRange RangeOf(std::string_view key) {
  std::string next(key);
  next.push_back('\0');  // the first key behind it
  return {std::string(key), std::move(next)};
}

OwnedMutation::OwnedMutation(const Mutation& m)
    : op(m.op), stamp_offset(m.stamp_offset), key(AsText(m.key)), value(AsText(m.value)) {}

Mutation OwnedMutation::View() const { return {op, stamp_offset, AsBytes(key), AsBytes(value)}; }

std::optional<KeyRange> ChangedBy(const Mutation& m) {
  if (m.op == Op::kPutStampedKey) return std::nullopt;
  if (m.op != Op::kDeleteRange) return RangeOf(AsText(m.key));
  KeyRange range{std::string(AsText(m.key)), std::nullopt};
  if (!m.value.empty()) range.end = std::string(AsText(m.value));
  return range;
}

Status Apply(nexadb::Span<const Mutation> batch, std::optional<uint64_t> sequence, Rows& rows) {
  uint16_t order = 0;
  for (const Mutation& m : batch) {
    if (Status wrong = Check(m); !wrong.ok()) return wrong;
    const std::string key(AsText(m.key));
    switch (m.op) {
      case Op::kPut: rows[key] = Buffer::Copy(m.value); break;
      case Op::kDelete: rows.erase(key); break;
      case Op::kDeleteRange: DeleteRange(m, rows); break;
      case Op::kAdd:
        if (Status wrong = Add(m, rows); !wrong.ok()) return wrong;
        break;
      case Op::kPutStampedKey:
        rows[Stamped(m.key, m.stamp_offset, sequence, order++)] = Buffer::Copy(m.value);
        break;
      case Op::kPutStampedValue:
        rows[key] = Buffer::Own(Stamped(m.value, m.stamp_offset, sequence, order++));
        break;
    }
  }
  return {};
}

}  // namespace storage_example
