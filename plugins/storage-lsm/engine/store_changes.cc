// The store's share of the change feed: which logs are alive, and that they hold what is visible.
#include <algorithm>

#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// How often a call looks again when logs move on under it.
constexpr int kLooksMax = 8;

}  // namespace

Status Store::ChangesSince(Sequence after, const ChangeSink& sink) {
  const Sequence visible = visible_.load(std::memory_order_acquire);
  if (after > visible) {
    return Status::Error(Code::kNotFound, "the store has not got to sequence " +
                                              std::to_string(after) + ": it is another one, or " +
                                              "was restored");
  }
  if (after == visible) return Status::Ok();
  CommitRequest written;  // what is visible and only buffered
  written.durability = Durability::kOs;
  LSM_RETURN_IF_ERROR(queue_->Commit(written).status());
  for (int look = 0; look < kLooksMax && after < visible; ++look) {
    const ReadViewPointer view = View();
    std::vector<uint64_t> live;
    view->EachMemtable([&](const Memtable& m) { live.push_back(m.wal_number()); });
    std::reverse(live.begin(), live.end());
    LSM_RETURN_IF_ERROR(changes_.Read(after, visible, live, sink, &after));
  }
  if (after >= visible) return Status::Ok();
  return Status::Error(Code::kNotFound, "changes after sequence " + std::to_string(after) +
                                            " went while they were read: start again from a "
                                            "snapshot, or raise changes_retained");
}

}  // namespace nexadb::lsm
