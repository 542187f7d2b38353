#include "plugins/database-document/project/sort.h"

#include <cmath>
#include <optional>

#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

// The encoded key of one path: the least, or descending the greatest, of all that it reaches.
class Extreme {
 public:
  explicit Extreme(const SortPattern::Part& part)
      : descending_(part.descending), collation_(part.collation.get()) {}
  void Offer(const bson::Value& v) {
    candidate_.clear();
    query::AppendKey(v, collation_, &candidate_);
    if (!best_ || (descending_ ? candidate_ > *best_ : candidate_ < *best_)) best_ = candidate_;
  }
  // An array stands for its elements; an empty one for undefined, below null.
  void OfferLeaf(const bson::Value& v) {
    if (v.type() != bson::Type::kArray) return Offer(v);
    bool any = false;
    for (const bson::Element& e : v.Doc()) {
      Offer(e.value());
      any = true;
    }
    if (!any) Offer(bson::Value(bson::Type::kUndefined, nullptr, 0));
  }
  void AppendTo(std::string* key) {
    if (!best_) Offer(bson::Value());
    for (const char c : *best_) key->push_back(descending_ ? static_cast<char>(~c) : c);
  }

 private:
  const bool descending_;
  const Collation* const collation_;
  std::optional<std::string> best_;
  std::string candidate_;
};

// The first array that a path goes through, as its data pointer; null when none.
const uint8_t* ArrayOn(bson::Document doc, const Path& path) {
  bson::Value v = doc.AsValue(bson::Type::kObject);
  for (const PathComponent& c : path.components()) {
    if (v.type() != bson::Type::kObject) return nullptr;
    v = v.Doc()[c.name].value();
    if (v.type() == bson::Type::kArray) return v.bytes().data();
  }
  return nullptr;
}

}  // namespace

Result<SortPattern> SortPattern::Parse(bson::Document spec, const Collation* collation) {
  SortPattern pattern;
  const CollationPtr kept = collation != nullptr ? collation->shared_from_this() : nullptr;
  return Catch<SortPattern>([&] {
    for (const bson::Element& e : spec) {
      if (e.type() == bson::Type::kObject) {
        const bson::Value meta = e.value().Doc()["$meta"].value();
        if (!meta) Fail(15974, "$sort key ordering must be 1 (ascending) or -1 (descending)");
        if (meta.type() != bson::Type::kString) Fail(31138, "$meta must be a string");
        if (meta.Text() == "randVal") continue;  // any order will do
        Fail(40218,
             "query requires " + std::string(meta.Text()) + " metadata, but it is not available");
      }
      if (!e.value().IsNumber()) {
        Fail(15974, "Illegal key in $sort specification: " + std::string(e.name()));
      }
      double direction = ToDouble(e.value());
      if (e.type() == bson::Type::kDecimal128) direction = std::nearbyint(direction);
      if (!(direction == 1 || direction == -1)) {
        Fail(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
      }
      const std::string_view name = e.name();
      if (name.empty()) Fail(40352, "FieldPath cannot be constructed with empty string");
      Part part{Path(name), direction < 0, kept};
      for (const PathComponent& c : part.path.components()) {
        if (c.name.empty()) {
          Fail(name.back() == '.' ? 40353 : 15998,
               "FieldPath field names may not be empty strings.");
        }
        if (c.name[0] == '$') Fail(16410, "FieldPath field names may not start with '$'.");
      }
      pattern.parts_.push_back(std::move(part));
      if (pattern.parts_.size() > kSortFieldsMax) {
        Fail(13103, "too many compound keys in a sort: at most 32");
      }
    }
    return pattern;
  });
}

void SortPattern::BreakTiesById() {
  for (const Part& part : parts_) {
    if (part.path.text() == "_id" && part.collation == nullptr) return;
  }
  parts_.push_back({Path("_id"), !parts_.empty() && parts_.back().descending});
}

Status SortPattern::AppendKey(bson::Document doc, std::string* key) const {
  const uint8_t* array = nullptr;
  for (const Part& part : parts_) {
    if (parts_.size() > 1) {
      const uint8_t* own = ArrayOn(doc, part.path);
      if (own != nullptr && array != nullptr && own != array) {
        return Catch<bool>([&]() -> bool {
                 Fail(code::kBadValue, "cannot sort with keys that are parallel arrays");
               })
            .status();
      }
      if (own != nullptr) array = own;
    }
    if (part.path.size() == 1) {
      const bson::Value v = doc[part.path[0].name].value();
      if (v.type() != bson::Type::kArray) {
        query::AppendKey(v, part.descending ? KeyOrder::kDescending : KeyOrder::kAscending,
                         part.collation.get(), key);
        continue;
      }
    }
    Extreme extreme(part);
    VisitPath(doc, part.path, [&](const bson::Value& v, int64_t) {
      extreme.OfferLeaf(v);
      return false;
    });
    extreme.AppendTo(key);
  }
  return Status::Ok();
}

int SortPattern::Compare(bson::Document a, bson::Document b) const {
  std::string x;
  std::string y;
  const bool comparable = AppendKey(a, &x).ok() && AppendKey(b, &y).ok();
  return comparable ? x.compare(y) : 0;
}

}  // namespace nexadb::query
