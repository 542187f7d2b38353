#include "core/loader/manifest.h"

#include <charconv>

#include "core/base/suggest.h"
#include "core/config/parse.h"
#include "nexadb/authenticator.h"
#include "nexadb/database.h"
#include "nexadb/http.h"
#include "nexadb/kernel_info.h"
#include "nexadb/storage_engine.h"
#include "nexadb/vector_index.h"

namespace nexadb::loader {
namespace {

using config::Value;

// The form of a manifest, checked by the same validator as every configuration.
constexpr std::string_view kFormJson = R"({
  "type": "object", "required": ["manifest", "id", "version"], "properties": {
    "manifest": {"type": "integer", "minimum": 1, "maximum": 1},
    "id": {"type": "string"}, "version": {"type": "string"},
    "license": {"type": "string", "default": ""},
    "description": {"type": "string", "default": ""},
    "provides": {"type": "array", "items": {"type": "string"}, "default": []},
    "requires": {"type": "array", "default": [], "items": {
      "type": "object", "required": ["slot", "interface"], "properties": {
        "slot": {"type": "string"}, "interface": {"type": "string"},
        "cardinality": {"enum": ["one", "optional", "many"], "default": "one"}}}},
    "config_schema": {"type": "object", "additionalProperties": {}}
  }})";

// The interfaces of this kernel's contract.
constexpr InterfaceId kContract[] = {
    StorageEngine::kInterface, VectorIndexProvider::kInterface, Authenticator::kInterface,
    Database::kInterface,      HttpRouter::kInterface,          KernelInfo::kInterface,
};

Status Bad(std::string_view message) {
  return Status::Error(Code::kInvalidArgument, "manifest: " + std::string(message));
}

bool ParseNumber(std::string_view text, uint16_t& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc() && result.ptr == end;
}

Status ParseInterface(std::string_view text, InterfaceName& out) {
  const size_t slash = text.find('/');
  const size_t dot = slash == std::string_view::npos ? slash : text.find('.', slash);
  if (dot == std::string_view::npos || slash == 0 ||
      !ParseNumber(text.substr(slash + 1, dot - slash - 1), out.major) ||
      !ParseNumber(text.substr(dot + 1), out.minor)) {
    return Bad("\"" + std::string(text) +
               "\" is no interface; write it as \"nexadb.storage_engine/0.1\"");
  }
  out.name = text.substr(0, slash);
  return {};
}

// REQUIRES: `json` has the form above.
Status Read(const Value& json, Manifest& out) {
  out.id = json.Find("id")->text;
  out.version = json.Find("version")->text;
  out.license = json.Find("license")->text;
  out.description = json.Find("description")->text;
  for (const Value& item : json.Find("provides")->items) {
    InterfaceName interface;
    if (Status s = ParseInterface(item.text, interface); !s.ok()) return s;
    for (const InterfaceName& other : out.provides) {
      if (other.name == interface.name) return Bad("provides " + other.name + " twice");
    }
    out.provides.push_back(std::move(interface));
  }
  for (const Value& item : json.Find("requires")->items) {
    Requirement requirement;
    requirement.slot = item.Find("slot")->text;
    if (Status s = ParseInterface(item.Find("interface")->text, requirement.interface); !s.ok()) {
      return s;
    }
    const std::string& cardinality = item.Find("cardinality")->text;
    requirement.cardinality = cardinality == "one"        ? Cardinality::kOne
                              : cardinality == "optional" ? Cardinality::kOptional
                                                          : Cardinality::kMany;
    for (const Requirement& other : out.requirements) {
      if (other.slot == requirement.slot) return Bad("slot \"" + other.slot + "\" stands twice");
    }
    out.requirements.push_back(std::move(requirement));
  }
  return {};
}

Status ReadSchema(const Value* json, config::Schema& out) {
  out.type = config::Schema::Type::kObject;
  if (json == nullptr || json->members.empty()) return {};
  auto schema = config::ParseSchema(*json);
  if (!schema.ok()) return Bad(schema.status().message());
  if (schema->type != config::Schema::Type::kObject) return Bad("config_schema: no object");
  out = std::move(*schema);
  return {};
}

}  // namespace

std::string InterfaceName::Text() const {
  return name + "/" + std::to_string(major) + "." + std::to_string(minor);
}

std::string_view CardinalityName(Cardinality cardinality) {
  static constexpr std::string_view kNames[] = {"one", "optional", "many"};
  return kNames[static_cast<size_t>(cardinality)];
}

Result<Manifest> ParseManifest(std::string_view text) {
  static const config::Schema* form =
      new config::Schema(std::move(*config::ParseSchema(*config::ParseJson(kFormJson, ""))));
  if (text.size() > kManifestBytesMax) return Bad("larger than 1 MiB");
  auto json = config::ParseJson(text, "manifest");
  if (!json.ok()) return json.status();
  config::Problems problems;
  config::Validate(*form, *json, "", problems);
  if (!problems.empty()) return Status::Error(Code::kInvalidArgument, problems.lines().front());
  Manifest manifest;
  if (Status s = Read(*json, manifest); !s.ok()) return s;
  if (Status s = ReadSchema(json->Find("config_schema"), manifest.config_schema); !s.ok()) return s;
  return manifest;
}

Status CheckContract(const InterfaceName& interface) {
  if (!interface.name.starts_with("nexadb.")) return {};
  std::vector<std::string_view> names;
  for (const InterfaceId& known : kContract) {
    names.push_back(known.name);
    const InterfaceName ours{known.name, known.major, known.minor};
    if (interface == ours) return {};
    if (interface.name == ours.name) {
      return Status::Error(Code::kUnsupported,
                           "built for " + interface.Text() + ", this kernel speaks " + ours.Text());
    }
  }
  return Status::Error(Code::kUnsupported, "built for " + interface.Text() +
                                               ", which this kernel does not know" +
                                               base::Suggest(interface.name, names));
}

}  // namespace nexadb::loader
