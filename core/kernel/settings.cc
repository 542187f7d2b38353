#include "core/kernel/settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/suggest.h"
#include "core/config/overlay.h"
#include "core/config/parse.h"

namespace nexadb::kernel {
namespace {

namespace fs = std::filesystem;
using config::Member;
using config::Problems;
using config::Schema;
using config::Value;

// The same form as a plugin's, so that one validator serves both. Queue and drain limits: a queued
// task takes 24 bytes; a minute is what init systems wait before they kill.
constexpr std::string_view kKernelSchemaJson = R"({
  "type": "object", "additionalProperties": false, "properties": {
    "plugin_path": {"type": "array", "items": {"type": "string"}, "minItems": 1,
      "default": ["../lib/nexadb/plugins"],
      "description": "where libraries are looked up; relative to the executable's folder"},
    "data_dir": {"type": "string", "default": "./nexadb_data",
      "description": "where instances keep their files; relative to the working directory"},
    "drain_ms": {"type": "integer", "default": 10000, "minimum": 0, "maximum": 600000,
      "description": "on SIGTERM, how long work that runs may take to finish"},
    "queue_max": {"type": "integer", "default": 10000, "minimum": 1, "maximum": 10000000,
      "description": "tasks waiting for the blocking pool"},
    "blocking_threads": {"type": "integer", "default": 0, "minimum": 0, "maximum": 4096,
      "description": "threads for work that waits; 0: four for each core, at least 8"},
    "compute_threads": {"type": "integer", "default": 0, "minimum": 0, "maximum": 4096,
      "description": "threads for work that computes; 0: one for each core"},
    "log_level": {"enum": ["debug", "info", "warning", "error"], "default": "info"},
    "log_format": {"enum": ["text", "json"], "default": "text"}
  }})";

constexpr std::string_view kInstanceSchemaJson = R"({
  "type": "object", "additionalProperties": false, "required": ["library"], "properties": {
    "library": {"type": "string"},
    "enabled": {"type": "boolean", "default": true},
    "use": {"type": "object", "additionalProperties": {}},
    "config": {"type": "object", "additionalProperties": {}}
  }})";

Schema* ParseBuiltIn(std::string_view json) {
  auto value = config::ParseJson(json, "default");
  auto schema = value.ok() ? config::ParseSchema(*value) : Result<Schema>(value.status());
  if (!schema.ok()) std::abort();  // the literal above is wrong; any test would notice
  return new Schema(std::move(*schema));
}

const Schema& InstanceSchema() {
  static const Schema* schema = ParseBuiltIn(kInstanceSchemaJson);
  return *schema;
}

bool IsInstanceName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kInstanceNameBytesMax && name[0] >= 'a' &&
         name[0] <= 'z' && name.find_first_not_of(kLetters) == std::string_view::npos;
}

fs::path ExecutableFolder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// "lsm" and ["a", "b"] both stand for instances; anything else is reported.
void ReadUse(const Value& table, const std::string& path, InstanceSettings& out,
             Problems& problems) {
  for (const Member& member : table.members) {
    const bool is_array = member.value.kind == Value::Kind::kArray;
    SlotUse use{member.name, member.value.where, {}};
    bool valid = true;
    for (const Value& item : is_array ? member.value.items : std::vector<Value>{member.value}) {
      valid = valid && item.IsText();
      use.instances.push_back(item.text);
    }
    if (valid) {
      out.use.push_back(std::move(use));
    } else {
      problems.Add(member.value.where, path + "." + member.name,
                   "expected an instance's name or an array of them");
    }
  }
}

void ReadInstance(const Member& member, Settings& settings, Problems& problems) {
  const std::string path = "plugins." + member.name;
  Value table = member.value;
  if (member.name == kKernelInstance || !IsInstanceName(member.name)) {
    problems.Add(member.where, path,
                 member.name == kKernelInstance
                     ? "\"kernel\" is the kernel's own instance; choose another name"
                     : "an instance's name is made of a-z, 0-9, '_' and '-', begins with a letter "
                       "and has at most 64 bytes");
  }
  config::Validate(InstanceSchema(), table, path, problems);
  if (!table.IsTable()) return;
  const Value* enabled = table.Find("enabled");
  if (enabled->kind == Value::Kind::kBool && !enabled->boolean) return;
  InstanceSettings instance;
  instance.name = member.name;
  instance.where = member.where;
  if (const Value* library = table.Find("library")) {
    instance.library = library->text;
    instance.library_where = library->where;
  }
  if (const Value* use = table.Find("use")) ReadUse(*use, path + ".use", instance, problems);
  const Value* config = table.Find("config");
  instance.config = config != nullptr && config->IsTable() ? *config : Value::Table(member.where);
  settings.instances.push_back(std::move(instance));
}

void ReadKernel(Value table, const Options& options, Settings& settings, Problems& problems) {
  config::Validate(KernelSchema(), table, "kernel", problems);
  // A mistake's place is taken by the default, so that the plugins' mistakes are found too.
  if (!table.IsTable()) {
    table = Value::Table("default");
    config::Validate(KernelSchema(), table, "kernel", problems);
  }
  settings.dev_mode = options.dev_mode;
  for (const Value& item : table.Find("plugin_path")->items) {
    settings.plugin_path.push_back((ExecutableFolder() / item.text).lexically_normal().string());
  }
  settings.data_dir = fs::absolute(table.Find("data_dir")->text).lexically_normal().string();
  settings.drain_ms = static_cast<uint64_t>(table.Find("drain_ms")->integer);
  settings.pools.queue_max = static_cast<uint64_t>(table.Find("queue_max")->integer);
  settings.pools.blocking_threads = static_cast<uint32_t>(table.Find("blocking_threads")->integer);
  settings.pools.compute_threads = static_cast<uint32_t>(table.Find("compute_threads")->integer);
  // The schema names the levels in their order.
  const auto& levels = KernelSchema().Find("log_level")->choices;
  const auto level = std::find(levels.begin(), levels.end(), table.Find("log_level")->text);
  settings.log.level = static_cast<LogLevel>(level - levels.begin());
  settings.log.format = table.Find("log_format")->text == "json" ? runtime::LogFormat::kJson
                                                                 : runtime::LogFormat::kText;
  settings.kernel_table = std::move(table);
}

Result<Value> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return Status::Error(Code::kNotFound, path +
                                              ": cannot be read; give the configuration with "
                                              "--config FILE");
  }
  return config::ParseToml(std::move(text).str(), path);
}

}  // namespace

const Schema& KernelSchema() {
  static const Schema* schema = ParseBuiltIn(kKernelSchemaJson);
  return *schema;
}

Settings ReadSettings(const Options& options, Problems& problems) {
  Settings settings;
  auto file = ReadFile(options.config_path);
  if (!file.ok()) {
    problems.Add("", "", file.status().message());
    return settings;
  }
  Value& root = *file;
  for (const Member& member : root.members) {
    if (member.name == "kernel" || member.name == "plugins") continue;
    problems.Add(member.where, member.name,
                 "unknown key" + base::Suggest(member.name, {"kernel", "plugins"}));
  }
  Value& kernel = root.At("kernel", "default");
  if (kernel.kind == Value::Kind::kNull) kernel = Value::Table("default");
  if (kernel.IsTable()) {
    config::ApplyEnvironment("kernel", KernelSchema(), kernel);
  }
  for (const std::string& set : options.sets) config::ApplySet(set, root, problems);
  if (options.data_dir) {
    root.Find("kernel")->At("data_dir", "--data-dir") =
        Value::Text(*options.data_dir, "--data-dir");
  }
  ReadKernel(*root.Find("kernel"), options, settings, problems);
  const Value* plugins = root.Find("plugins");
  if (plugins == nullptr || !plugins->IsTable() || plugins->members.empty()) {
    problems.Add(options.config_path, "plugins", "names no plugin; add a [plugins.NAME] table");
    return settings;
  }
  for (const Member& member : plugins->members) ReadInstance(member, settings, problems);
  return settings;
}

}  // namespace nexadb::kernel
