// StoreCursor: the rows of a range at a snapshot, merged out of every place that may hold them.
//
// One per Scan; direction, range and snapshot are fixed. Rows point into pinned blocks and
// memtables until the next call. A failure ends it until Seek.
//
// It holds a view, and with it memtables and tables, between calls. When a flush or compaction has
// made another one, the next call moves over to that and goes on behind the last row: so what it
// holds is let go, and the snapshot, which outlives the cursor, keeps what it may still read. One
// that must not touch the disk stays with its view: what was in memory there may not be here.
// [serial]
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/read/merge.h"
#include "plugins/storage-lsm/read/read_view.h"
#include "plugins/storage-lsm/read/table_source.h"
#include "plugins/storage-lsm/read/view_slots.h"

namespace nexadb::lsm {

// What a transaction adds to its cursors. Copied when the cursor opens.
struct OwnWrites {
  std::unique_ptr<RowSource> rows;  // with kOwnWriteSequence; null for none
  std::vector<Tombstone> deletes;   // with kOwnDeleteSequence
};

// Learns which part of the range has been read: a serializable transaction validates no more.
class ScanObserver {
 public:
  virtual void OnRead(std::string_view begin, std::string_view end) = 0;

 protected:
  ~ScanObserver() = default;
};

class StoreCursor final : public Cursor {
 public:
  // `views` outlives the cursor.
  StoreCursor(const ViewSlots& views, Sequence snapshot, const ScanOptions& options, OwnWrites own,
              ScanObserver* observer);
  virtual ~StoreCursor() = default;

  Result<uint64_t> Next(Span<Row> rows) noexcept override;
  Status Seek(BytesView key) noexcept override;
  void Release() noexcept override { delete this; }

 private:
  void AddSources();
  void AddTombstones();
  // Takes the newest view and goes on there, behind the last row.
  void MoveOn();
  bool MovesOn() const { return !nonblocking_ && views_.Changes() != changes_; }
  Status Position();
  Result<uint64_t> Fill(Span<Row> rows);
  enum class Found { kRow, kEnd, kPause };
  // Finds the next row, of which the batch has `count` already. kPause: too much is pinned to look
  // further in this batch.
  Result<Found> Forward(Row* row, uint64_t count);
  Result<Found> Backward(Row* row, uint64_t count);
  // Whether looking on may pin more. Lets go of what no row needs.
  bool MayGoOn(uint64_t count);
  bool Visible(const RowSource& source) const {
    return source.sequence() <= snapshot_ || source.sequence() >= kOwnDeleteSequence;
  }
  // Passes an entry that the fragment covers, and where it pays all that it covers.
  Status PassCovered(const RangeTombstones::Fragment& fragment);
  // Has all sources take their heads behind what their keys have in common.
  void ChoosePrefix();
  bool IsLast(const RowSource& source) const {
    return has_last_ && source.head() == last_head_ && source.key() == last_;
  }
  // Lets pinned blocks go while no row of the batch needs them.
  void DropPins();
  void Observe(uint64_t count, Span<Row> rows);
  // Tells the newest memtable how many of its deletes were in the way.
  void NotePassed();

  const ViewSlots& views_;
  uint64_t changes_;  // when view_ was taken
  ReadViewPointer view_;
  const Sequence snapshot_;
  const std::string begin_;
  const std::string end_;
  const bool reverse_;
  const bool keys_only_;
  const bool nonblocking_;
  ScanObserver* const observer_;
  PinList pins_;
  const std::unique_ptr<RowSource> own_rows_;  // null for none
  const std::vector<Tombstone> own_deletes_;
  std::vector<std::unique_ptr<RowSource>> sources_;
  std::vector<RowSource*> source_pointers_;
  const RowSource* newest_ = nullptr;  // of the memtable being written
  uint64_t deletes_passed_ = 0;        // there, in this batch
  RangeTombstones tombstones_;         // the newest visible one of each stretch
  Merge<Direction::kForward> forward_;
  Merge<Direction::kReverse> reverse_merge_;
  std::string from_;       // where reading starts (reverse: the exclusive upper end)
  std::string resume_;     // backwards: the last row handed out, when has_resume_
  std::string prefix_;     // behind which the sources' heads begin
  std::string_view last_;  // forwards: the key whose older entries are to be passed
  uint64_t last_head_ = 0;
  std::string last_copy_;
  uint32_t covered_run_ = 0;
  bool has_last_ = false;
  bool has_resume_ = false;
  bool positioned_ = false;
  bool done_ = false;
  bool observed_all_ = false;
  Status failure_;
};

}  // namespace nexadb::lsm
