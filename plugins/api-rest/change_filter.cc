#include "plugins/api-rest/change_filter.h"

#include <array>

#include "core/document/error.h"
#include "core/document/json.h"

namespace nexadb::rest {
namespace {

constexpr size_t kBatch = 128;

// The tokens of the events that match. Events are given as a literal: what their texts say is no
// expression.
std::string Command(bson::Document events, bson::Document filter) {
  bson::Builder command;
  command.Int32("aggregate", 1).OpenArray("pipeline");
  command.OpenObject("0").OpenObject("$documents").Array("$literal", events).Close().Close();
  command.OpenObject("1").Object("$match", filter).Close();
  command.OpenObject("2").OpenObject("$project").Int32("token", 1).Close().Close();
  command.Close().OpenObject("cursor").Close();
  return command.Finish();
}

// The first half of an array of two or more, and the rest.
std::pair<std::string, std::string> Halves(bson::Document events) {
  const size_t half = events.CountElements() / 2;
  bson::Builder first, second;
  size_t i = 0;
  for (const bson::Element& event : events) {
    bson::Builder& part = i < half ? first : second;
    part.Value(std::to_string(i < half ? i : i - half), event.value());
    ++i;
  }
  return {first.Finish(), second.Finish()};
}

}  // namespace

Result<ChangeFilter> ChangeFilter::Parse(std::string_view json, Database& database,
                                         Session& session, std::string_view name) {
  Result<std::string> filter = JsonToBson(json);
  if (!filter.ok()) return std::move(filter).status();
  ChangeFilter parsed;
  parsed.database_ = &database;
  parsed.name_ = name;
  parsed.filter_ = std::move(*filter);
  // A mistake is told now, not by the first event.
  const Result<std::vector<std::string>> none = parsed.Matching(session, bson::Document());
  if (!none.ok()) return none.status();
  return parsed;
}

Result<std::vector<std::string>> ChangeFilter::Matching(Session& session,
                                                        bson::Document events) const {
  std::vector<std::string> tokens;
  if (Status status = Match(session, events, &tokens); !status.ok()) return status;
  return tokens;
}

Status ChangeFilter::Match(Session& session, bson::Document events,
                           std::vector<std::string>* tokens) const {
  const size_t before = tokens->size();
  const std::string command = Command(events, bson::Document(AsBytes(filter_)));
  Result<Handle<DocumentCursor>> cursor = database_->Query(session, name_, AsBytes(command), {});
  Status status = cursor.status();
  std::array<BytesView, kBatch> batch;
  while (status.ok()) {
    Result<uint64_t> count = (*cursor)->Next(Span<BytesView>(batch.data(), batch.size()));
    status = count.status();
    if (!status.ok()) break;
    if (*count == 0) return {};
    for (uint64_t i = 0; i < *count; ++i) {
      tokens->emplace_back(bson::Document(batch[i])["token"].value().Text());
    }
  }
  if (!Is(status, ErrorId::kMemoryLimit) || events.CountElements() < 2) return status;
  tokens->resize(before);
  const auto [first, second] = Halves(events);
  status = Match(session, bson::Document(AsBytes(first)), tokens);
  return status.ok() ? Match(session, bson::Document(AsBytes(second)), tokens) : status;
}

}  // namespace nexadb::rest
