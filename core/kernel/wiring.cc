// Which instance fills which slot, and the start order that follows from it.
#include "core/kernel/plan.h"

#include <algorithm>

#include "core/base/suggest.h"

namespace nexadb::kernel {
namespace {

using config::Problems;
using loader::Cardinality;
using loader::InterfaceName;
using loader::Requirement;

bool Provides(const PlannedInstance& instance, const InterfaceName& interface) {
  const auto& provides = instance.file.manifest.provides;
  return std::find(provides.begin(), provides.end(), interface) != provides.end();
}

std::string ListOf(const Plan& plan, const std::vector<size_t>& indexes, std::string_view quote,
                   std::string_view last_separator) {
  std::string out;
  for (size_t i = 0; i < indexes.size(); ++i) {
    if (i != 0) out += i + 1 == indexes.size() ? last_separator : ", ";
    out.append(quote).append(plan.instances[indexes[i]].name).append(quote);
  }
  return out;
}

class Wirer {
 public:
  Wirer(Plan& plan, Problems& problems) : plan_(plan), problems_(problems) {}

  void BindAll() {
    for (size_t i = 0; i < plan_.instances.size(); ++i) {
      PlannedInstance& instance = plan_.instances[i];
      if (!instance.readable) continue;
      CheckUse(instance);
      for (const Requirement& requirement : instance.file.manifest.requirements) {
        instance.bindings.push_back({requirement, Fill(i, requirement)});
      }
    }
  }

  // Depth first; an instance comes after all that fill its slots.
  void Order() {
    marks_.assign(plan_.instances.size(), Mark::kNew);
    for (size_t i = 0; i < plan_.instances.size(); ++i) Visit(i);
  }

 private:
  enum class Mark : uint8_t { kNew, kOpen, kDone };

  std::string Path(const PlannedInstance& instance, std::string_view tail) const {
    return "plugins." + instance.name + std::string(tail);
  }

  void CheckUse(const PlannedInstance& instance) {
    std::vector<std::string_view> slots;
    for (const Requirement& r : instance.file.manifest.requirements) slots.push_back(r.slot);
    for (const SlotUse& use : instance.use) {
      if (std::find(slots.begin(), slots.end(), use.slot) != slots.end()) continue;
      std::string has;
      for (std::string_view slot : slots) has += (has.empty() ? "" : ", ") + std::string(slot);
      problems_.Add(use.where, Path(instance, ".use." + use.slot),
                    "unknown slot" + base::Suggest(use.slot, slots) + "; " +
                        instance.file.manifest.id +
                        (has.empty() ? " has no slots" : " has these: " + has));
    }
  }

  std::vector<size_t> Candidates(size_t consumer, const InterfaceName& interface) const {
    std::vector<size_t> fits;
    for (size_t i = 0; i < plan_.instances.size(); ++i) {
      if (i != consumer && Provides(plan_.instances[i], interface)) fits.push_back(i);
    }
    return fits;
  }

  // An unreadable library might have provided what is missing: one mistake, one message.
  bool AllReadable() const {
    return std::all_of(plan_.instances.begin(), plan_.instances.end(),
                       [](const PlannedInstance& i) { return i.readable; });
  }

  std::vector<size_t> Fill(size_t consumer, const Requirement& requirement) {
    const PlannedInstance& instance = plan_.instances[consumer];
    for (const SlotUse& use : instance.use) {
      if (use.slot == requirement.slot) return FillAsTold(consumer, requirement, use);
    }
    std::vector<size_t> fits = Candidates(consumer, requirement.interface);
    if (requirement.cardinality == Cardinality::kMany) return fits;
    if (fits.empty() && requirement.cardinality == Cardinality::kOne && AllReadable()) {
      problems_.Add(instance.where, Path(instance, ""),
                    "slot \"" + requirement.slot + "\" needs an instance that provides " +
                        requirement.interface.Text() + "; add one" +
                        OtherVersions(requirement.interface));
    }
    if (fits.size() > 1) {
      problems_.Add(instance.where, Path(instance, ".use"),
                    "slot \"" + requirement.slot + "\" fits " + std::to_string(fits.size()) +
                        " instances; write use = { " + requirement.slot + " = " +
                        ListOf(plan_, fits, "\"", " } or { " + requirement.slot + " = ") + " }");
      return {};
    }
    return fits;
  }

  std::string OtherVersions(const InterfaceName& wanted) const {
    for (const PlannedInstance& instance : plan_.instances) {
      for (const InterfaceName& provided : instance.file.manifest.provides) {
        if (provided.name == wanted.name && !(provided == wanted)) {
          return " (" + instance.name + " provides " + provided.Text() + ")";
        }
      }
    }
    return "";
  }

  std::vector<size_t> FillAsTold(size_t consumer, const Requirement& requirement,
                                 const SlotUse& use) {
    const PlannedInstance& instance = plan_.instances[consumer];
    const std::string path = Path(instance, ".use." + use.slot);
    const size_t count = use.instances.size();
    if (requirement.cardinality != Cardinality::kMany && count > 1) {
      problems_.Add(use.where, path, "takes one instance, got " + std::to_string(count));
      return {};
    }
    if (requirement.cardinality == Cardinality::kOne && count == 0) {
      problems_.Add(use.where, path, "must name an instance");
    }
    std::vector<size_t> chosen;
    for (const std::string& name : use.instances) {
      const size_t index = IndexOf(name);
      if (index == plan_.instances.size()) {
        std::vector<std::string_view> names;
        for (const PlannedInstance& other : plan_.instances) names.push_back(other.name);
        problems_.Add(use.where, path, "no instance \"" + name + "\"" + base::Suggest(name, names));
      } else if (index == consumer) {
        problems_.Add(use.where, path, "an instance cannot fill its own slot");
      } else if (!plan_.instances[index].readable) {
        continue;  // reported already
      } else if (!Provides(plan_.instances[index], requirement.interface)) {
        const auto fits = Candidates(consumer, requirement.interface);
        problems_.Add(use.where, path,
                      "\"" + name + "\" does not provide " + requirement.interface.Text() +
                          (fits.empty() ? "" : "; these do: " + ListOf(plan_, fits, "\"", ", ")));
      } else if (std::find(chosen.begin(), chosen.end(), index) != chosen.end()) {
        problems_.Add(use.where, path, "names \"" + name + "\" twice");
      } else {
        chosen.push_back(index);
      }
    }
    return chosen;
  }

  size_t IndexOf(const std::string& name) const {
    size_t i = 0;
    while (i < plan_.instances.size() && plan_.instances[i].name != name) ++i;
    return i;
  }

  void Visit(size_t index) {
    if (marks_[index] == Mark::kDone) return;
    if (marks_[index] == Mark::kOpen) {
      ReportCycle(index);
      return;
    }
    marks_[index] = Mark::kOpen;
    trail_.push_back(index);
    for (const Binding& binding : plan_.instances[index].bindings) {
      for (size_t provider : binding.providers) Visit(provider);
    }
    trail_.pop_back();
    marks_[index] = Mark::kDone;
    if (!plan_.instances[index].IsKernel()) plan_.start_order.push_back(index);
  }

  void ReportCycle(size_t index) {
    const auto start = std::find(trail_.begin(), trail_.end(), index);
    std::string text = "these need one another: ";
    for (auto it = start; it != trail_.end(); ++it) text += plan_.instances[*it].name + " -> ";
    text += plan_.instances[index].name + "; break the cycle with `use`";
    problems_.Add(plan_.instances[index].where, Path(plan_.instances[index], ""), text);
  }

  Plan& plan_;
  Problems& problems_;
  std::vector<Mark> marks_;
  std::vector<size_t> trail_;
};

}  // namespace

void Wire(Plan& plan, Problems& problems) {
  Wirer wirer(plan, problems);
  wirer.BindAll();
  wirer.Order();
}

}  // namespace nexadb::kernel
