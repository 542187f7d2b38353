#include "plugins/auth-apikey/key_spec.h"

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/auth-apikey/request_rate.h"
#include "plugins/auth-apikey/scope.h"

namespace nexadb::auth {
namespace {

Status Wrong(std::string_view member, std::string_view text) {
  const std::string pointer = "/" + std::string(member);
  return MakeError(ErrorId::kBadRequest, "'" + std::string(member) + "' " + std::string(text),
                   ErrorDetail().Text("pointer", pointer).Finish());
}

Status SetName(const bson::Element& element, KeyRecord& record) {
  if (element.type() != bson::Type::kString) return Wrong("name", "is not a text");
  const std::string_view name = element.value().Text();
  if (name.empty() || name.size() > kKeyNameBytesMax) {
    return Wrong("name", "must have 1 to 120 bytes");
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return Wrong("name", "has control characters");
    }
  }
  record.name = name;
  return {};
}

Status SetActions(const bson::Element& element, KeyRecord& record) {
  if (element.type() != bson::Type::kArray) return Wrong("actions", "is not an array");
  uint32_t actions = 0;
  for (const bson::Element& item : element.value().Doc()) {
    const uint32_t bit = item.type() == bson::Type::kString ? ActionBit(item.value().Text()) : 0;
    if (bit == 0) {
      return Wrong("actions",
                   "has an item that is none of \"read\", \"write\", \"manage\", "
                   "\"admin\"");
    }
    actions |= bit;
  }
  if (actions == 0) return Wrong("actions", "is empty: the key could do nothing");
  record.actions = actions;
  return {};
}

Status SetPatterns(const bson::Element& element, KeyRecord& record) {
  if (element.type() != bson::Type::kArray) return Wrong("patterns", "is not an array");
  std::vector<std::string> patterns;
  for (const bson::Element& item : element.value().Doc()) {
    if (item.type() != bson::Type::kString) return Wrong("patterns", "has an item that is no text");
    const std::string pattern(item.value().Text());
    if (const char* wrong = CheckPattern(pattern)) {
      return Wrong("patterns", "has '" + pattern.substr(0, 100) + "', which " + wrong);
    }
    patterns.push_back(pattern);
  }
  if (patterns.empty()) return Wrong("patterns", "is empty; \"*\" is all of the default database");
  if (patterns.size() > kPatternsMax) return Wrong("patterns", "has over 100 items");
  record.patterns = std::move(patterns);
  return {};
}

Status SetExpiry(const bson::Element& element, int64_t now_ms, KeyRecord& record) {
  int64_t ms = 0;
  switch (element.type()) {
    case bson::Type::kNull: record.expires_ms = 0; return {};
    case bson::Type::kDate: ms = element.value().DateMs(); break;
    case bson::Type::kString:
      if (ParseRfc3339(element.value().Text(), ms)) break;
      [[fallthrough]];
    default:
      return Wrong("expires_at", "is no time such as \"2027-01-31T00:00:00Z\", and not null");
  }
  if (ms <= now_ms) return Wrong("expires_at", "has passed already");
  record.expires_ms = ms;
  return {};
}

// A number from 1 on, or null for 0.
Status SetCount(const bson::Element& element, uint32_t& count) {
  int64_t value = 0;
  switch (element.type()) {
    case bson::Type::kNull: count = 0; return {};
    case bson::Type::kInt32: value = element.value().Int32(); break;
    case bson::Type::kInt64: value = element.value().Int64(); break;
    default: break;
  }
  if (value < 1 || value > kRequestsPerSecondMax) {
    return Wrong(element.name(), "is no whole number from 1 to 1000000, and not null");
  }
  count = static_cast<uint32_t>(value);
  return {};
}

// Once all members are set: a burst is part of a rate.
Status CheckRate(bson::Document spec, KeyRecord& record) {
  if (record.requests_per_second != 0 || record.burst == 0) return {};
  const bson::Element burst = spec["burst"];
  if (burst && burst.type() != bson::Type::kNull) {
    return Wrong("burst", "needs requests_per_second: the key has no rate");
  }
  record.burst = 0;
  return {};
}

}  // namespace

Status ApplySpec(bson::Document spec, SpecUse use, int64_t now_ms, KeyRecord& record) {
  if (bson::Validate(spec.bytes()) != nullptr) {
    return MakeError(ErrorId::kBadRequest, "the key's description is no BSON document");
  }
  for (const bson::Element& element : spec) {
    Status set;
    if (element.name() == "name") {
      set = SetName(element, record);
    } else if (element.name() == "actions") {
      set = SetActions(element, record);
    } else if (element.name() == "patterns") {
      set = SetPatterns(element, record);
    } else if (element.name() == "expires_at") {
      set = SetExpiry(element, now_ms, record);
    } else if (element.name() == "requests_per_second") {
      set = SetCount(element, record.requests_per_second);
    } else if (element.name() == "burst") {
      set = SetCount(element, record.burst);
    } else {
      set = Wrong(element.name(),
                  "is no member of a key; name, actions, patterns, expires_at, "
                  "requests_per_second and burst can be given");
    }
    if (!set.ok()) return set;
  }
  if (Status rate = CheckRate(spec, record); !rate.ok()) return rate;
  if (use == SpecUse::kUpdate) {
    return spec.empty() ? MakeError(ErrorId::kBadRequest, "the change names no member") : Status();
  }
  for (const std::string_view member : {"name", "actions", "patterns"}) {
    if (!spec[member]) return Wrong(member, "is missing");
  }
  return {};
}

}  // namespace nexadb::auth
