#include "plugins/auth-apikey/key_record.h"

#include <algorithm>

#include "plugins/auth-apikey/request_rate.h"
#include "plugins/auth-apikey/scope.h"

namespace nexadb::auth {
namespace {

void AppendDate(bson::Builder& out, std::string_view name, int64_t ms) {
  if (ms == 0) {
    out.Null(name);
  } else {
    out.DateMs(name, ms);
  }
}

bool ReadDate(bson::Document from, std::string_view name, int64_t& ms) {
  const bson::Element element = from[name];
  ms = 0;
  if (element.type() == bson::Type::kNull) return true;
  if (element.type() != bson::Type::kDate) return false;
  ms = element.value().DateMs();
  return true;
}

bool ReadDigest(bson::Document from, std::string_view name, Digest& digest) {
  const bson::Element element = from[name];
  if (element.type() != bson::Type::kBinary) return false;
  const BytesView bytes = element.value().Binary();
  if (bytes.size() != digest.size()) return false;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return true;
}

void AppendCount(bson::Builder& out, std::string_view name, uint32_t count) {
  if (count != 0) out.Int32(name, static_cast<int32_t>(count));
}

// Absent is 0.
bool ReadCount(bson::Document from, std::string_view name, uint32_t& count) {
  const bson::Element element = from[name];
  if (!element) return true;
  if (element.type() != bson::Type::kInt32) return false;
  const int32_t value = element.value().Int32();
  if (value < 1 || value > static_cast<int32_t>(kRequestsPerSecondMax)) return false;
  count = static_cast<uint32_t>(value);
  return true;
}

BytesView ViewOf(const Digest& digest) { return {digest.data(), digest.size()}; }

}  // namespace

void AppendPublic(const KeyRecord& record, bson::Builder& out) {
  out.Text("id", record.id).Text("name", record.name);
  out.OpenArray("actions");
  size_t index = 0;
  for (const std::string_view name : ActionNames(record.actions)) {
    out.Text(std::to_string(index++), name);
  }
  out.Close().OpenArray("patterns");
  index = 0;
  for (const std::string& pattern : record.patterns) out.Text(std::to_string(index++), pattern);
  out.Close();
  AppendCount(out, "requests_per_second", record.requests_per_second);
  AppendCount(out, "burst", record.burst);
  AppendDate(out, "created_at", record.created_ms);
  AppendDate(out, "expires_at", record.expires_ms);
  AppendDate(out, "revoked_at", record.revoked_ms);
  AppendDate(out, "last_used_at", record.last_used_ms);
}

void AppendStored(const KeyRecord& record, bson::Builder& out) {
  AppendPublic(record, out);
  out.Binary("digest", 0, ViewOf(record.digest));
  if (record.previous_until_ms == 0) return;
  out.Binary("previous_digest", 0, ViewOf(record.previous_digest));
  out.DateMs("previous_until", record.previous_until_ms);
}

const char* ReadStored(bson::Document stored, KeyRecord& record) {
  for (const auto& [name, member] :
       {std::pair{"id", &KeyRecord::id}, std::pair{"name", &KeyRecord::name}}) {
    const bson::Element element = stored[name];
    if (element.type() != bson::Type::kString) return "a key has no id or no name";
    record.*member = element.value().Text();
  }
  if (record.id.empty()) return "a key's id is empty";
  const bson::Element actions = stored["actions"];
  const bson::Element patterns = stored["patterns"];
  if (actions.type() != bson::Type::kArray || patterns.type() != bson::Type::kArray) {
    return "a key has no actions or no patterns";
  }
  for (const bson::Element& action : actions.value().Doc()) {
    const uint32_t bit =
        action.type() == bson::Type::kString ? ActionBit(action.value().Text()) : 0;
    if (bit == 0) return "a key has an action that does not exist";
    record.actions |= bit;
  }
  for (const bson::Element& pattern : patterns.value().Doc()) {
    if (pattern.type() != bson::Type::kString || CheckPattern(pattern.value().Text()) != nullptr) {
      return "a key has a malformed pattern";
    }
    record.patterns.emplace_back(pattern.value().Text());
  }
  if (!ReadDate(stored, "created_at", record.created_ms) ||
      !ReadDate(stored, "expires_at", record.expires_ms) ||
      !ReadDate(stored, "revoked_at", record.revoked_ms) ||
      !ReadDate(stored, "last_used_at", record.last_used_ms)) {
    return "a key has a malformed date";
  }
  if (!ReadCount(stored, "requests_per_second", record.requests_per_second) ||
      !ReadCount(stored, "burst", record.burst)) {
    return "a key has a malformed rate";
  }
  if (!ReadDigest(stored, "digest", record.digest)) return "a key has a malformed digest";
  if (!stored["previous_digest"]) return nullptr;
  if (!ReadDigest(stored, "previous_digest", record.previous_digest) ||
      !ReadDate(stored, "previous_until", record.previous_until_ms)) {
    return "a key has a malformed previous digest";
  }
  return nullptr;
}

}  // namespace nexadb::auth
