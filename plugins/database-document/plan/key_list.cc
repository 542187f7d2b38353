#include "plugins/database-document/plan/key_list.h"

#include <algorithm>
#include <cstring>

namespace nexadb::database {

namespace {

// Shorter keys are filled up with zeros, which sort first as their absence does.
uint64_t HeadOf(std::string_view text) {
  uint64_t head = 0;
  for (size_t i = 0; i < sizeof(head); ++i) {
    head = head << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  }
  return head;
}

}  // namespace

void KeyList::Add(std::string_view rest) {
  keys_.push_back(
      {HeadOf(rest), static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(rest.size())});
  bytes_.append(rest);
}

void KeyList::AddWith(std::string_view rest, std::string_view document) {
  Add(rest);
  const auto size = static_cast<uint32_t>(document.size());
  bytes_.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(document);
}

std::string_view KeyList::DocumentAt(size_t i) const {
  const char* at = bytes_.data() + keys_[i].begin + keys_[i].size;
  uint32_t size = 0;
  std::memcpy(&size, at, sizeof(size));
  return {at + sizeof(size), size};
}

void KeyList::Sort() {
  std::sort(keys_.begin(), keys_.end(), [&](const Key& a, const Key& b) { return Less(a, b); });
  const auto same = [&](const Key& a, const Key& b) {
    return a.head == b.head && RestOf(a) == RestOf(b);
  };
  keys_.erase(std::unique(keys_.begin(), keys_.end(), same), keys_.end());
}

size_t KeyList::CountBelow(std::string_view key) const {
  if (!key.starts_with(prefix_)) return key < prefix_ ? 0 : keys_.size();
  const std::string_view rest = key.substr(prefix_.size());
  const auto found = std::partition_point(keys_.begin(), keys_.end(),
                                          [&](const Key& k) { return RestOf(k) < rest; });
  return static_cast<size_t>(found - keys_.begin());
}

size_t KeyList::CountUpTo(std::string_view key, ScanDirection direction) const {
  const size_t below = CountBelow(key);
  if (direction == ScanDirection::kReverse) return size() - below;
  return below + (below < size() && At(below) == key ? 1 : 0);
}

}  // namespace nexadb::database
