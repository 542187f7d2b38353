// VectorRegistry: the index of every vector collection in use, and their document numbers.
//
// The vectors themselves lie in storage; an index is opened and filled from there at its first use.
// Commits that change vectors of a collection take turns (CommitTurn), so that the index is given
// changes in commit order and a search that waits for the turn misses nothing.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "plugins/database-document/session/environment.h"
#include "plugins/database-document/session/write_set.h"

namespace nexadb::database {

class CollectionVectors {
 public:
  std::shared_mutex turn;  // exclusive: a commit, or filling; shared: a search begins
  // Null until first used, and after it failed to take a change. Searches share it.
  std::shared_ptr<VectorIndex> index;
  std::mutex lease_mutex;
  uint64_t next_row = 0;  // of the lease
  uint64_t lease_end = 0;
  uint64_t applied = 0;
};
using CollectionVectorsPtr = std::shared_ptr<CollectionVectors>;

class VectorRegistry {
 public:
  explicit VectorRegistry(Environment& environment) : environment_(environment) {}

  // The kinds of index that plugins offer.
  bool Offers(std::string_view kind) const;

  CollectionVectorsPtr Of(uint32_t collection_id);
  // The collection was dropped.
  void Erase(uint32_t collection_id);
  // It holds no vectors any more: a later index starts afresh.
  void Reset(uint32_t collection_id);

  // A document number that was never used.
  Result<uint64_t> NewRow(uint32_t collection_id);

  // Opens and fills the collection's index where that has not happened yet. On success all changes
  // committed before the call are in it.
  Result<std::shared_ptr<VectorIndex>> Ready(const CollectionEntry& entry,
                                             CollectionVectors& vectors);

  // The oldest sequence that a search may still ask for is kept here while it runs.
  class Pin {
   public:
    explicit Pin(VectorRegistry& registry);
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    void MoveTo(uint64_t sequence);

   private:
    VectorRegistry& registry_;
    std::multiset<uint64_t>::iterator at_;
  };

  // Holds the turns of all collections that `changes` touch, in order of their ids.
  class CommitTurn {
   public:
    CommitTurn(VectorRegistry& registry, const std::vector<PendingVector>& changes);
    // The commit got `sequence`. An index that cannot take the change is dropped, and filled again
    // from storage by its next use: the commit stands.
    void Apply(uint64_t sequence);

   private:
    struct Touched {
      CollectionVectorsPtr vectors;
      std::unique_lock<std::shared_mutex> lock;
      std::vector<VectorChange> changes;
    };
    VectorRegistry& registry_;
    std::map<uint32_t, Touched> touched_;
  };

 private:
  Status Fill(const CollectionEntry& entry, CollectionVectors& vectors);
  Result<Handle<VectorIndex>> OpenIndex(const CollectionEntry& entry);
  uint64_t OldestPin(uint64_t otherwise);

  Environment& environment_;
  std::mutex mutex_;
  std::map<uint32_t, CollectionVectorsPtr> collections_;
  std::multiset<uint64_t> pins_;
};

}  // namespace nexadb::database
