#include "sdk/cli/commands.h"

#include <sstream>

#include "sdk/cli/relaxed_json.h"

namespace nexadb::cli {
namespace {

// Documents asked for in one request.
constexpr uint64_t kPageSize = 1000;

std::string TextArray(const std::string& comma_separated) {
  std::string out = "[";
  std::istringstream in(comma_separated);
  for (std::string item; std::getline(in, item, ',');) {
    if (out.size() > 1) out += ',';
    out += Quote(item);
  }
  return out + "]";
}

// "-age,name" → {"age":-1,"name":1}; anything that opens with '{' is relaxed JSON.
std::string SortDocument(const std::string& sort) {
  if (sort.find('{') != std::string::npos) return ToStrictJson(sort);
  std::string out = "{";
  std::istringstream in(sort);
  for (std::string item; std::getline(in, item, ',');) {
    const bool down = !item.empty() && item[0] == '-';
    if (out.size() > 1) out += ',';
    out += Quote(down ? item.substr(1) : item) + (down ? ":-1" : ":1");
  }
  return out + "}";
}

// The members that were said. A rate that is no number is sent as text, for the server to refuse.
std::string KeyDocument(const KeyArguments& key) {
  std::string out;
  const auto add = [&](const char* member, const std::string& json) {
    out += (out.empty() ? "{\"" : ",\"") + std::string(member) + "\":" + json;
  };
  if (!key.name.empty()) add("name", Quote(key.name));
  if (!key.actions.empty()) add("actions", TextArray(key.actions));
  if (!key.patterns.empty()) add("patterns", TextArray(key.patterns));
  if (!key.expires.empty()) add("expires_at", key.expires == "never" ? "null" : Quote(key.expires));
  const bool number = key.rate.find_first_not_of("0123456789") == std::string::npos;
  if (!key.rate.empty()) {
    add("requests_per_second", key.rate == "none" ? "null" : number ? key.rate : Quote(key.rate));
  }
  if (key.burst != 0) add("burst", std::to_string(key.burst));
  return out.empty() ? "{}" : out + "}";
}

}  // namespace

std::string CollectionPath(const std::string& collection) {
  return "/collections/" + client::Segment(collection);
}

void Commands::Status() { Print(db_.Call("GET", "/status")); }

void Commands::Stats() { Print(Member(db_.Call("GET", "/stats"), "stats")); }

void Commands::Collections() {
  for (const std::string& name : Elements(db_.Call("GET", "/collections"), "collections")) {
    PrintLine(MemberText("{\"name\":" + name + "}", "name"));
  }
}

void Commands::Buckets() {
  for (const std::string& name : db_.ListBuckets()) PrintLine(name);
}

void Commands::DropCollection(const std::string& collection) {
  Print(db_.Call("DELETE", CollectionPath(collection)));
}

void Commands::Insert(const std::string& collection, const std::string& document) {
  const std::string strict = ToStrictJson(document);
  if (!strict.starts_with("[")) {
    PrintLine(MemberText(db_.Call("POST", CollectionPath(collection), strict), "document_id"));
    return;
  }
  const std::string answer = db_.Call("POST", CollectionPath(collection) + "/bulk", strict);
  for (const std::string& id : Elements(answer, "document_ids")) {
    PrintLine(MemberText("{\"id\":" + id + "}", "id"));
  }
  if (db_.last_status() == 207) {
    throw client::Error(207, "partial", "some documents were refused: " + Member(answer, "errors"));
  }
}

void Commands::Get(const std::string& collection, const std::string& id) {
  Print(
      Member(db_.Call("GET", CollectionPath(collection) + "/" + client::Segment(id)), "document"));
}

void Commands::Find(const std::string& collection, const FindArguments& arguments) {
  std::string query = "{\"query\":" + ToStrictJson(arguments.filter);
  if (!arguments.sort.empty()) query += ",\"sort\":" + SortDocument(arguments.sort);
  if (!arguments.fields.empty()) {
    const bool json = arguments.fields.find_first_of("{[") != std::string::npos;
    query += ",\"fields\":" + (json ? ToStrictJson(arguments.fields) : TextArray(arguments.fields));
  }
  uint64_t left = arguments.limit;
  std::string position = arguments.skip > 0 ? ",\"skip\":" + std::to_string(arguments.skip) : "";
  while (left > 0) {
    const std::string page = ",\"limit\":" + std::to_string(std::min(left, kPageSize));
    const std::string answer =
        db_.Call("POST", CollectionPath(collection) + "/query", query + position + page + "}");
    const auto documents = Elements(answer, "documents");
    for (const std::string& document : documents) Print(document);
    left -= std::min<uint64_t>(left, documents.size());
    const std::string cursor = Member(answer, "next_cursor");
    if (cursor.empty() || cursor == "null" || documents.empty()) return;
    position = ",\"cursor\":" + cursor;
  }
}

void Commands::Count(const std::string& collection, const std::string& filter) {
  const std::string body = "{\"filter\":" + ToStrictJson(filter) + "}";
  PrintLine(Member(db_.Call("POST", CollectionPath(collection) + "/_count", body), "count"));
}

void Commands::Update(const std::string& collection, const std::string& id,
                      const std::string& changes) {
  const std::string strict = ToStrictJson(changes);
  const bool operators = strict.starts_with("{\"$");
  const std::string answer = db_.Call(
      operators ? "PATCH" : "PUT", CollectionPath(collection) + "/" + client::Segment(id), strict);
  Print(Member(answer, "document"));
}

void Commands::Delete(const std::string& collection, const std::string& id) {
  const std::string path = CollectionPath(collection) + "/" + client::Segment(id);
  PrintLine(MemberText(db_.Call("DELETE", path), "message"));
}

void Commands::Aggregate(const std::string& collection, const std::string& pipeline) {
  const std::string body = "{\"pipeline\":" + ToStrictJson(pipeline) + "}";
  const std::string answer = db_.Call("POST", CollectionPath(collection) + "/aggregate", body);
  for (const std::string& result : Elements(answer, "results")) Print(result);
}

void Commands::CollectionStats(const std::string& collection) {
  Print(db_.Call("GET", CollectionPath(collection) + "/_stats"));
}

void Commands::Search(const std::string& collection, const std::string& vector, uint64_t limit) {
  const std::string body =
      "{\"vector\":" + ToStrictJson(vector) + ",\"limit\":" + std::to_string(limit) + "}";
  const std::string path = "/vector/" + client::Segment(collection) + "/search";
  for (const std::string& hit : Elements(db_.Call("POST", path, body), "results")) Print(hit);
}

void Commands::KeysList() {
  for (const std::string& key : Elements(db_.Call("GET", "/keys"), "keys")) Print(key);
}

void Commands::KeysCreate(const KeyArguments& key) {
  Print(db_.Call("POST", "/keys", KeyDocument(key)));
}

void Commands::KeysChange(const std::string& id, const KeyArguments& changes) {
  Print(db_.Call("PATCH", "/keys/" + client::Segment(id), KeyDocument(changes)));
}

void Commands::KeysRevoke(const std::string& id) {
  Print(db_.Call("DELETE", "/keys/" + client::Segment(id)));
}

}  // namespace nexadb::cli
