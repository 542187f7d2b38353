#include "plugins/api-rest/query_spec.h"

#include "plugins/api-rest/members.h"
#include "plugins/api-rest/moments.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

std::string Bytes(bson::Document document) { return std::string(AsText(document.bytes())); }

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Calls item(name, negative) for each part of "-age,name".
template <class Item>
Status ForEachListed(std::string_view list, std::string_view what, Item&& item) {
  while (true) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view part = Trim(list.substr(0, end));
    const bool negative = part.starts_with('-');
    if (negative || part.starts_with('+')) part.remove_prefix(1);
    if (part.empty() || part.find('\0') != std::string_view::npos) {
      return MakeError(ErrorId::kInvalidParameter,
                       "'" + std::string(what) + "' takes paths separated by commas.");
    }
    item(part, negative);
    if (end == list.size()) return {};
    list.remove_prefix(end + 1);
  }
}

}  // namespace

Result<std::string> ParseFields(std::string_view list) {
  if (Trim(list).starts_with('{')) return JsonToBson(list);
  bson::Builder projection;
  Status status = ForEachListed(list, "fields", [&](std::string_view path, bool negative) {
    projection.Int32(path, negative ? 0 : 1);
  });
  if (!status.ok()) return status;
  return projection.Finish();
}

Result<std::string> ParseSort(std::string_view list) {
  if (Trim(list).starts_with('{')) return JsonToBson(list);
  bson::Builder sort;
  Status status = ForEachListed(list, "sort", [&](std::string_view path, bool negative) {
    sort.Int32(path, negative ? -1 : 1);
  });
  if (!status.ok()) return status;
  return sort.Finish();
}

Result<std::string> ReadFields(const bson::Value& value) {
  switch (value.type()) {
    case bson::Type::kEnd:
    case bson::Type::kNull: return std::string();
    case bson::Type::kObject: return Bytes(value.Doc());
    case bson::Type::kString: return ParseFields(value.Text());
    case bson::Type::kArray: break;
    default:
      return FailAt(ErrorId::kTypeMismatch,
                    "'fields' takes a projection document or an array of paths.", "/fields");
  }
  bson::Builder projection;
  size_t count = 0;
  for (const bson::Element& element : value.Doc()) {
    if (element.type() != bson::Type::kString || element.value().Text().empty() ||
        element.value().Text().find('\0') != std::string_view::npos) {
      return FailAt(ErrorId::kTypeMismatch, "'fields' takes paths: non-empty strings.",
                    "/fields/" + std::string(element.name()));
    }
    projection.Int32(element.value().Text(), 1);
    ++count;
  }
  if (count == 0) return std::string();
  return projection.Finish();
}

Result<std::string> ReadSort(const bson::Value& value) {
  switch (value.type()) {
    case bson::Type::kEnd:
    case bson::Type::kNull: return std::string();
    case bson::Type::kObject: return Bytes(value.Doc());
    case bson::Type::kString: return ParseSort(value.Text());
    default:
      return FailAt(ErrorId::kTypeMismatch,
                    "'sort' takes an object such as {\"age\": -1}, or text such as \"-age,name\".",
                    "/sort");
  }
}

Result<std::string> ReadFilter(bson::Document body) {
  const Members members(body);
  if (members.Has("query") && members.Has("filter")) {
    return FailAt(ErrorId::kBadValue, "'query' and 'filter' mean the same; send one of them.",
                  "/query");
  }
  Result<bson::Document> filter = members.Object(members.Has("query") ? "query" : "filter");
  if (!filter.ok()) return std::move(filter).status();
  return ReadMoments(*filter, NotADate::kRefused);
}

Status CheckMeansAll(bson::Document body, bson::Document filter, std::string_view would) {
  Result<bool> all = Members(body).Flag("all", false);
  if (!all.ok()) return std::move(all).status();
  if (*all || !filter.empty()) return {};
  return MakeError(ErrorId::kEmptyFilter, "An empty filter would " + std::string(would) +
                                              "; send \"all\": true with it if that is meant.");
}

Result<uint64_t> ReadMaxTime(Request& request, bson::Document body) {
  const auto most = static_cast<int64_t>(request.api().options.query_time_max_ms);
  Result<int64_t> time = Members(body).Integer("max_time_ms", 0, 1, most);
  if (!time.ok()) return std::move(time).status();
  return static_cast<uint64_t>(*time);
}

Result<QuerySpec> ReadQueryParameters(Request& request) {
  QuerySpec spec;
  const Parameters& parameters = request.parameters();
  auto filter = parameters.Get("query");
  if (filter && parameters.Get("filter")) {
    return MakeError(ErrorId::kInvalidParameter,
                     "'query' and 'filter' mean the same; send one of them.");
  }
  if (!filter) filter = parameters.Get("filter");
  Result<std::string> read = JsonToBson(filter && !filter->empty() ? *filter : "{}");
  if (!read.ok()) return std::move(read).status();
  Result<std::string> moments = ReadMoments(AsDocument(*read), NotADate::kRefused);
  if (!moments.ok()) return std::move(moments).status();
  spec.filter = std::move(*moments);
  if (const auto fields = parameters.Get("fields"); fields && !fields->empty()) {
    Result<std::string> projection = ParseFields(*fields);
    if (!projection.ok()) return std::move(projection).status();
    spec.projection = std::move(*projection);
  }
  if (const auto sort = parameters.Get("sort"); sort && !sort->empty()) {
    Result<std::string> parsed = ParseSort(*sort);
    if (!parsed.ok()) return std::move(parsed).status();
    spec.sort = std::move(*parsed);
  }
  Result<uint64_t> limit = parameters.Number("limit", spec.limit, 1, kLimitMax);
  Result<uint64_t> skip = parameters.Number("skip", 0, 0, kLimitMax);
  Result<uint64_t> time =
      parameters.Number("max_time_ms", 0, 1, request.api().options.query_time_max_ms);
  Result<bool> total = parameters.Flag("total", false);
  for (const Status& status : {limit.status(), skip.status(), time.status(), total.status()}) {
    if (!status.ok()) return status;
  }
  spec.limit = *limit;
  spec.skip = *skip;
  spec.max_time_ms = *time;
  spec.total = *total;
  spec.cursor = parameters.Get("cursor").value_or("");
  return spec;
}

Result<QuerySpec> ReadQueryBody(Request& request, bson::Document body) {
  QuerySpec spec;
  const Members members(body);
  Status known =
      members.Only({"query", "filter", "fields", "projection", "sort", "skip", "limit", "cursor",
                    "hint", "collation", "let", "max_time_ms", "total", "verbosity"});
  if (!known.ok()) return known;
  Result<std::string> filter = ReadFilter(body);
  Result<std::string> projection =
      ReadFields(members.Has("fields") ? members.Get("fields") : members.Get("projection"));
  Result<std::string> sort = ReadSort(members.Get("sort"));
  Result<int64_t> limit = members.Integer("limit", static_cast<int64_t>(spec.limit), 1, kLimitMax);
  Result<int64_t> skip = members.Integer("skip", 0, 0, kLimitMax);
  Result<uint64_t> time = ReadMaxTime(request, body);
  Result<bool> total = members.Flag("total", false);
  Result<std::string_view> cursor = members.Text("cursor", "");
  for (const Status& status : {filter.status(), projection.status(), sort.status(), limit.status(),
                               skip.status(), time.status(), total.status(), cursor.status()}) {
    if (!status.ok()) return status;
  }
  spec.filter = std::move(*filter);
  spec.projection = std::move(*projection);
  spec.sort = std::move(*sort);
  spec.limit = static_cast<uint64_t>(*limit);
  spec.skip = static_cast<uint64_t>(*skip);
  spec.max_time_ms = *time;
  spec.total = *total;
  spec.cursor = *cursor;
  bson::Builder extras;
  for (const std::string_view name : {"hint", "collation", "let"}) {
    if (!members.Get(name).IsNullish()) extras.Value(name, members.Get(name));
  }
  spec.extras = extras.Finish();
  return spec;
}

std::string QuerySpec::FindCommand(std::string_view collection, uint64_t passed,
                                   uint64_t count) const {
  bson::Builder command;
  command.Text("find", collection).Object("filter", AsDocument(filter));
  if (!projection.empty()) command.Object("projection", AsDocument(projection));
  if (!sort.empty()) command.Object("sort", AsDocument(sort));
  if (skip + passed > 0) command.Int64("skip", static_cast<int64_t>(skip + passed));
  command.Int64("limit", static_cast<int64_t>(count));
  if (!extras.empty()) command.Elements(AsDocument(extras));
  return command.Finish();
}

std::string QuerySpec::CountCommand(std::string_view collection) const {
  bson::Builder command;
  command.Text("count", collection).Object("query", AsDocument(filter));
  if (!extras.empty()) {
    for (const bson::Element& element : AsDocument(extras)) {
      if (element.name() != "let") command.Element(element);
    }
  }
  return command.Finish();
}

uint64_t QuerySpec::FingerprintIn(std::string_view database, std::string_view collection) const {
  return Fingerprint({database, collection, filter, sort, extras, std::to_string(skip)});
}

}  // namespace nexadb::rest
