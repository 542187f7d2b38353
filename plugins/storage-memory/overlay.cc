#include "plugins/storage-memory/overlay.h"

#include <algorithm>

#include "core/base/coding.h"

namespace nexadb::memory {
namespace {

std::string ZeroHole(BytesView bytes, uint32_t offset) {
  std::string text(AsText(bytes));
  std::fill_n(text.begin() + offset, kVersionstampBytes, '\0');
  return text;
}

}  // namespace

bool Overlay::Hides(std::string_view key) const {
  return std::any_of(hidden_.begin(), hidden_.end(), [&](const auto& range) {
    return range.first <= key && BeforeEnd(key, range.second);
  });
}

Status Overlay::ApplyAdd(const Mutation& mutation, const Version* under) {
  std::string_view key = AsText(mutation.key);
  auto own = map_.find(key);
  uint64_t sum = base::LoadLittle<uint64_t>(mutation.value.data());
  const Buffer* old = nullptr;
  if (own != map_.end()) {
    if (own->second.exists) old = &own->second.value;
  } else if (under != nullptr && !Hides(key)) {
    old = &under->value;
  }
  if (old != nullptr) {
    if (old->size() != sizeof(sum)) {
      return Status::Error(Code::kInvalidArgument, "add: the stored value is not 8 bytes long");
    }
    sum += base::LoadLittle<uint64_t>(old->bytes().data());
  }
  uint8_t bytes[sizeof(sum)];
  base::StoreLittle(bytes, sum);
  map_[std::string(key)] = {Buffer::Copy({bytes, sizeof(sum)}), true};
  return {};
}

Status Overlay::Apply(const Mutation& mutation, const Version* under) {
  using Op = Mutation::Op;
  std::string key(AsText(mutation.key));
  switch (mutation.op) {
    case Op::kAdd: return ApplyAdd(mutation, under);
    case Op::kPut: map_[std::move(key)] = {Buffer::Copy(mutation.value), true}; return {};
    case Op::kDelete: map_[std::move(key)] = {}; return {};
    case Op::kPutStampedKey:
      map_[ZeroHole(mutation.key, mutation.stamp_offset)] = {Buffer::Copy(mutation.value), true};
      return {};
    case Op::kPutStampedValue:
      map_[std::move(key)] = {Buffer::Own(ZeroHole(mutation.value, mutation.stamp_offset)), true};
      return {};
    case Op::kDeleteRange: break;
  }
  std::string end(AsText(mutation.value));
  if (!BeforeEnd(key, end)) return {};
  auto first = map_.lower_bound(key);
  map_.erase(first, end.empty() ? map_.end() : map_.lower_bound(end));
  hidden_.emplace_back(std::move(key), std::move(end));
  return {};
}

}  // namespace nexadb::memory
