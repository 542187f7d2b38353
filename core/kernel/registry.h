// Registry: which instance offers which service, and who leases it.
//
// Services are borrowed from their plugin between Configure and Stop. A lease outlives neither the
// registry nor its consumer; when its provider is replaced, Service() changes first and the
// consumer is told then. [control], but for ServiceLease::Service and InstanceName, which are
// [any].
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/loader/manifest.h"
#include "nexadb/plugin.h"

namespace nexadb::kernel {

class Registry {
 public:
  Registry() = default;
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // kConflict when the instance provides that interface already.
  Status Provide(const std::string& instance, const loader::InterfaceName& interface,
                 void* service);
  bool Provides(const std::string& instance, const loader::InterfaceName& interface) const;

  // kUnavailable when `provider` has not provided the interface.
  Result<Handle<ServiceLease>> Lease(const std::string& provider,
                                     const loader::InterfaceName& interface);

  // `successor` takes the name `instance` with all its leases, whose consumers are told then.
  // kUnavailable, and nothing has changed, when it lacks an interface that is leased.
  Status Replace(const std::string& instance, const std::string& successor);

  // Forgets the services of an instance whose plugin is released.
  void Withdraw(const std::string& instance);

 private:
  class LeaseImpl;
  struct Key {
    std::string instance;
    std::string interface;  // "nexadb.storage_engine/0.1"
    auto operator<=>(const Key&) const = default;
  };
  // Map nodes do not move, so leases may point at the names in them.
  std::map<Key, void*> services_;
  std::vector<LeaseImpl*> leases_;
};

}  // namespace nexadb::kernel
