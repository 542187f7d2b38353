#include "plugins/database-document/index/wildcard.h"

#include <algorithm>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {

constexpr std::string_view kAll = "$**";
constexpr std::string_view kBelow = ".$**";
constexpr std::string_view kId = "_id";

// Whether `path` is `root` or lies below it.
bool IsUnder(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '.');
}

bool AnyAbove(const std::vector<std::string>& roots, std::string_view path) {
  return std::any_of(roots.begin(), roots.end(),
                     [&](const std::string& root) { return IsUnder(path, root); });
}

// The paths of a projection that say yes or no, with what they say.
struct Mention {
  std::string path;
  bool included = false;
};
void Flatten(bson::Document projection, const std::string& prefix, std::vector<Mention>* out) {
  for (const bson::Element& e : projection) {
    const std::string path = prefix + std::string(e.name());
    if (e.type() == bson::Type::kObject) {
      Flatten(e.value().Doc(), path + ".", out);
    } else {
      out->push_back({path, query::IsTruthy(e.value())});
    }
  }
}

}  // namespace

bool Wildcard::Is(std::string_view key_part) {
  return key_part == kAll || key_part.ends_with(kBelow);
}

std::optional<Wildcard> Wildcard::Of(const IndexEntry& index) {
  Wildcard out;
  for (const bson::Element& e : index.key()) {
    if (!Is(e.name())) {
      ++out.part_;
      continue;
    }
    const bson::Element projection = bson::Document(AsBytes(index.spec))["wildcardProjection"];
    if (e.name() != kAll) {
      out.included_.emplace_back(e.name().substr(0, e.name().size() - kBelow.size()));
    } else {
      out.TakeProjection(projection ? projection.value().Doc() : bson::Document());
    }
    return out;
  }
  return std::nullopt;
}

// As a find's projection, except that _id is left out unless it is named.
void Wildcard::TakeProjection(bson::Document projection) {
  std::vector<Mention> mentions;
  Flatten(projection, "", &mentions);
  const auto decides = std::find_if(mentions.begin(), mentions.end(),
                                    [](const Mention& m) { return m.path != kId; });
  const bool id = std::any_of(mentions.begin(), mentions.end(),
                              [](const Mention& m) { return m.path == kId && m.included; });
  const bool includes = decides == mentions.end() ? id : decides->included;
  for (const Mention& mention : mentions) {
    if (mention.path == kId) continue;
    (includes ? included_ : excluded_).push_back(mention.path);
  }
  if (includes && id) included_.emplace_back(kId);
  if (!includes && !id) excluded_.emplace_back(kId);
}

bool Wildcard::CoversText(std::string_view path) const {
  return (included_.empty() || AnyAbove(included_, path)) && !AnyAbove(excluded_, path);
}

bool Wildcard::MayHold(std::string_view path) const {
  if (AnyAbove(excluded_, path)) return false;
  return included_.empty() || AnyAbove(included_, path) ||
         std::any_of(included_.begin(), included_.end(),
                     [&](const std::string& root) { return IsUnder(root, path); });
}

bool Wildcard::Covers(const query::Path& path) const {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i].index >= 0) return false;
  }
  return CoversText(path.text());
}

bool Wildcard::Holds(const KeyIntervals& values) {
  const std::string empty = bson::Builder().Object("", bson::Document()).Null("null").Finish();
  const bson::Document examples(AsBytes(empty));
  const bson::Value object = examples[""].value();
  KeyIntervals held = KeyIntervals::SameType(object).Complement();
  held.Unite(KeyIntervals::Point(object));
  held.Intersect(KeyIntervals::Point(examples["null"].value()).Complement());
  return held.Includes(values);
}

std::string Wildcard::EntryPrefix(std::string_view path, Through through) {
  std::string out(path);
  out.push_back('\0');
  out.push_back(static_cast<char>(through));
  return out;
}

// One document's way down. A name with a dot is no path that a query could mean.
class Wildcard::Walk {
 public:
  Walk(const Wildcard& wildcard, const query::Collation* collation, EntryLimits limits,
       DocumentEntries* out)
      : wildcard_(wildcard), collation_(collation), limits_(limits), out_(*out) {}

  Status Fields(bson::Document object, Through through) {
    const size_t size = path_.size();
    const bool top = depth_++ == 0;
    for (const bson::Element& e : object) {
      if (e.name().find('.') != std::string_view::npos) continue;
      if (!top) path_.push_back('.');
      path_.append(e.name());
      Status status = wildcard_.MayHold(path_) ? Value(e.value(), through) : Status();
      path_.resize(size);
      if (!status.ok()) return status;
    }
    --depth_;
    return {};
  }

 private:
  Status Value(const bson::Value& value, Through through) {
    if (value.type() != bson::Type::kArray) return Single(value, through);
    out_.arrays.Add(wildcard_.part(), 0);
    const bson::Document array = value.Doc();
    if (array.empty()) {
      return Leaf(bson::Value(bson::Type::kUndefined, nullptr, 0), Through::kArrays);
    }
    for (const bson::Element& e : array) {
      if (Status status = Single(e.value(), Through::kArrays); !status.ok()) return status;
    }
    return {};
  }
  // An array in an array is a value.
  Status Single(const bson::Value& value, Through through) {
    const bool enters = value.type() == bson::Type::kObject && !value.Doc().empty();
    return enters ? Fields(value.Doc(), through) : Leaf(value, through);
  }
  Status Leaf(const bson::Value& value, Through through) {
    if (!wildcard_.CoversText(path_)) return {};
    std::string key = EntryPrefix(path_, through);
    query::AppendKey(value, collation_, &key);
    const size_t size = key.size();
    if (out_.values.insert(std::move(key)).second) out_.bytes += size;
    return limits_.Check(out_);
  }

  const Wildcard& wildcard_;
  const query::Collation* collation_;
  const EntryLimits limits_;
  DocumentEntries& out_;
  std::string path_;
  size_t depth_ = 0;
};

Status Wildcard::Collect(bson::Document document, const query::Collation* collation,
                         EntryLimits limits, DocumentEntries* out) const {
  return Walk(*this, collation, limits, out).Fields(document, Through::kObjects);
}

}  // namespace nexadb::database
