#include "core/loader/manifest.h"

#include <charconv>

#include "core/config/json.h"
#include "core/config/suggest.h"

namespace nexadb::loader {
namespace {

using config::Member;
using config::Value;

Status Bad(std::string_view member, std::string_view message) {
  return Status::Error(Code::kInvalidArgument,
                       "manifest: " + std::string(member) + ": " + std::string(message));
}

bool ParseNumber(std::string_view text, uint16_t& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc() && result.ptr == end;
}

Result<InterfaceName> ParseInterface(const Value& value, std::string_view member) {
  const std::string_view text = value.text;
  const size_t slash = text.find('/');
  const size_t dot = text.find('.', slash == std::string_view::npos ? 0 : slash);
  InterfaceName out;
  const bool shaped = value.IsText() && slash != std::string_view::npos && slash > 0 &&
                      dot != std::string_view::npos;
  if (!shaped || !ParseNumber(text.substr(slash + 1, dot - slash - 1), out.major) ||
      !ParseNumber(text.substr(dot + 1), out.minor)) {
    return Bad(member, "expected an interface such as \"nexadb.storage_engine/0.1\"");
  }
  out.name = text.substr(0, slash);
  return out;
}

Status ReadText(const Value& value, std::string_view member, std::string& out) {
  if (!value.IsText() || value.text.empty()) return Bad(member, "expected text");
  out = value.text;
  return {};
}

Status ReadProvides(const Value& value, Manifest& manifest) {
  if (value.kind != Value::Kind::kArray) return Bad("provides", "expected an array");
  for (const Value& item : value.items) {
    auto interface = ParseInterface(item, "provides");
    if (!interface.ok()) return interface.status();
    for (const InterfaceName& other : manifest.provides) {
      if (other.name == interface->name) return Bad("provides", other.name + " stands twice");
    }
    manifest.provides.push_back(std::move(*interface));
  }
  return {};
}

Status ReadRequirement(const Value& item, Requirement& out) {
  if (!item.IsTable()) return Bad("requires", "expected objects {slot, interface, cardinality}");
  for (const Member& member : item.members) {
    const std::string path = "requires." + member.name;
    if (member.name == "slot") {
      if (Status s = ReadText(member.value, path, out.slot); !s.ok()) return s;
    } else if (member.name == "interface") {
      auto interface = ParseInterface(member.value, path);
      if (!interface.ok()) return interface.status();
      out.interface = std::move(*interface);
    } else if (member.name == "cardinality") {
      const std::string& text = member.value.text;
      if (text == "one") {
        out.cardinality = Cardinality::kOne;
      } else if (text == "optional") {
        out.cardinality = Cardinality::kOptional;
      } else if (text == "many") {
        out.cardinality = Cardinality::kMany;
      } else {
        return Bad(path, "expected \"one\", \"optional\" or \"many\"");
      }
    } else {
      return Bad(path, "unknown member" +
                           config::Suggest(member.name, {"slot", "interface", "cardinality"}));
    }
  }
  if (out.slot.empty() || out.interface.name.empty()) {
    return Bad("requires", "each needs \"slot\" and \"interface\"");
  }
  return {};
}

Status ReadRequires(const Value& value, Manifest& manifest) {
  if (value.kind != Value::Kind::kArray) return Bad("requires", "expected an array");
  for (const Value& item : value.items) {
    Requirement requirement;
    if (Status s = ReadRequirement(item, requirement); !s.ok()) return s;
    for (const Requirement& other : manifest.requirements) {
      if (other.slot == requirement.slot) {
        return Bad("requires", "slot \"" + other.slot + "\" stands twice");
      }
    }
    manifest.requirements.push_back(std::move(requirement));
  }
  return {};
}

Status ReadSchema(const Value& value, Manifest& manifest) {
  auto schema = config::ParseSchema(value);
  if (!schema.ok())
    return Status::Error(schema.status().code(),
                         "manifest: " + std::string(schema.status().message()));
  if (schema->type != config::Schema::Type::kObject) {
    return Bad("config_schema", "must have \"type\": \"object\"");
  }
  manifest.config_schema = std::move(*schema);
  return {};
}

Status ReadMember(const Member& member, Manifest& manifest) {
  const std::string& name = member.name;
  const Value& value = member.value;
  if (name == "manifest") {
    const bool known = value.kind == Value::Kind::kInteger && value.integer == 1;
    return known ? Status() : Bad(name, "this kernel reads manifests of form 1");
  }
  if (name == "id") return ReadText(value, name, manifest.id);
  if (name == "version") return ReadText(value, name, manifest.version);
  if (name == "license") return ReadText(value, name, manifest.license);
  if (name == "description") return ReadText(value, name, manifest.description);
  if (name == "provides") return ReadProvides(value, manifest);
  if (name == "requires") return ReadRequires(value, manifest);
  if (name == "config_schema") return ReadSchema(value, manifest);
  return Bad(name, "unknown member" +
                       config::Suggest(name, {"manifest", "id", "version", "license", "description",
                                              "provides", "requires", "config_schema"}));
}

}  // namespace

std::string InterfaceName::Text() const {
  return name + "/" + std::to_string(major) + "." + std::to_string(minor);
}

std::string_view CardinalityName(Cardinality cardinality) {
  switch (cardinality) {
    case Cardinality::kOne: return "one";
    case Cardinality::kOptional: return "optional";
    case Cardinality::kMany: return "many";
  }
  return "";
}

Result<Manifest> ParseManifest(std::string_view json) {
  if (json.size() > kManifestBytesMax) return Bad("size", "larger than 1 MiB");
  auto root = config::ParseJson(json, "manifest");
  if (!root.ok()) return root.status();
  if (!root->IsTable()) return Bad("root", "expected an object");
  Manifest manifest;
  manifest.config_schema.type = config::Schema::Type::kObject;
  for (const Member& member : root->members) {
    if (Status s = ReadMember(member, manifest); !s.ok()) return s;
  }
  for (const char* needed : {"manifest", "id", "version"}) {
    if (root->Find(needed) == nullptr) return Bad(needed, "is missing");
  }
  return manifest;
}

}  // namespace nexadb::loader
