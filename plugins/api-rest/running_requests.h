// RunningRequests: what runs on data at this moment, so that an administrator can see it and end
// it; and SlowRequests, the last of those that took long.
//
// A request is listed from the time it opens its session to its end. Listing copies; nothing waits
// for a request. [any]
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/database.h"

namespace nexadb::rest {

// A request as an administrator sees it.
struct RequestFacts {
  uint64_t number = 0;
  std::string request_id;
  std::string trace_id;  // of the caller's traceparent; empty when it sent none
  std::string method;
  std::string path;
  std::string database;
  std::string key_id;
  std::string key_name;
  std::string body;  // its beginning
  int64_t started_ms = 0;
  double took_ms = 0;
  std::string outcome;  // of a slow one: "ok", or the code of its error
};

// Of a body no more is kept: enough to recognise a query, little enough to keep a thousand.
constexpr size_t kBodyShownBytes = 1024;

class RunningRequests {
 public:
  // Listed while it lives. The session must outlive it, the views must too.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept : table_(other.table_), number_(other.number_) {
      other.table_ = nullptr;
    }
    Entry& operator=(Entry&& other) noexcept;
    ~Entry() { Leave(); }

   private:
    friend class RunningRequests;
    Entry(RunningRequests& table, uint64_t number) : table_(&table), number_(number) {}
    void Leave();
    RunningRequests* table_ = nullptr;
    uint64_t number_ = 0;
  };

  struct Request {
    std::string_view request_id, trace_id, method, path, database, key_id, key_name, body;
    uint64_t started_ns = 0;
    Session* session = nullptr;
  };
  Entry Enter(const Request& request);
  // In order of their beginning.
  std::vector<RequestFacts> List(uint64_t now_ns, int64_t now_ms);
  size_t Count();
  // The session's calls fail soon. False when no such request runs.
  bool Cancel(uint64_t number);

 private:
  // Requests of different threads seldom meet at one lock.
  static constexpr size_t kShards = 16;
  struct Shard {
    std::mutex mutex;
    std::map<uint64_t, Request> requests;
  };
  Shard& ShardOf(uint64_t number) { return shards_[number % kShards]; }

  std::atomic<uint64_t> next_{1};
  std::array<Shard, kShards> shards_;
};

class SlowRequests {
 public:
  static constexpr size_t kKept = 1000;
  void Add(RequestFacts facts);
  // The latest first.
  std::vector<RequestFacts> List();

 private:
  std::mutex mutex_;
  std::deque<RequestFacts> kept_;
};

}  // namespace nexadb::rest
