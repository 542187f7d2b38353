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
    std::vector<Sequence> sequences;
    for (const Tombstone* t : active) sequences.push_back(t->sequence);
    std::sort(sequences.begin(), sequences.end(), std::greater<>());
    sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
    const std::string_view end = i + 1 < cuts.size() ? std::string_view(cuts[i + 1]) : "";
    auto& out = result.fragments_;
    if (!out.empty() && out.back()->end == cuts[i] && !cuts[i].empty() &&
        out.back()->sequences == sequences) {
      const FragmentPointer last = std::move(out.back());
      out.pop_back();
      result.Append(last->begin, end, std::move(sequences));
    } else {
      result.Append(cuts[i], end, std::move(sequences));
    }
  }
  return result;
}

void RangeTombstones::Append(std::string_view begin, std::string_view end,
                             std::vector<Sequence> sequences) {
  fragments_.push_back(std::make_shared<const Fragment>(
      Fragment{std::string(begin), std::string(end), std::move(sequences)}));
}

RangeTombstones RangeTombstones::With(const Tombstone& newest) const {
  if (RangeEmpty(newest.begin, newest.end)) return *this;
  const auto first = std::partition_point(
      fragments_.begin(), fragments_.end(),
      [&](const FragmentPointer& f) { return !BeforeEnd(newest.begin, f->end); });
  RangeTombstones result;
  result.fragments_.reserve(fragments_.size() + 2);
  result.fragments_.assign(fragments_.begin(), first);
  std::string_view at = newest.begin;  // from here on nothing is in the result yet
  bool open = true;                    // something may lie between `at` and the end
  auto met = first;
  for (; met != fragments_.end() && BeforeEnd((*met)->begin, newest.end); ++met) {
    const Fragment& f = **met;
    if (f.begin < newest.begin) result.Append(f.begin, newest.begin, f.sequences);
    if (at < f.begin) result.Append(at, f.begin, {newest.sequence});
    const std::string_view end = EarlierEnd(f.end, newest.end);
    std::vector<Sequence> sequences{newest.sequence};
    sequences.insert(sequences.end(),
                     f.sequences.begin() + (f.sequences.front() == newest.sequence ? 1 : 0),
                     f.sequences.end());
    result.Append(std::max<std::string_view>(f.begin, newest.begin), end, std::move(sequences));
    if (EndLess(newest.end, f.end)) result.Append(newest.end, f.end, f.sequences);
    at = end;
    open = !end.empty();
  }
  if (open && !RangeEmpty(at, newest.end)) result.Append(at, newest.end, {newest.sequence});
  result.fragments_.insert(result.fragments_.end(), met, fragments_.end());
  return result;
}

const RangeTombstones::Fragment* RangeTombstones::Find(std::string_view key) const {
  auto after =
      std::upper_bound(fragments_.begin(), fragments_.end(), key,
                       [](std::string_view k, const FragmentPointer& f) { return k < f->begin; });
  if (after == fragments_.begin()) return nullptr;
  const Fragment& fragment = **std::prev(after);
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
  return std::any_of(fragments_.begin(), fragments_.end(), [&](const FragmentPointer& f) {
    return f->sequences.front() > sequence && RangesOverlap(f->begin, f->end, begin, end);
  });
}

void RangeTombstones::AppendTo(std::string_view begin, std::string_view end,
                               std::vector<Tombstone>& out) const {
  for (const FragmentPointer& fragment : fragments_) {
    const Fragment& f = *fragment;
    if (!RangesOverlap(f.begin, f.end, begin, end)) continue;
    for (Sequence sequence : f.sequences) {
      out.push_back({std::string(std::max<std::string_view>(f.begin, begin)),
                     std::string(EarlierEnd(f.end, end)), sequence});
    }
  }
}

void RangeTombstones::AppendVisible(std::string_view begin, std::string_view end, Sequence snapshot,
                                    std::vector<Tombstone>& out) const {
  for (const FragmentPointer& fragment : fragments_) {
    const Fragment& f = *fragment;
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
  for (const FragmentPointer& fragment : fragments_) {
    const Fragment& f = *fragment;
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
    out->fragments_.push_back(std::make_shared<const Fragment>(std::move(fragment)));
  }
  return in.empty();
}

}  // namespace nexadb::lsm
