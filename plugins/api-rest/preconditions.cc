#include "plugins/api-rest/preconditions.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/api-rest/document_path.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Version VersionOf(const VersionedDocument& document) {
  Version version;
  std::copy(std::begin(document.version), std::end(document.version), version.begin());
  return version;
}

}  // namespace

bool MatchesAnyTag(std::string_view list, std::string_view tag) {
  if (Trim(list) == "*") return true;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view one = Trim(list.substr(0, end));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

Status PreconditionFailed(std::string_view why) {
  return MakeError(ErrorId::kPreconditionFailed, why);
}

Status PreconditionFailed(std::string_view why, std::string_view expected, std::string_view got) {
  return MakeError(ErrorId::kPreconditionFailed, why,
                   ErrorDetail().Text("expected", expected).Text("got", got).Finish());
}

Result<Preconditions> ReadPreconditions(Request& request, Session& session,
                                        const DocumentPath& path) {
  Preconditions conditions;
  const std::string_view match = request.exchange().Header("If-Match");
  const std::string_view none_match = request.exchange().Header("If-None-Match");
  if (match.empty() && none_match.empty()) return conditions;
  conditions.must_exist = !match.empty();
  conditions.must_be_absent = Trim(none_match) == "*";
  Result<VersionedDocument> stored = request.database().GetById(
      session, request.database_name(), path.collection, AsBytes(path.id), /*nonblocking=*/false);
  if (!stored.ok()) {
    if (stored.status().code() != Code::kNotFound) return std::move(stored).status();
    if (conditions.must_exist) return PreconditionFailed("There is no such document.");
    return conditions;
  }
  if (conditions.must_be_absent) return PreconditionFailed("The document exists already.");
  const std::string tag = EntityTag(stored->version);
  // A weak tag promises nothing about the bytes, so If-Match, which compares strongly, fails on it.
  if (!match.empty() && (!MatchesAnyTag(match, tag) || match.find("W/") != match.npos)) {
    return PreconditionFailed("The document has another version than If-Match names.", match, tag);
  }
  if (!none_match.empty() && MatchesAnyTag(none_match, tag)) {
    return PreconditionFailed("The document still has the version that If-None-Match names.",
                              none_match, tag);
  }
  // If-Match: * asks for existence alone.
  if (Trim(match) != "*") conditions.version = VersionOf(*stored);
  return conditions;
}

}  // namespace nexadb::rest
