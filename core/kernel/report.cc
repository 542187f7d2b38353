#include "core/kernel/report.h"

#include <fmt/format.h>

#include "core/config/render.h"
#include "core/loader/fingerprint.h"

namespace nexadb::kernel {
namespace {

std::string NamesOf(const Plan& plan, const Binding& binding) {
  std::string names;
  for (size_t provider : binding.providers) {
    names += (names.empty() ? "" : ", ") + plan.instances[provider].name;
  }
  return names.empty() ? "(nothing)" : names;
}

std::string TypeName(const config::Schema& schema) {
  static constexpr std::string_view kNames[] = {"any",  "boolean", "integer", "number",
                                                "text", "array",   "table"};
  if (schema.format == config::Schema::Format::kSize) return "size";
  if (schema.format == config::Schema::Format::kDuration) return "duration";
  if (!schema.choices.empty()) return fmt::format("{}", fmt::join(schema.choices, " | "));
  return std::string(kNames[static_cast<size_t>(schema.type)]);
}

}  // namespace

std::string WiringText(const Plan& plan) {
  std::string out;
  for (const PlannedInstance& instance : plan.instances) {
    const loader::Manifest& manifest = instance.file.manifest;
    out += fmt::format("{:<16} {} {}\n", instance.name, manifest.id, manifest.version);
    for (const auto& provided : manifest.provides) {
      out += fmt::format("    provides {}\n", provided.Text());
    }
    for (const Binding& binding : instance.bindings) {
      out += fmt::format("    {:<10} -> {:<16} ({}, {})\n", binding.requirement.slot,
                         NamesOf(plan, binding), binding.requirement.interface.Text(),
                         loader::CardinalityName(binding.requirement.cardinality));
    }
  }
  out += "start order:";
  for (size_t index : plan.start_order) out += " " + plan.instances[index].name;
  return out + "\n";
}

std::string ConfigText(const Plan& plan) {
  std::string out = "[kernel]\n" + config::RenderToml(plan.settings.kernel_table, &KernelSchema());
  for (const PlannedInstance& instance : plan.instances) {
    if (instance.IsKernel()) continue;
    out += fmt::format("\n[plugins.{}]\nlibrary = {}\n", instance.name,
                       config::RenderValue(config::Value::Text(instance.library, "")));
    std::string use;
    for (const SlotUse& slot : instance.use) {
      // Names of instances need no escapes.
      const std::string names = fmt::format("{}", fmt::join(slot.instances, "\", \""));
      use += fmt::format("{}{} = [{}]", use.empty() ? "" : ", ", slot.slot,
                         names.empty() ? "" : "\"" + names + "\"");
    }
    if (!use.empty()) out += "use = { " + use + " }\n";
    const std::string lines =
        config::RenderToml(instance.config, &instance.file.manifest.config_schema);
    if (!lines.empty()) out += fmt::format("[plugins.{}.config]\n{}", instance.name, lines);
  }
  return out;
}

std::string InspectText(const loader::LibraryFile& file) {
  const loader::Manifest& manifest = file.manifest;
  std::string out = fmt::format("{} {}\n", manifest.id, manifest.version);
  if (!manifest.description.empty()) out += manifest.description + "\n";
  out +=
      fmt::format("file         {}\nlicense      {}\nbuilt with   {}\nfingerprint  {}\n", file.path,
                  manifest.license, loader::Toolchain(file.fingerprint), file.fingerprint);
  for (const auto& provided : manifest.provides) {
    out += fmt::format("provides     {}\n", provided.Text());
  }
  for (const auto& requirement : manifest.requirements) {
    out += fmt::format("slot         {} ({}, {})\n", requirement.slot, requirement.interface.Text(),
                       loader::CardinalityName(requirement.cardinality));
  }
  for (const auto& property : manifest.config_schema.properties) {
    const config::Schema& schema = property.schema;
    out += fmt::format("option       {} ({}{})", property.name, TypeName(schema),
                       schema.secret ? ", secret" : "");
    if (schema.default_value) out += " = " + config::RenderValue(*schema.default_value);
    if (!schema.description.empty()) out += "\n             " + schema.description;
    out += "\n";
  }
  return out;
}

}  // namespace nexadb::kernel
