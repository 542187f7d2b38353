// Collation: how strings compare, by the rules of a language, as MongoDB's collation documents say:
// {locale: "de", strength: 2, …}. Rules come from ICU. A null pointer stands for the collation
// "simple", which compares bytes and costs nothing.
//
// Immutable, so any thread may use it. Two strings are equal exactly when their sort keys are, and
// sort keys as bytes have the order of the strings. Sort keys are those of one version of ICU: what
// is stored by them (an index) says which in its collation's `version`.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include <unicode/uversion.h>

#include "nexadb/bson.h"

U_NAMESPACE_BEGIN
class Collator;
U_NAMESPACE_END

namespace nexadb::query {

class Collation;
using CollationPtr = std::shared_ptr<const Collation>;

class Collation : public std::enable_shared_from_this<Collation> {
 public:
  // Null for the locale "simple" and for an empty document. Errors as MongoDB has them: 40414
  // without a locale, 40415 for an unknown member, 14 for a wrong type, 9 for options beside
  // "simple", 2 for a locale or a value that there is not.
  static Result<CollationPtr> Parse(bson::Document spec);
  ~Collation();
  Collation(const Collation&) = delete;
  Collation& operator=(const Collation&) = delete;

  // Negative, zero or positive.
  int Compare(std::string_view a, std::string_view b) const noexcept;
  void AppendSortKey(std::string_view text, std::string* out) const;
  // Every member, those left out with what the locale has for them, and ICU's version.
  bson::Document spec() const { return bson::Document(AsBytes(spec_)); }
  // The ICU whose sort keys these are: "72.1".
  static std::string_view Version();

 private:
  Collation(std::unique_ptr<icu::Collator> collator, std::string spec);
  std::unique_ptr<icu::Collator> collator_;
  std::string spec_;
};

// Whether they compare all strings alike.
bool SameCollation(const Collation* a, const Collation* b);

// Whether a collation has a say in how the value compares: it is a string, or holds one.
bool HasText(const bson::Value& value);

}  // namespace nexadb::query
