// count and distinct.
#include <set>

#include "core/document/error.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/command.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/number.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kReplyTooLarge = 17217;
constexpr size_t kReplyBytesMax = 16u << 20;

struct Opened {
  std::unique_ptr<QueryContext> context;
  query::SourcePtr source;
};

Result<std::unique_ptr<QueryContext>> OpenContext(const CommandCall& call,
                                                  std::string_view collection) {
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  auto context = std::make_unique<QueryContext>(call.session, std::string(call.database), *scope);
  context->set_parse_options(call.session.call_ms(), ObjectMember(call.command, "let"));
  if (Status bad = SetCollation(call.command, collection, *context); !bad.ok()) return bad;
  return context;
}

Result<int64_t> CountUpTo(int64_t enough, QueryContext& context, std::string_view collection,
                          bson::Document filter, const bson::Value& hint) {
  auto source = OpenNamespace(context, collection, filter, hint);
  if (!source.ok()) return source.status();
  int64_t count = 0;
  while (count < enough) {
    auto got = (*source)->Pass(query::kBatchDocuments);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    count += static_cast<int64_t>(*got);
  }
  return count;
}

// As a pipeline does it, which may use several threads.
Result<int64_t> CountAll(QueryContext& context, std::string_view collection, bson::Document filter,
                         const bson::Value& hint) {
  bson::Builder stages;
  stages.OpenObject("0").Object("$match", filter).Close();
  stages.OpenObject("1").Text("$count", "n").Close();
  const std::string bytes = stages.Finish();
  auto source = OpenPipeline(context, collection, bson::Document(AsBytes(bytes)), hint);
  if (!source.ok()) return source.status();
  query::BatchDocument counted;
  auto got = (*source)->Next(std::span(&counted, 1));
  if (!got.ok()) return got.status();
  return *got == 0 ? 0 : query::ExactInt64(counted.view()["n"].value()).value_or(0);
}

}  // namespace

Status RunCount(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {
      {"query", FieldKind::kObject},     {"limit", FieldKind::kNumber},
      {"skip", FieldKind::kCount},       {"hint", FieldKind::kObjectOrText},
      {"collation", FieldKind::kObject}, {"fields", FieldKind::kAny}};
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  Status status = call.session.CheckAccess(Action::kRead, call.database, *collection);
  if (!status.ok()) return status;
  const int64_t skip = IntegerMember(call.command, "skip", 0);
  int64_t limit = IntegerMember(call.command, "limit", 0);
  if (limit == INT64_MIN) return MongoError(kBadValue, "count: limit is out of range");
  if (limit < 0) limit = -limit;
  auto context = OpenContext(call, *collection);
  if (!context.ok()) return context.status();
  status = CheckHintOf(call, (*context)->scope(), *collection);
  if (!status.ok()) return status;
  const bson::Document filter = ObjectMember(call.command, "query");
  const EntryPtr entry = (*context)->scope().Find(call.database, *collection);
  int64_t count = 0;
  if (filter.empty() && entry != nullptr && entry->kind == EntryKind::kCollection) {
    auto counted = CountDocuments((*context)->scope().reader(), entry->id);
    if (!counted.ok()) return counted.status();
    count = *counted;
  } else {
    const bson::Value hint = Member(call.command, "hint");
    const int64_t enough = limit == 0 || limit > INT64_MAX - skip ? INT64_MAX : limit + skip;
    auto counted = enough == INT64_MAX ? CountAll(**context, *collection, filter, hint)
                                       : CountUpTo(enough, **context, *collection, filter, hint);
    if (!counted.ok()) return counted.status();
    count = *counted;
  }
  count = std::max<int64_t>(count - skip, 0);
  if (limit != 0) count = std::min(count, limit);
  if (count <= INT32_MAX) {
    reply->Int32("n", static_cast<int32_t>(count));
  } else {
    reply->Int64("n", count);
  }
  return {};
}

namespace {

// Values in the order of their encodings, equal ones once: the first of those that a collation
// holds equal.
class DistinctValues {
 public:
  DistinctValues(std::string_view path, const query::Collation* collation)
      : path_(path), collation_(collation) {}

  Status Add(bson::Document document) {
    query::VisitPath(document, path_, [&](const bson::Value& value, int64_t) {
      if (value.type() == bson::Type::kArray) {
        for (const bson::Element& e : value.Doc()) Keep(e.value());
      } else if (value) {
        Keep(value);
      }
      return false;
    });
    if (bytes_ <= kReplyBytesMax) return {};
    return MongoError(kReplyTooLarge, "distinct too big, 16mb cap");
  }

  void AppendTo(bson::Builder* reply) const {
    reply->OpenArray("values");
    size_t i = 0;
    for (const auto& [key, value] : values_) reply->Value(std::to_string(i++), value.view());
    reply->Close();
  }

 private:
  void Keep(const bson::Value& value) {
    key_.clear();
    query::AppendKey(value, collation_, &key_);
    if (values_.contains(key_)) return;
    bytes_ += value.bytes().size() + 8;
    values_.emplace(key_, query::OwnedValue::Copy(value));
  }
  query::Path path_;
  const query::Collation* collation_;
  std::map<std::string, query::OwnedValue> values_;
  std::string key_;
  size_t bytes_ = 0;
};

}  // namespace

Status RunDistinct(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"key", FieldKind::kText, Need::kRequired},
                                         {"query", FieldKind::kObject},
                                         {"hint", FieldKind::kObjectOrText},
                                         {"collation", FieldKind::kObject}};
  auto collection = CollectionOf(call);
  if (!collection.ok()) return collection.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  const std::string_view key = TextMember(call.command, "key");
  if (key.find('\0') != std::string_view::npos) {
    return MongoError(kBadValue, "distinct: 'key' must not hold a NUL");
  }
  auto context = OpenContext(call, *collection);
  if (!context.ok()) return context.status();
  if (Status bad = CheckHintOf(call, (*context)->scope(), *collection); !bad.ok()) return bad;
  auto source = OpenNamespace(**context, *collection, ObjectMember(call.command, "query"),
                              Member(call.command, "hint"), 0, nullptr,
                              std::vector<std::string>{std::string(key)});
  if (!source.ok()) return source.status();
  DistinctValues values(key, (*context)->collation());
  std::vector<query::BatchDocument> batch(query::kBatchDocuments);
  for (;;) {
    auto count = (*source)->Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    for (size_t i = 0; i < *count; ++i) {
      if (Status status = values.Add(batch[i].view()); !status.ok()) return status;
    }
  }
  values.AppendTo(reply);
  return {};
}

}  // namespace nexadb::database
