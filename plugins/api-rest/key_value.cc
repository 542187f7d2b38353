// Key-value: raw bytes by key, ranges, and the operations on many keys.
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "nexadb/key_value_buckets.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/preconditions.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

constexpr std::string_view kBytesType = "application/octet-stream";

struct Target {
  KeyValueStore* store = nullptr;
  Session* session = nullptr;
};

Result<Target> Open(Request& request) {
  Result<KeyValueStore*> store = request.api().KeyValue();
  if (!store.ok()) return std::move(store).status();
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  return Target{*store, *session};
}

Status KeyMissing(Status status) {
  if (status.code() != Code::kNotFound) return status;
  return MakeError(ErrorId::kKvKeyNotFound, "Key not found");
}

Status CheckKey(std::string_view key) {
  if (key.size() <= static_cast<size_t>(kKvKeyBytesMax)) return {};
  return LimitError(ErrorId::kKvKeyTooLong, "kv_key_bytes", kKvKeyBytesMax,
                    static_cast<int64_t>(key.size()));
}

// Bytes as a member: as text where they are UTF-8, else as `name`_base64.
void AddBytes(JsonObject& object, std::string_view name, BytesView bytes) {
  const std::string_view text = AsText(bytes);
  if (bson::internal::ValidUtf8(text)) {
    object.Text(name, text);
  } else {
    object.Text(std::string(name) + "_base64", EncodeBase64(text));
  }
}

// The reverse, for `name` or `name`_base64 of a body.
Result<std::string> ReadBytes(const Members& members, std::string_view name) {
  const std::string encoded = std::string(name) + "_base64";
  if (members.Has(encoded)) {
    Result<std::string_view> text = members.Text(encoded, "");
    if (!text.ok()) return std::move(text).status();
    std::string bytes;
    if (!DecodeBase64(*text, bytes)) {
      return FailAt(ErrorId::kBadValue, "'" + encoded + "' is not base64.", "/" + encoded);
    }
    return bytes;
  }
  if (!members.Has(name)) {
    return FailAt(ErrorId::kMissingOption, "'" + std::string(name) + "' is missing.",
                  "/" + std::string(name));
  }
  Result<std::string_view> text = members.Text(name, "");
  if (!text.ok()) return std::move(text).status();
  return std::string(*text);
}

// A member "ttl", as text with a unit or as seconds, in milliseconds.
Result<uint64_t> ReadTtl(const Members& members) {
  const bson::Value value = members.Get("ttl");
  if (value.IsNullish()) return uint64_t{0};
  int64_t seconds = 0;
  std::string text;
  if (value.type() == bson::Type::kString) {
    text = value.Text();
  } else if (AsInteger(value, seconds)) {
    text = std::to_string(seconds);
  }
  Result<Parameters> parsed = Parameters::Parse("ttl=" + EncodePercent(text));
  if (!parsed.ok()) return std::move(parsed).status();
  return parsed->Duration("ttl", 0);
}

void AddEntry(JsonObject& object, const KeyValueEntry& entry) {
  AddBytes(object, "value", entry.value.value.bytes());
  if (!entry.value.content_type.empty()) {
    object.Text("content_type", entry.value.content_type.text());
  }
  if (entry.value.expires_ms != 0) object.Moment("expires_at", entry.value.expires_ms);
}

// Why a write with these headers must not happen to what is stored; OK when it may. `found` is what
// reading the key gave.
Status CheckConditions(Request& request, const Result<KeyValue>& found) {
  const std::string_view match = request.exchange().Header("If-Match");
  const std::string_view none_match = request.exchange().Header("If-None-Match");
  if (!found.ok()) {
    if (found.status().code() != Code::kNotFound) return found.status();
    return match.empty() ? Status() : PreconditionFailed("There is no such key.");
  }
  const std::string tag = EntityTag(found->version);
  // If-Match compares strongly, so a weak tag never matches.
  if (!match.empty() && (!MatchesAnyTag(match, tag) || match.find("W/") != match.npos)) {
    return PreconditionFailed("The key has another version than If-Match names.", match, tag);
  }
  if (!none_match.empty() && MatchesAnyTag(none_match, tag)) {
    return PreconditionFailed(none_match == "*" ? "The key exists already."
                                                : "The key still has the version that "
                                                  "If-None-Match names.",
                              none_match, tag);
  }
  return {};
}

// Runs `write` if the request's If-Match and If-None-Match hold. Reading the version and writing
// are one transaction, so that no other write fits in between.
template <class Write>
Status WriteConditionally(Request& request, const Target& target, Write&& write) {
  if (request.exchange().Header("If-Match").empty() &&
      request.exchange().Header("If-None-Match").empty()) {
    return write();
  }
  Session& session = *target.session;
  const bool own = !session.InTransaction();
  // A conflict means that somebody wrote the key meanwhile: its version is looked at again.
  constexpr int kAttempts = 8;
  Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (own) {
      if (Status begun = session.Begin(TransactionIsolation::kSnapshot); !begun.ok()) return begun;
    }
    status = CheckConditions(request,
                             target.store->Get(session, request.database_name(), request.capture(0),
                                               AsBytes(request.capture(1))));
    if (status.ok()) status = write();
    if (!own) return status;
    if (!status.ok()) {
      // The failure is the answer; of the rollback nothing is left to tell.
      (void)session.Rollback();
    } else {
      status = session.Commit();
    }
    if (!Is(status, ErrorId::kTransactionConflict)) return status;
  }
  return status;
}

// The first key after all that begin with `key`: for going on behind it.
std::string KeyAfter(std::string_view key) { return std::string(key) + '\0'; }

}  // namespace

Status GetKeyValue(Request& request) {
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<KeyValue> found = target->store->Get(*target->session, request.database_name(),
                                              request.capture(0), AsBytes(request.capture(1)));
  if (!found.ok()) return KeyMissing(std::move(found).status());
  const std::string tag = EntityTag(found->version);
  const std::string_view known = request.exchange().Header("If-None-Match");
  if (!known.empty() && MatchesAnyTag(known, tag)) {
    return SendEmpty(request.exchange(), 304, {{"ETag", tag}});
  }
  std::string expires;
  if (found->expires_ms != 0) AppendRfc3339(expires, found->expires_ms);
  const std::string_view type =
      found->content_type.empty() ? kBytesType : found->content_type.text();
  // Whatever was stored must not run as a page of this origin.
  const std::string type_copy(type);
  if (expires.empty()) {
    return SendBytes(request.exchange(), 200, type_copy, std::move(found->value),
                     {{"ETag", tag},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Content-Security-Policy", "sandbox; default-src 'none'"}});
  }
  return SendBytes(request.exchange(), 200, type_copy, std::move(found->value),
                   {{"ETag", tag},
                    {"X-Expires-At", expires},
                    {"X-Content-Type-Options", "nosniff"},
                    {"Content-Security-Policy", "sandbox; default-src 'none'"}});
}

Status PutKeyValue(Request& request) {
  Result<uint64_t> ttl = request.parameters().Duration("ttl", 0);
  if (!ttl.ok()) return std::move(ttl).status();
  const BytesView value = request.exchange().Body();
  if (value.size() > static_cast<size_t>(kKvValueBytesMax)) {
    return LimitError(ErrorId::kKvValueTooLarge, "kv_value_bytes", kKvValueBytesMax,
                      static_cast<int64_t>(value.size()));
  }
  if (Status status = CheckKey(request.capture(1)); !status.ok()) return status;
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  PutOptions options;
  options.ttl_ms = static_cast<int64_t>(*ttl);
  options.content_type = request.exchange().Header("Content-Type");
  Status put = WriteConditionally(request, *target, [&] {
    return target->store->Put(*target->session, request.database_name(), request.capture(0),
                              AsBytes(request.capture(1)), value, options);
  });
  if (!put.ok()) return put;
  return SendEmpty(request.exchange(), 204);
}

Status DeleteKeyValue(Request& request) {
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Status deleted = WriteConditionally(request, *target, [&] {
    return target->store->Delete(*target->session, request.database_name(), request.capture(0),
                                 AsBytes(request.capture(1)));
  });
  if (!deleted.ok()) return KeyMissing(std::move(deleted));
  return SendEmpty(request.exchange(), 204);
}

Status ListBuckets(Request& request) {
  auto* buckets =
      static_cast<KeyValueBuckets*>(request.database().Facet(KeyValueBuckets::kInterface));
  if (buckets == nullptr) {
    return MakeError(ErrorId::kNotImplemented, "This server's database does not list its buckets.");
  }
  Result<uint64_t> limit = request.parameters().Number("limit", kPageDefault, 1, kPageMax);
  if (!limit.ok()) return std::move(limit).status();
  CursorToken last;
  last.fingerprint = Fingerprint({"buckets", request.database_name()});
  if (const auto cursor = request.parameters().Get("cursor"); cursor && !cursor->empty()) {
    Result<CursorToken> token = request.api().cursors.Open(*cursor, last.fingerprint);
    if (!token.ok()) return std::move(token).status();
    last.payload = token->payload;
  }
  Result<Session*> session = request.session();
  if (!session.ok()) return std::move(session).status();
  Result<Buffer> found =
      buckets->ListBuckets(**session, request.database_name(), last.payload, *limit);
  if (!found.ok()) return std::move(found).status();
  const bson::Document list(found->bytes());
  JsonObject out = Success();
  AppendJsonArray(out.Name("buckets"), list["buckets"].value().Doc(), JsonMode::kRest);
  int64_t count = 0;
  for (const bson::Element& bucket : list["buckets"].value().Doc()) {
    last.payload = bucket.value().Doc()["name"].value().Text();
    ++count;
  }
  out.Integer("count", count);
  if (list["more"].value().Bool()) {
    out.Text("next_cursor", request.api().cursors.Sign(last));
  } else {
    out.Null("next_cursor");
  }
  return SendJson(request.exchange(), 200, out.Finish());
}

Status ScanBucket(Request& request) {
  const Parameters& parameters = request.parameters();
  Result<uint64_t> limit = parameters.Number("limit", kPageDefault, 1, kPageMax);
  Result<bool> values = parameters.Flag("values", false);
  if (!limit.ok()) return std::move(limit).status();
  if (!values.ok()) return std::move(values).status();
  KeyRange range;
  range.keys_only = *values ? 0 : 1;
  range.prefix = AsBytes(parameters.Get("prefix").value_or(""));
  range.begin = AsBytes(parameters.Get("start").value_or(""));
  range.end = AsBytes(parameters.Get("end").value_or(""));
  range.limit = *limit;
  std::string after;
  const uint64_t fingerprint =
      Fingerprint({"kv", request.database_name(), request.capture(0), AsText(range.prefix),
                   AsText(range.begin), AsText(range.end)});
  if (const auto cursor = parameters.Get("cursor"); cursor && !cursor->empty()) {
    Result<CursorToken> token = request.api().cursors.Open(*cursor, fingerprint);
    if (!token.ok()) return std::move(token).status();
    after = KeyAfter(token->payload);
    range.begin = AsBytes(after);
  }
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<Handle<KeyValueEntries>> entries =
      target->store->Scan(*target->session, request.database_name(), request.capture(0), range);
  if (!entries.ok()) return std::move(entries).status();
  JsonObject out = Success();
  out.Text("bucket", request.capture(0));
  std::string& text = out.Name("entries");
  text.push_back('[');
  const uint64_t count = (*entries)->Size();
  for (uint64_t i = 0; i < count; ++i) {
    const KeyValueEntry& entry = (*entries)->At(i);
    JsonObject object;
    AddBytes(object, "key", entry.key.bytes());
    if (*values) AddEntry(object, entry);
    if (i > 0) text.push_back(',');
    text += object.Finish();
  }
  text.push_back(']');
  out.Integer("count", static_cast<int64_t>(count));
  if ((*entries)->More() && count > 0) {
    CursorToken token;
    token.fingerprint = fingerprint;
    token.payload = (*entries)->At(count - 1).key.text();
    out.Text("next_cursor", request.api().cursors.Sign(token));
  } else {
    out.Null("next_cursor");
  }
  return SendJson(request.exchange(), 200, out.Finish());
}

Status GetManyKeyValues(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"keys"});
  if (!known.ok()) return known;
  Result<bson::Document> array = members.Array("keys");
  if (!array.ok()) return std::move(array).status();
  std::vector<BytesView> keys;
  for (const bson::Element& element : *array) {
    if (element.type() != bson::Type::kString) {
      return FailAt(ErrorId::kTypeMismatch, "'keys' takes strings.",
                    "/keys/" + std::string(element.name()));
    }
    keys.push_back(AsBytes(element.value().Text()));
  }
  if (keys.size() > static_cast<size_t>(kPageMax)) {
    return LimitError(ErrorId::kBulkTooLarge, "page", kPageMax, static_cast<int64_t>(keys.size()));
  }
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<Handle<KeyValueEntries>> entries =
      target->store->GetMany(*target->session, request.database_name(), request.capture(0), keys);
  if (!entries.ok()) return std::move(entries).status();
  JsonObject out = Success();
  out.Text("bucket", request.capture(0));
  std::string& text = out.Name("entries");
  text.push_back('[');
  int64_t found = 0;
  for (uint64_t i = 0; i < (*entries)->Size(); ++i) {
    const KeyValueEntry& entry = (*entries)->At(i);
    JsonObject object;
    AddBytes(object, "key", keys[i]);
    const bool present = !entry.key.empty();
    object.Bool("found", present);
    if (present) AddEntry(object, entry);
    found += present ? 1 : 0;
    if (i > 0) text.push_back(',');
    text += object.Finish();
  }
  text.push_back(']');
  out.Integer("count", found);
  return SendJson(request.exchange(), 200, out.Finish());
}

Status PutManyKeyValues(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"entries", "ttl", "content_type"});
  if (!known.ok()) return known;
  Result<bson::Document> array = members.Array("entries");
  Result<uint64_t> ttl = ReadTtl(members);
  Result<std::string_view> type = members.Text("content_type", "");
  for (const Status& status : {array.status(), ttl.status(), type.status()}) {
    if (!status.ok()) return status;
  }
  std::vector<std::string> kept;  // key, value, key, value …
  for (const bson::Element& element : *array) {
    const Members entry(element.value().Doc());
    Result<std::string> key = ReadBytes(entry, "key");
    Result<std::string> value = ReadBytes(entry, "value");
    for (const Status& status :
         {element.type() == bson::Type::kObject
              ? Status()
              : FailAt(ErrorId::kNotAnObject, "An entry is an object with key and value.",
                       "/entries/" + std::string(element.name())),
          entry.Only({"key", "key_base64", "value", "value_base64"}), key.status(), value.status(),
          CheckKey(*key)}) {
      if (!status.ok()) return status;
    }
    kept.push_back(std::move(*key));
    kept.push_back(std::move(*value));
  }
  std::vector<Row> rows;
  for (size_t i = 0; i + 1 < kept.size(); i += 2) {
    rows.push_back({AsBytes(kept[i]), AsBytes(kept[i + 1])});
  }
  if (rows.size() > static_cast<size_t>(kBulkOperationsMax)) {
    return LimitError(ErrorId::kBulkTooLarge, "bulk_operations", kBulkOperationsMax,
                      static_cast<int64_t>(rows.size()));
  }
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  PutOptions options;
  options.ttl_ms = static_cast<int64_t>(*ttl);
  options.content_type = *type;
  Status put = target->store->PutMany(*target->session, request.database_name(), request.capture(0),
                                      rows, options);
  if (!put.ok()) return put;
  JsonObject out = Success();
  out.Text("bucket", request.capture(0)).Integer("count", static_cast<int64_t>(rows.size()));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status IncrementKeyValue(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"key", "key_base64", "amount", "by"});
  if (!known.ok()) return known;
  Result<std::string> key = ReadBytes(members, "key");
  if (!key.ok()) return std::move(key).status();
  Result<int64_t> amount =
      members.Integer(members.Has("by") ? "by" : "amount", 1, INT64_MIN, INT64_MAX);
  if (!amount.ok()) return std::move(amount).status();
  if (Status status = CheckKey(*key); !status.ok()) return status;
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<int64_t> value = target->store->Increment(*target->session, request.database_name(),
                                                   request.capture(0), AsBytes(*key), *amount);
  if (!value.ok()) return std::move(value).status();
  JsonObject out = Success();
  out.Text("bucket", request.capture(0));
  AddBytes(out, "key", AsBytes(*key));
  const std::string exact = bson::Builder().Int64("value", *value).Finish();
  out.Value("value", AsDocument(exact)["value"].value());
  return SendJson(request.exchange(), 200, out.Finish());
}

Status CompareAndSetKeyValue(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"key", "key_base64", "expected", "expected_base64", "value",
                               "value_base64", "ttl", "content_type"});
  if (!known.ok()) return known;
  Result<std::string> key = ReadBytes(members, "key");
  Result<std::string> value = ReadBytes(members, "value");
  Result<uint64_t> ttl = ReadTtl(members);
  Result<std::string_view> type = members.Text("content_type", "");
  if (!members.Has("expected") && !members.Has("expected_base64")) {
    return FailAt(ErrorId::kMissingOption,
                  "'expected' is missing; null expects that the key is absent.", "/expected");
  }
  const bool expects_absent =
      members.Get("expected").IsNullish() && !members.Has("expected_base64");
  Result<std::string> expected =
      expects_absent ? Result<std::string>(std::string()) : ReadBytes(members, "expected");
  for (const Status& status : {key.status(), value.status(), ttl.status(), type.status(),
                               expected.status(), CheckKey(*key)}) {
    if (!status.ok()) return status;
  }
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  PutOptions options;
  options.ttl_ms = static_cast<int64_t>(*ttl);
  options.content_type = *type;
  const BytesView old_value = AsBytes(*expected);
  Result<bool> swapped = target->store->CompareAndSet(
      *target->session, request.database_name(), request.capture(0), AsBytes(*key),
      expects_absent ? nullptr : &old_value, AsBytes(*value), options);
  if (!swapped.ok()) return std::move(swapped).status();
  if (!*swapped) {
    return MakeError(ErrorId::kKvCompareFailed, "The stored value is not the expected one.");
  }
  JsonObject out = Success();
  out.Text("bucket", request.capture(0));
  AddBytes(out, "key", AsBytes(*key));
  return SendJson(request.exchange(), 200, out.Bool("swapped", true).Finish());
}

}  // namespace nexadb::rest
