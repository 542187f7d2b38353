// Manifest: what a plugin says of itself in plugin.json, embedded as ELF section .nexadb.plugin.
// Its form is described in docs and checked strictly here; plain data, immutable once parsed.
#pragma once
#include <string>
#include <vector>

#include "core/config/schema.h"
#include "nexadb/abi.h"

namespace nexadb::loader {

// "nexadb.storage_engine/0.1"
struct InterfaceName {
  std::string name;
  uint16_t major = 0;
  uint16_t minor = 0;

  bool operator==(const InterfaceName&) const = default;
  std::string Text() const;
};

enum class Cardinality : uint8_t { kOne, kOptional, kMany };
std::string_view CardinalityName(Cardinality cardinality);

struct Requirement {
  std::string slot;
  InterfaceName interface;
  Cardinality cardinality = Cardinality::kOne;
};

struct Manifest {
  std::string id;
  std::string version;
  std::string license;
  std::string description;
  std::vector<InterfaceName> provides;
  std::vector<Requirement> requirements;
  config::Schema config_schema;
};

// kInvalidArgument names the member at fault. Fuzz target: tests/fuzz/manifest_fuzz.cc.
Result<Manifest> ParseManifest(std::string_view json);

constexpr size_t kManifestBytesMax = 1 << 20;

// kUnsupported when `interface` is one of the contract's (core/include/nexadb) in another version
// than this kernel's, or is named "nexadb.…" and unknown to it. Others are their authors' business.
Status CheckContract(const InterfaceName& interface);

}  // namespace nexadb::loader
