#include "plugins/database-document/cursor/cursor_store.h"

#include <array>
#include <cstring>

#include "core/document/error.h"

namespace nexadb::database {

namespace {

constexpr int32_t kCursorNotFound = 43;

}  // namespace

std::vector<HeldCursor> CursorStore::TakeIdle() {
  std::vector<HeldCursor> idle;
  const uint64_t now = environment_.NowNs();
  const uint64_t limit = environment_.settings.cursor_idle_ms * 1'000'000;
  for (auto it = slots_.begin(); it != slots_.end();) {
    if (now - it->second.used_ns > limit) {
      idle.push_back(std::move(it->second.cursor));
      it = slots_.erase(it);
    } else {
      ++it;
    }
  }
  return idle;
}

void CursorStore::Sweep() {
  std::vector<HeldCursor> idle;
  std::lock_guard lock(mutex_);
  idle = TakeIdle();
}

Result<int64_t> CursorStore::Add(HeldCursor cursor) {
  std::vector<HeldCursor> idle;
  std::lock_guard lock(mutex_);
  if (slots_.size() >= environment_.settings.cursors_max) idle = TakeIdle();
  if (slots_.size() >= environment_.settings.cursors_max) {
    return LimitError(ErrorId::kTooManyCursors, "cursors_max",
                      static_cast<int64_t>(environment_.settings.cursors_max),
                      static_cast<int64_t>(slots_.size()));
  }
  int64_t id = 0;
  // Positive and not guessable: an id is all that getMore needs.
  while (id <= 0 || slots_.contains(id)) {
    std::array<uint8_t, sizeof(id)> random{};
    environment_.system->Random().Fill(random);
    std::memcpy(&id, random.data(), sizeof(id));
    id &= INT64_MAX;
  }
  slots_[id] = {std::move(cursor), environment_.NowNs()};
  return id;
}

Result<HeldCursor> CursorStore::Take(int64_t id) {
  std::lock_guard lock(mutex_);
  const auto it = slots_.find(id);
  if (it == slots_.end()) {
    return MongoError(kCursorNotFound, "cursor id " + std::to_string(id) + " not found");
  }
  HeldCursor cursor = std::move(it->second.cursor);
  slots_.erase(it);
  return cursor;
}

void CursorStore::Return(int64_t id, HeldCursor cursor) {
  std::lock_guard lock(mutex_);
  slots_[id] = {std::move(cursor), environment_.NowNs()};
}

bool CursorStore::Kill(int64_t id, std::string_view principal_id) {
  HeldCursor killed;
  std::lock_guard lock(mutex_);
  const auto it = slots_.find(id);
  if (it == slots_.end() || it->second.cursor.principal_id != principal_id) return false;
  killed = std::move(it->second.cursor);
  slots_.erase(it);
  return true;
}

void CursorStore::Clear() {
  std::map<int64_t, Slot> all;
  std::lock_guard lock(mutex_);
  all.swap(slots_);
}

}  // namespace nexadb::database
