// BatchResolver: turns a request's mutations into log entries, stamps and sums filled in, and
// checks what a transaction wants checked. Sees what earlier members of the group have written
// through an overlay, which no memtable holds yet. Belongs to the group's leader. [serial]
#pragma once
#include <deque>
#include <string>
#include <vector>

#include "plugins/storage-lsm/commit/group_overlay.h"
#include "plugins/storage-lsm/commit/request.h"
#include "plugins/storage-lsm/read/read_view.h"

namespace nexadb::lsm {

class BatchResolver {
 public:
  // Readies for the next group. `view`: what the store holds; null when no member of the group has
  // anything to check or to add to.
  void Begin(const ReadView* view) {
    view_ = view;
    overlay_ = GroupOverlay();
    kept_.clear();
    entries_.clear();
    if (entries_.capacity() > kEntriesKept) std::vector<Entry>().swap(entries_);
  }
  // Whether a request needs a view.
  static bool NeedsView(const CommitRequest& request);

  // kConflict when something that the transaction depends on has been written since.
  Status Validate(const Validation& validation) const;
  // Adds an entry for each mutation; the first gets the sequence `first`. A failure leaves no trace
  // for later members.
  Status Resolve(Span<const Mutation> mutations, Sequence first);
  // Of all that was resolved since Begin, in order. Their views are of the requests' memory, or
  // valid until the next Begin.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  // Room for so many entries stays from group to group: one write in a group asks for no memory.
  static constexpr size_t kEntriesKept = 4096;

  Status AppendEntries(Span<const Mutation> mutations, Sequence first);
  // `batch`: what earlier mutations of the same batch have made.
  Status ResolveAdd(const Mutation& m, const GroupOverlay& batch, Entry* entry);
  std::string_view Keep(std::string bytes);

  const ReadView* view_ = nullptr;
  GroupOverlay overlay_;
  std::deque<std::string> kept_;  // what entries point to
  std::vector<Entry> entries_;
};

}  // namespace nexadb::lsm
