#include "core/kernel/registry.h"

#include <algorithm>
#include <atomic>
#include <cassert>

namespace nexadb::kernel {

class Registry::LeaseImpl final : public ServiceLease {
 public:
  LeaseImpl(Registry& registry, std::string interface)
      : registry_(registry), interface_(std::move(interface)) {}
  void* Service() noexcept override { return service_.load(std::memory_order_acquire); }
  StringView InstanceName() noexcept override { return *provider_.load(std::memory_order_acquire); }
  void OnRebind(const Callback& moved) noexcept override { moved_ = moved; }
  void Release() noexcept override {
    std::erase(registry_.leases_, this);
    delete this;
  }

  const std::string& interface() const { return interface_; }
  void Point(const std::string* provider, void* service) {
    provider_.store(provider, std::memory_order_release);
    service_.store(service, std::memory_order_release);
  }
  void TellMoved() {
    if (moved_.run != nullptr) moved_.run(moved_.state);
  }
  void Unbind() { service_.store(nullptr, std::memory_order_release); }

 private:
  Registry& registry_;
  const std::string interface_;
  std::atomic<void*> service_{nullptr};
  std::atomic<const std::string*> provider_{&interface_};
  Callback moved_;
};

Registry::~Registry() {
#ifdef NEXADB_DEBUG_CHECKS
  assert(leases_.empty() && "a plugin kept a lease beyond its Release");
#endif
}

Status Registry::Provide(const std::string& instance, const loader::InterfaceName& interface,
                         void* service) {
  if (!services_.emplace(Key{instance, interface.Text()}, service).second) {
    return Status::Error(Code::kConflict, instance + " provides " + interface.Text() + " already");
  }
  return {};
}

bool Registry::Provides(const std::string& instance, const loader::InterfaceName& interface) const {
  return services_.contains(Key{instance, interface.Text()});
}

Result<Handle<ServiceLease>> Registry::Lease(const std::string& provider,
                                             const loader::InterfaceName& interface) {
  auto it = services_.find(Key{provider, interface.Text()});
  if (it == services_.end()) {
    return Status::Error(Code::kUnavailable,
                         provider + " does not provide " + interface.Text() + " now");
  }
  auto* lease = new LeaseImpl(*this, interface.Text());
  Handle<ServiceLease> handle(lease);
  lease->Point(&it->first.instance, it->second);
  leases_.push_back(lease);
  return handle;
}

Status Registry::Replace(const std::string& instance, const std::string& successor) {
  std::vector<LeaseImpl*> moving;
  for (LeaseImpl* lease : leases_) {
    if (std::string_view(lease->InstanceName()) != instance) continue;
    if (!services_.contains(Key{successor, lease->interface()})) {
      return Status::Error(Code::kUnavailable,
                           "the new one does not provide " + lease->interface());
    }
    moving.push_back(lease);
  }
  std::map<std::string, void*> taken;
  for (const auto& [key, service] : services_) {
    if (key.instance == successor) taken[key.interface] = service;
  }
  // What stays keeps its node, since leases point at the names in them.
  std::erase_if(services_, [&](const auto& entry) {
    const Key& key = entry.first;
    return key.instance == successor ||
           (key.instance == instance && !taken.contains(key.interface));
  });
  for (const auto& [interface, service] : taken) services_[Key{instance, interface}] = service;
  for (LeaseImpl* lease : moving) {
    const auto it = services_.find(Key{instance, lease->interface()});
    lease->Point(&it->first.instance, it->second);
  }
  // A consumer may release a lease in its callback, also one that comes later in this list.
  for (LeaseImpl* lease : moving) {
    if (std::find(leases_.begin(), leases_.end(), lease) != leases_.end()) lease->TellMoved();
  }
  return {};
}

void Registry::Withdraw(const std::string& instance) {
  for (LeaseImpl* lease : leases_) {
    if (std::string_view(lease->InstanceName()) == instance) lease->Unbind();
  }
  // The nodes stay, since leases point at the names in them; a service of null is no service.
  for (auto it = services_.begin(); it != services_.end();) {
    const bool used = std::any_of(leases_.begin(), leases_.end(), [&](LeaseImpl* lease) {
      return lease->InstanceName().data() == it->first.instance.data();
    });
    it = it->first.instance == instance && !used ? services_.erase(it) : std::next(it);
  }
}

}  // namespace nexadb::kernel
