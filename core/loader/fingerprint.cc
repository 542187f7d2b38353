#include "core/loader/fingerprint.h"

#include <vector>

#include "nexadb/plugin.h"

namespace nexadb::loader {
namespace {

constexpr std::string_view kFieldNames[] = {"platform", "C++ ABI", "pointer size", "plugin ABI",
                                            "sanitizer"};

std::vector<std::string_view> Fields(std::string_view fingerprint) {
  fingerprint = fingerprint.substr(0, fingerprint.find('|'));
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t comma = fingerprint.find(',');
    fields.push_back(fingerprint.substr(0, comma));
    if (comma == std::string_view::npos) return fields;
    fingerprint.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string_view KernelFingerprint() { return NEXADB_FINGERPRINT; }

std::string_view Toolchain(std::string_view fingerprint) {
  const size_t bar = fingerprint.find('|');
  return bar == std::string_view::npos ? std::string_view() : fingerprint.substr(bar + 1);
}

Status CompareFingerprint(std::string_view fingerprint) {
  const auto theirs = Fields(fingerprint);
  const auto ours = Fields(KernelFingerprint());
  if (theirs == ours) return {};
  if (theirs.size() != ours.size()) {
    return Status::Error(Code::kUnsupported, "its ABI fingerprint \"" + std::string(fingerprint) +
                                                 "\" cannot be read; this kernel's is \"" +
                                                 std::string(KernelFingerprint()) + "\"");
  }
  std::string message = "built for another kernel:";
  for (size_t i = 0; i < ours.size(); ++i) {
    if (theirs[i] == ours[i]) continue;
    const std::string_view name = i < std::size(kFieldNames) ? kFieldNames[i] : "field";
    message.append(message.back() == ':' ? " " : "; ").append(name).append(" is ");
    message.append(theirs[i]).append(", this kernel's is ").append(ours[i]);
  }
  message.append(" (plugin built with ").append(Toolchain(fingerprint)).append(")");
  return Status::Error(Code::kUnsupported, message);
}

}  // namespace nexadb::loader
