// PendingChanges: the events of one transaction until it commits, and how they become records.
// One thread at a time.
#pragma once
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"

namespace nexadb::database {

class PendingChanges {
 public:
  void Add(uint32_t collection_id, std::string event) {
    events_.push_back({collection_id, std::move(event)});
  }
  size_t size() const { return events_.size(); }
  void Truncate(size_t size) { events_.resize(size); }
  bool empty() const { return events_.empty(); }

  // Adds the records to the transaction that is about to commit. transaction_too_large when there
  // are more records than a batch has versionstamps left for them.
  Status WriteTo(Transaction& transaction, int64_t unix_ms);
  // Collections that have events, each once.
  std::vector<uint32_t> Collections() const;

 private:
  struct Event {
    uint32_t collection_id = 0;
    std::string bytes;
  };
  std::vector<Event> events_;
};

}  // namespace nexadb::database
