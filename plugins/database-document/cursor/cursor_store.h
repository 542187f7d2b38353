// CursorStore: queries with more to give, held for getMore. Their number is bounded, and one that
// nobody asks for is closed after a while. [any]
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "plugins/database-document/cursor/query_stream.h"

namespace nexadb::database {

struct HeldCursor {
  std::string database;
  std::string name;          // of the namespace, as getMore must repeat it
  std::string principal_id;  // only its owner may go on
  std::unique_ptr<QueryStream> stream;
};

class CursorStore {
 public:
  explicit CursorStore(Environment& environment) : environment_(environment) {}

  // too_many_cursors when the store is full of cursors that are not idle.
  Result<int64_t> Add(HeldCursor cursor);
  // The cursor, out of the store while somebody works on it. 43 when there is none.
  Result<HeldCursor> Take(int64_t id);
  void Return(int64_t id, HeldCursor cursor);
  bool Kill(int64_t id, std::string_view principal_id);
  void Clear();
  // Closes idle ones.
  void Sweep();

 private:
  struct Slot {
    HeldCursor cursor;
    uint64_t used_ns = 0;
  };
  // Taken out under the lock, destroyed by the caller after it.
  std::vector<HeldCursor> TakeIdle();

  Environment& environment_;
  std::mutex mutex_;
  std::map<int64_t, Slot> slots_;
};

}  // namespace nexadb::database
