#include "plugins/storage-lsm/read/store_cursor.h"

#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/read/memtable_source.h"

namespace nexadb::lsm {
namespace {

// A batch ends early rather than pin more than this.
constexpr size_t kPinnedBytesMax = 4u << 20;
// After so many covered entries in a row, seeking past the rest beats stepping over them.
constexpr uint32_t kCoveredRunMax = 8;
// Rows further on share less of their keys than those that stand next to each other now.
constexpr size_t kPrefixMargin = 4;

}  // namespace

StoreCursor::StoreCursor(const ViewSlots& views, Sequence snapshot, const ScanOptions& options,
                         OwnWrites own, ScanObserver* observer)
    : views_(views),
      changes_(views.Changes()),
      view_(views.Get()),
      snapshot_(snapshot),
      begin_(AsText(options.begin)),
      end_(AsText(options.end)),
      reverse_(options.reverse != 0),
      keys_only_(options.keys_only != 0),
      nonblocking_(options.nonblocking != 0),
      observer_(observer),
      own_rows_(std::move(own.rows)),
      own_deletes_(std::move(own.deletes)),
      from_(reverse_ ? end_ : begin_) {
  AddSources();
  AddTombstones();
  done_ = RangeEmpty(begin_, end_);
}

void StoreCursor::AddSources() {
  ReadHow how;
  how.mode = nonblocking_ ? ReadMode::kMemoryOnly : ReadMode::kBlocking;
  how.pins = &pins_;
  view_->EachMemtable([&](const Memtable& memtable) {
    if (memtable.entries() == 0) return;
    sources_.push_back(std::make_unique<MemtableSource>(memtable));
    if (&memtable == view_->memtable.get()) newest_ = sources_.back().get();
  });
  for (const TablePointer& table : view_->version->levels[0]) {
    if (!RangesOverlap(table->info.begin, table->info.end, begin_, end_)) continue;
    sources_.push_back(std::make_unique<TableSource>(*table->reader, how));
  }
  for (int level = 1; level < kLevels; ++level) {
    const auto& tables = view_->version->levels[level];
    if (tables.empty()) continue;
    sources_.push_back(std::make_unique<LevelSource>(tables, how));
  }
  if (own_rows_) source_pointers_.push_back(own_rows_.get());
  for (const auto& source : sources_) source_pointers_.push_back(source.get());
}

void StoreCursor::AddTombstones() {
  std::vector<Tombstone> deletes = own_deletes_;
  view_->EachMemtable([&](const Memtable& memtable) {
    memtable.tombstones().AppendVisible(begin_, end_, snapshot_, deletes);
  });
  view_->EachTable(begin_, end_, [&](int, const TableFile& table) {
    table.reader->tombstones().AppendVisible(begin_, end_, snapshot_, deletes);
  });
  tombstones_ = RangeTombstones::Build(std::move(deletes));
}

void StoreCursor::MoveOn() {
  source_pointers_.clear();
  newest_ = nullptr;
  sources_.clear();  // before the view that they read
  changes_ = views_.Changes();
  view_ = views_.Get();
  AddSources();
  AddTombstones();
  prefix_.clear();
  for (RowSource* source : source_pointers_) source->SetPrefix(prefix_);
  if (has_last_) last_head_ = HeadBehind(prefix_, last_);
  positioned_ = false;
}

Status StoreCursor::Position() {
  // Behind what was passed already, when another view is gone on with: backwards the last row is
  // the end of what is left, forwards the last key's other entries are passed as ever.
  std::string_view at = from_;
  if (reverse_ && has_resume_) at = resume_;
  if (!reverse_ && has_last_) at = last_;
  for (RowSource* source : source_pointers_) {
    LSM_RETURN_IF_ERROR(reverse_ ? source->SeekBack(at) : source->Seek(at, kOwnWriteSequence));
  }
  if (reverse_) {
    reverse_merge_.Start(source_pointers_);
  } else {
    forward_.Start(source_pointers_);
  }
  positioned_ = true;
  return Status::Ok();
}

void StoreCursor::ChoosePrefix() {
  const RowSource* first = nullptr;
  size_t shared = 0;
  size_t valid = 0;
  for (const RowSource* source : source_pointers_) {
    if (!source->valid()) continue;
    shared = ++valid == 1 ? source->key().size()
                          : std::min(shared, SharedPrefix(first->key(), source->key()));
    if (first == nullptr) first = source;
  }
  if (valid < 2) return;  // nothing is compared
  prefix_.assign(first->key().substr(0, shared - std::min(shared, kPrefixMargin)));
  for (RowSource* source : source_pointers_) source->SetPrefix(prefix_);
  if (has_last_) last_head_ = HeadBehind(prefix_, last_);
}

Status StoreCursor::Seek(BytesView key) noexcept {
  return sdk::Guard([&]() -> Status {
    const std::string_view target = AsText(key);
    from_ = reverse_ ? std::string(EarlierEnd(Successor(target), end_))
                     : std::string(std::max<std::string_view>(target, begin_));
    done_ = reverse_ ? RangeEmpty(begin_, from_) : !BeforeEnd(from_, end_);
    positioned_ = false;
    has_last_ = false;
    has_resume_ = false;
    observed_all_ = false;
    failure_ = Status::Ok();
    pins_.Clear();
    return Status::Ok();
  });
}

Result<uint64_t> StoreCursor::Next(Span<Row> rows) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    if (!failure_.ok()) return failure_;
    DropPins();
    if (MovesOn()) MoveOn();
    auto count = done_ ? Result<uint64_t>(uint64_t{0}) : Fill(rows);
    if (count.ok() && observer_ != nullptr) Observe(*count, rows);
    return count;
  });
}

Result<uint64_t> StoreCursor::Fill(Span<Row> rows) {
  uint64_t count = 0;
  if (!positioned_) failure_ = Position();
  if (failure_.ok()) ChoosePrefix();
  while (failure_.ok() && count < rows.size()) {
    auto found = reverse_ ? Backward(&rows[count], count) : Forward(&rows[count], count);
    if (!found.ok()) {
      failure_ = found.status();
      break;
    }
    if (*found == Found::kEnd) done_ = true;
    if (*found != Found::kRow) break;
    ++count;
  }
  NotePassed();
  if (reverse_ && count > 0) {
    resume_.assign(AsText(rows[count - 1].key));
    has_resume_ = true;
    // Before the empty key there is nothing, and to seek back from it would begin at the end.
    if (resume_.empty()) done_ = true;
  }
  // Rows found before a failure are good; the next call tells of it.
  if (count == 0 && !failure_.ok()) return failure_;
  return count;
}

void StoreCursor::DropPins() {
  if (has_last_) {
    last_copy_.assign(last_);
    last_ = last_copy_;
  }
  pins_.Clear();
}

bool StoreCursor::MayGoOn(uint64_t count) {
  if (pins_.bytes() <= kPinnedBytesMax) return true;
  if (count > 0) return false;
  DropPins();
  return true;
}

Status StoreCursor::PassCovered(const RangeTombstones::Fragment& fragment) {
  RowSource& top = reverse_ ? reverse_merge_.top() : forward_.top();
  if (++covered_run_ <= kCoveredRunMax || top.sequence_max() >= fragment.sequences.front()) {
    return reverse_ ? reverse_merge_.Step() : forward_.Step();
  }
  if (reverse_) {
    if (!fragment.begin.empty()) return reverse_merge_.Moved(top.SeekBack(fragment.begin));
    reverse_merge_.Retire();
    return Status::Ok();
  }
  if (!fragment.end.empty()) {
    return forward_.Moved(top.Seek(fragment.end, kOwnWriteSequence));
  }
  forward_.Retire();
  return Status::Ok();
}

Result<StoreCursor::Found> StoreCursor::Forward(Row* row, uint64_t count) {
  while (forward_.valid()) {
    if (!MayGoOn(count)) return Found::kPause;
    RowSource& top = forward_.top();
    const std::string_view key = top.key();
    if (!BeforeEnd(key, end_)) return Found::kEnd;
    if (IsLast(top) || !Visible(top)) {
      LSM_RETURN_IF_ERROR(forward_.Step());
      continue;
    }
    const RangeTombstones::Fragment* fragment =
        tombstones_.empty() ? nullptr : tombstones_.Find(key);
    if (fragment != nullptr && fragment->sequences.front() > top.sequence()) {
      LSM_RETURN_IF_ERROR(PassCovered(*fragment));
      continue;
    }
    covered_run_ = 0;
    const bool live = HasValue(top.kind());
    row->key = AsBytes(key);
    row->value = keys_only_ ? BytesView() : AsBytes(top.value());
    last_ = key;
    last_head_ = top.head();
    has_last_ = true;
    if (!live && &top == newest_) ++deletes_passed_;
    Status moved = forward_.Step();
    if (live) {
      failure_ = std::move(moved);  // the row is good; what follows is not
      return Found::kRow;
    }
    LSM_RETURN_IF_ERROR(std::move(moved));
  }
  return Found::kEnd;
}

Result<StoreCursor::Found> StoreCursor::Backward(Row* row, uint64_t count) {
  while (reverse_merge_.valid()) {
    if (!MayGoOn(count)) return Found::kPause;
    const std::string_view key = reverse_merge_.top().key();
    const uint64_t head = reverse_merge_.top().head();
    if (key < begin_) return Found::kEnd;
    const RangeTombstones::Fragment* fragment =
        tombstones_.empty() ? nullptr : tombstones_.Find(key);
    // Entries of one key come oldest first: the last visible one decides.
    bool live = false;
    bool covered = false;
    while (reverse_merge_.valid()) {
      RowSource& top = reverse_merge_.top();
      if (top.head() != head || top.key() != key) break;
      covered = fragment != nullptr && fragment->sequences.front() > top.sequence();
      if (covered && !live) {
        LSM_RETURN_IF_ERROR(PassCovered(*fragment));
        continue;
      }
      if (Visible(top)) {
        live = HasValue(top.kind()) && !covered;
        if (!live && &top == newest_) ++deletes_passed_;
        row->key = AsBytes(key);
        row->value = keys_only_ ? BytesView() : AsBytes(top.value());
      }
      LSM_RETURN_IF_ERROR(reverse_merge_.Step());
    }
    if (live) {
      covered_run_ = 0;
      return Found::kRow;
    }
  }
  return Found::kEnd;
}

void StoreCursor::NotePassed() {
  if (deletes_passed_ == 0) return;
  view_->memtable->NotePassed(deletes_passed_);
  deletes_passed_ = 0;
}

void StoreCursor::Observe(uint64_t count, Span<Row> rows) {
  if (reverse_) {
    if (observed_all_) return;
    const std::string low = done_ || count == 0 ? begin_ : std::string(AsText(rows[count - 1].key));
    observer_->OnRead(low, from_);
    from_ = low;
    observed_all_ = done_ || low == begin_;
  } else {
    const std::string high = done_ || count == 0 ? end_ : Successor(AsText(rows[count - 1].key));
    observer_->OnRead(from_, high);
    from_ = high;
  }
}

}  // namespace nexadb::lsm
