// ChangeHub: tells who waits for changes of a collection that some were committed. It carries no
// changes itself: those who are told read the log.
//
// [any] A callback runs on the committing thread, under the hub's lock: it must not wait, and must
// not call the hub. Dropping a watch waits for a callback that runs.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>

#include "nexadb/database.h"

namespace nexadb::database {

class ChangeHub {
 public:
  Handle<ChangeWatch> Watch(uint32_t collection_id, const Callback& changed);
  void Notify(std::span<const uint32_t> collection_ids);

 private:
  class WatchImpl;
  void Remove(WatchImpl* watch);

  std::mutex mutex_;
  std::multimap<uint32_t, WatchImpl*> watches_;
  std::atomic<size_t> count_{0};  // commits look at it before they take the lock
};

}  // namespace nexadb::database
