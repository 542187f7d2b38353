// Kernel::Reload: what differs between what runs and a new plan, and how each difference is
// applied.
#include <algorithm>

#include "core/config/render.h"
#include "core/kernel/kernel.h"

namespace nexadb::kernel {
namespace {

bool SameTable(const config::Value& a, const config::Value& b) {
  bson::Builder left;
  bson::Builder right;
  config::RenderBson(a, nullptr, left);
  config::RenderBson(b, nullptr, right);
  return left.Finish() == right.Finish();
}

bool SameWiring(const PlannedInstance& a, const PlannedInstance& b) {
  return a.name == b.name && a.file.manifest.id == b.file.manifest.id &&
         std::equal(a.bindings.begin(), a.bindings.end(), b.bindings.begin(), b.bindings.end(),
                    [](const Binding& x, const Binding& y) {
                      return x.requirement.slot == y.requirement.slot &&
                             x.requirement.interface == y.requirement.interface &&
                             x.providers == y.providers;
                    });
}

// What only a restart can apply; empty when there is no such thing.
std::string_view NeedsRestart(const Plan& now, const Plan& next) {
  if (!SameTable(now.settings.kernel_table, next.settings.kernel_table)) return "[kernel]";
  const bool same = std::equal(now.instances.begin(), now.instances.end(), next.instances.begin(),
                               next.instances.end(), SameWiring);
  return same ? "" : "which instances there are, or what fills their slots,";
}

}  // namespace

Status Kernel::Replace(std::unique_ptr<Instance>& slot, const PlannedInstance& planned,
                       const Plan& plan) {
  auto successor = std::make_unique<Instance>(planned, SharedBy(plan), kSuccessorName);
  Status status = successor->Load();
  if (!status.ok()) return status;
  status = successor->Configure();
  if (status.ok()) status = successor->Succeed(*slot);
  const bool start = status.ok();
  if (start) status = successor->Start();
  if (status.ok()) status = successor->TakeOver(*slot);
  if (!status.ok()) {
    if (start) successor->Stop();
    successor->Release();
    return status;
  }
  {
    const auto lock = LockInstances();
    std::swap(slot, successor);
  }
  Instance& old = *successor;
  Drain(old, plan_.settings.drain_ms);
  old.Stop();
  if (drain_hangs_) {
    undrained_.push_back(std::move(successor));
  } else {
    old.Release();
  }
  return status;
}

void Kernel::Reload(std::unique_ptr<const Plan> next) {
  control_.Assert("Reload");
  if (const std::string_view what = NeedsRestart(plan_, *next); !what.empty()) {
    log_.Error("reload: " + std::string(what) +
               " has changed, which needs a restart; nothing was applied");
    return;
  }
  const Plan& plan = *later_plans_.emplace_back(std::move(next));
  size_t replaced = 0;
  for (size_t i = 0; i < instances_.size(); ++i) {
    const PlannedInstance& now = instances_[i]->plan();
    const PlannedInstance& planned = plan.instances[plan.start_order[i]];
    const bool same =
        now.file.version == planned.file.version && SameTable(now.config, planned.config);
    const Status status = same ? instances_[i]->ReadAgain() : Replace(instances_[i], planned, plan);
    if (same && (status.ok() || status.code() == Code::kUnsupported)) continue;
    const std::string about = "reload: instance \"" + planned.name + "\" ";
    if (status.ok()) log_.Info(about + "was replaced");
    if (!status.ok()) log_.Error(about + "goes on as it was: " + std::string(status.message()));
    replaced += status.ok() ? 1 : 0;
  }
  log_.Info("reload: done, " + std::to_string(replaced) + " replaced");
  if (replaced == 0) later_plans_.pop_back();
}

}  // namespace nexadb::kernel
