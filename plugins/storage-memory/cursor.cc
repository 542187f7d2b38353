#include "plugins/storage-memory/cursor.h"

#include <utility>

#include "core/base/mutex_lock.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::memory {
namespace {

// The first entry that a forward walk from the position meets.
template <class Map>
auto FirstFrom(const Map& map, const std::string& key, bool past_key) {
  return past_key ? map.upper_bound(key) : map.lower_bound(key);
}

// The end of the part that a reverse walk from the position goes down through.
template <class Map>
auto LimitFrom(const Map& map, const std::string& key, bool past_key, bool at_last) {
  if (at_last) return map.end();
  return past_key ? map.lower_bound(key) : map.upper_bound(key);
}

std::string After(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace

MemoryCursor::MemoryCursor(Store& store, uint64_t sequence, const ScanOptions& options,
                           std::shared_ptr<const Overlay> overlay, ReadSet* reads)
    : store_(store),
      sequence_(sequence),
      reverse_(options.reverse != 0),
      begin_(AsText(options.begin)),
      end_(AsText(options.end)),
      overlay_(std::move(overlay)),
      reads_(reads) {
  position_ = reverse_ ? Position{end_, true, end_.empty()} : Position{begin_, false, false};
}

bool MemoryCursor::InRange(std::string_view key) const {
  return key >= begin_ && BeforeEnd(key, end_);
}

Result<uint64_t> MemoryCursor::Next(Span<Row> rows) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> { return Fill(rows); });
}

uint64_t MemoryCursor::Fill(Span<Row> rows) {
  pinned_.clear();
  if (rows.empty()) return 0;
  Position from = position_;
  {
    base::MutexLock hold(store_.mutex);
    if (reverse_) {
      FillReverse(rows.size());
    } else {
      FillForward(rows.size());
    }
  }
  size_t count = 0;
  for (const PinnedRow& row : pinned_) rows[count++] = {AsBytes(row.key), row.value.bytes()};
  if (reads_ != nullptr) RecordReads(from, count < rows.size());
  if (count > 0) {
    position_ = {pinned_.back().key, true, false};
  } else {
    position_ = reverse_ ? Position{begin_, true, false} : Position{end_, false, end_.empty()};
  }
  return count;
}

// Merges the versions and the transaction's own writes, which win.
void MemoryCursor::FillForward(size_t count) {
  if (position_.at_last) return;  // at the open end
  const VersionMap::Map& map = store_.versions.map();
  const Overlay::Map& own = overlay_->map();
  auto base = FirstFrom(map, position_.key, position_.past_key);
  auto mine = FirstFrom(own, position_.key, position_.past_key);
  while (pinned_.size() < count) {
    bool has_base = base != map.end() && InRange(base->first);
    bool has_mine = mine != own.end() && InRange(mine->first);
    if (has_mine && (!has_base || mine->first <= base->first)) {
      if (has_base && mine->first == base->first) ++base;
      if (mine->second.exists) Pin(mine->first, mine->second.value);
      ++mine;
    } else if (has_base) {
      const Version* version = VersionMap::Visible(base->second, sequence_);
      if (version != nullptr && !overlay_->Hides(base->first)) Pin(base->first, version->value);
      ++base;
    } else {
      return;
    }
  }
}

void MemoryCursor::FillReverse(size_t count) {
  const VersionMap::Map& map = store_.versions.map();
  const Overlay::Map& own = overlay_->map();
  auto base = LimitFrom(map, position_.key, position_.past_key, position_.at_last);
  auto mine = LimitFrom(own, position_.key, position_.past_key, position_.at_last);
  while (pinned_.size() < count) {
    bool has_base = base != map.begin() && InRange(std::prev(base)->first);
    bool has_mine = mine != own.begin() && InRange(std::prev(mine)->first);
    if (has_mine && (!has_base || std::prev(mine)->first >= std::prev(base)->first)) {
      --mine;
      if (has_base && mine->first == std::prev(base)->first) --base;
      if (mine->second.exists) Pin(mine->first, mine->second.value);
    } else if (has_base) {
      --base;
      const Version* version = VersionMap::Visible(base->second, sequence_);
      if (version != nullptr && !overlay_->Hides(base->first)) Pin(base->first, version->value);
    } else {
      return;
    }
  }
}

// What this call has looked at: from where it stood to its last row, or to the end of the range.
void MemoryCursor::RecordReads(const Position& from, bool exhausted) {
  std::string begin, end;
  if (reverse_) {
    if (!from.at_last) end = from.past_key ? from.key : After(from.key);
    begin = exhausted ? begin_ : pinned_.back().key;
    if (!from.at_last && end <= begin) return;
  } else {
    if (from.at_last) return;
    begin = from.past_key ? After(from.key) : from.key;
    end = exhausted ? end_ : After(pinned_.back().key);
    if (!BeforeEnd(begin, end)) return;
  }
  reads_->AddRange(std::move(begin), std::move(end));
}

Status MemoryCursor::Seek(BytesView target) noexcept {
  return sdk::Guard([&]() -> Status {
    std::string key(AsText(target));
    pinned_.clear();
    if (!reverse_) {
      position_ = {key < begin_ ? begin_ : std::move(key), false, false};
    } else if (!BeforeEnd(key, end_)) {
      position_ = {end_, true, false};
    } else {
      position_ = {std::move(key), false, false};
    }
    return {};
  });
}

}  // namespace nexadb::memory
