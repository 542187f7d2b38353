#include "plugins/storage-lsm/tombstones/range_tombstones.h"

#include <algorithm>
#include <functional>

namespace nexadb::lsm {

RangeTombstones RangeTombstones::Build(std::vector<Tombstone> tombstones) {
  std::erase_if(tombstones, [](const Tombstone& t) { return RangeEmpty(t.begin, t.end); });
  RangeTombstones result;
  if (tombstones.empty()) return result;
  std::sort(tombstones.begin(), tombstones.end(),
            [](const Tombstone& a, const Tombstone& b) { return a.begin < b.begin; });
  // Sweep over the cuts; `active` holds what covers the stretch from the current cut to the next.
  std::vector<std::string> cuts;
  for (const Tombstone& t : tombstones) {
    cuts.push_back(t.begin);
    if (!t.end.empty()) cuts.push_back(t.end);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<const Tombstone*> active;
  size_t next = 0;
  for (size_t i = 0; i < cuts.size(); ++i) {
    std::erase_if(active, [&](const Tombstone* t) { return !BeforeEnd(cuts[i], t->end); });
    while (next < tombstones.size() && tombstones[next].begin == cuts[i]) {
      active.push_back(&tombstones[next++]);
    }
    if (active.empty()) continue;
    Fragment fragment;
    fragment.begin = cuts[i];
    if (i + 1 < cuts.size()) fragment.end = cuts[i + 1];
    for (const Tombstone* t : active) fragment.sequences.push_back(t->sequence);
    std::sort(fragment.sequences.begin(), fragment.sequences.end(), std::greater<>());
    fragment.sequences.erase(std::unique(fragment.sequences.begin(), fragment.sequences.end()),
                             fragment.sequences.end());
    auto& out = result.fragments_;
    if (!out.empty() && out.back().end == fragment.begin && !fragment.begin.empty() &&
        out.back().sequences == fragment.sequences) {
      out.back().end = std::move(fragment.end);
    } else {
      out.push_back(std::move(fragment));
    }
  }
  return result;
}

const RangeTombstones::Fragment* RangeTombstones::Find(std::string_view key) const {
  auto after = std::upper_bound(fragments_.begin(), fragments_.end(), key,
                                [](std::string_view k, const Fragment& f) { return k < f.begin; });
  if (after == fragments_.begin()) return nullptr;
  const Fragment& fragment = *std::prev(after);
  return BeforeEnd(key, fragment.end) ? &fragment : nullptr;
}

Sequence RangeTombstones::CoverSlow(std::string_view key, Sequence snapshot) const {
  const Fragment* fragment = Find(key);
  if (fragment == nullptr) return 0;
  for (Sequence sequence : fragment->sequences) {
    if (sequence <= snapshot) return sequence;
  }
  return 0;
}

bool RangeTombstones::AnyNewer(std::string_view begin, std::string_view end,
                               Sequence sequence) const {
  return std::any_of(fragments_.begin(), fragments_.end(), [&](const Fragment& f) {
    return f.sequences.front() > sequence && RangesOverlap(f.begin, f.end, begin, end);
  });
}

void RangeTombstones::AppendTo(std::string_view begin, std::string_view end,
                               std::vector<Tombstone>& out) const {
  for (const Fragment& f : fragments_) {
    if (!RangesOverlap(f.begin, f.end, begin, end)) continue;
    for (Sequence sequence : f.sequences) {
      out.push_back({std::string(std::max<std::string_view>(f.begin, begin)),
                     std::string(EarlierEnd(f.end, end)), sequence});
    }
  }
}

void RangeTombstones::AppendVisible(std::string_view begin, std::string_view end, Sequence snapshot,
                                    std::vector<Tombstone>& out) const {
  for (const Fragment& f : fragments_) {
    if (!RangesOverlap(f.begin, f.end, begin, end)) continue;
    for (Sequence sequence : f.sequences) {
      if (sequence > snapshot) continue;
      out.push_back({std::string(std::max<std::string_view>(f.begin, begin)),
                     std::string(EarlierEnd(f.end, end)), sequence});
      break;
    }
  }
}

std::string RangeTombstones::Encode() const {
  std::string out;
  base::PutVarint(out, fragments_.size());
  for (const Fragment& f : fragments_) {
    base::PutLengthPrefixed(out, AsBytes(f.begin));
    base::PutLengthPrefixed(out, AsBytes(f.end));
    base::PutVarint(out, f.sequences.size());
    for (Sequence sequence : f.sequences) base::PutVarint(out, sequence);
  }
  return out;
}

bool RangeTombstones::Decode(BytesView bytes, RangeTombstones* out) {
  base::ByteReader in(bytes);
  uint64_t count = 0;
  if (!in.ReadVarint(&count) || count > bytes.size()) return false;
  std::string_view last_end;
  for (uint64_t i = 0; i < count; ++i) {
    BytesView begin;
    BytesView end;
    uint64_t sequences = 0;
    if (!in.ReadLengthPrefixed(&begin) || !in.ReadLengthPrefixed(&end)) return false;
    if (!in.ReadVarint(&sequences) || sequences == 0 || sequences > in.left()) return false;
    if (RangeEmpty(AsText(begin), AsText(end))) return false;
    // Ascending and disjoint; only the last fragment may be open.
    if (i > 0 && (last_end.empty() || AsText(begin) < last_end)) return false;
    Fragment fragment{std::string(AsText(begin)), std::string(AsText(end)), {}};
    for (uint64_t j = 0; j < sequences; ++j) {
      uint64_t sequence = 0;
      if (!in.ReadVarint(&sequence) || sequence > kSequenceMax) return false;
      if (j > 0 && sequence >= fragment.sequences.back()) return false;
      fragment.sequences.push_back(sequence);
    }
    last_end = AsText(end);
    out->fragments_.push_back(std::move(fragment));
  }
  return in.empty();
}

}  // namespace nexadb::lsm
