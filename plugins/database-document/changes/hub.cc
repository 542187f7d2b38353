#include "plugins/database-document/changes/hub.h"

namespace nexadb::database {

class ChangeHub::WatchImpl final : public ChangeWatch {
 public:
  WatchImpl(ChangeHub& hub, uint32_t collection_id, const Callback& changed)
      : hub_(hub), collection_id_(collection_id), changed_(changed) {}
  void Release() noexcept override {
    hub_.Remove(this);
    delete this;
  }
  uint32_t collection_id() const { return collection_id_; }
  void Tell() const { changed_.run(changed_.state); }

 private:
  ChangeHub& hub_;
  const uint32_t collection_id_;
  const Callback changed_;
};

Handle<ChangeWatch> ChangeHub::Watch(uint32_t collection_id, const Callback& changed) {
  auto* watch = new WatchImpl(*this, collection_id, changed);
  std::lock_guard lock(mutex_);
  watches_.emplace(collection_id, watch);
  count_.store(watches_.size());
  return Handle<ChangeWatch>(watch);
}

void ChangeHub::Remove(WatchImpl* watch) {
  std::lock_guard lock(mutex_);
  const auto [first, last] = watches_.equal_range(watch->collection_id());
  for (auto at = first; at != last; ++at) {
    if (at->second != watch) continue;
    watches_.erase(at);
    break;
  }
  count_.store(watches_.size());
}

void ChangeHub::Notify(std::span<const uint32_t> collection_ids) {
  if (collection_ids.empty() || count_.load() == 0) return;
  std::lock_guard lock(mutex_);
  for (const uint32_t id : collection_ids) {
    const auto [first, last] = watches_.equal_range(id);
    for (auto at = first; at != last; ++at) at->second->Tell();
  }
}

}  // namespace nexadb::database
