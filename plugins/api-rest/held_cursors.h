// HeldCursors: how far each aggregation that the database holds has been read.
//
// Its cursor only goes forward, so a page cannot be given twice: a client that sends a token again
// because an answer was lost must hear that, not silently get the page after. Entries live as long
// as the database holds an idle cursor; after a restart there are none, as there are no cursors.
// Thread-safe.
#pragma once
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace nexadb::rest {

class HeldCursors {
 public:
  // The cursor `id` has given `passed` documents, and waits for who asks for the next.
  void Keep(uint64_t id, uint64_t passed, uint64_t now_ns);
  // Takes the entry away: true for the one request that goes on where the cursor stands.
  bool Claim(uint64_t id, uint64_t passed);

 private:
  struct Entry {
    uint64_t passed = 0;
    uint64_t kept_ns = 0;
  };
  std::mutex mutex_;
  std::unordered_map<uint64_t, Entry> entries_;
  uint64_t swept_ns_ = 0;
};

}  // namespace nexadb::rest
