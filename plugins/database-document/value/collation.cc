#include "plugins/database-document/value/collation.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include <unicode/coll.h>
#include <unicode/locid.h>
#include <unicode/unistr.h>

#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr std::string_view kSimple = "simple";
constexpr std::string_view kOwner = "collation";

// A member's value, and what ICU calls it.
struct Choice {
  std::string_view name;
  UColAttributeValue value;
};
constexpr Choice kFlags[] = {{"false", UCOL_OFF}, {"true", UCOL_ON}};
constexpr Choice kCaseFirst[] = {
    {"off", UCOL_OFF}, {"upper", UCOL_UPPER_FIRST}, {"lower", UCOL_LOWER_FIRST}};
constexpr Choice kAlternate[] = {{"non-ignorable", UCOL_NON_IGNORABLE}, {"shifted", UCOL_SHIFTED}};
constexpr Choice kStrength[] = {{"1", UCOL_PRIMARY},
                                {"2", UCOL_SECONDARY},
                                {"3", UCOL_TERTIARY},
                                {"4", UCOL_QUATERNARY},
                                {"5", UCOL_IDENTICAL}};

enum class Kind { kText, kFlag, kNumber };
// The members of a collation document, in the order in which they are shown.
struct Member {
  std::string_view name;
  Kind kind;
  std::optional<UColAttribute> attribute;  // none: not one of ICU's attributes
  std::span<const Choice> choices;
};
constexpr Member kMembers[] = {
    {"locale", Kind::kText, std::nullopt, {}},
    {"caseLevel", Kind::kFlag, UCOL_CASE_LEVEL, kFlags},
    {"caseFirst", Kind::kText, UCOL_CASE_FIRST, kCaseFirst},
    {"strength", Kind::kNumber, UCOL_STRENGTH, kStrength},
    {"numericOrdering", Kind::kFlag, UCOL_NUMERIC_COLLATION, kFlags},
    {"alternate", Kind::kText, UCOL_ALTERNATE_HANDLING, kAlternate},
    {"maxVariable", Kind::kText, std::nullopt, {}},
    {"normalization", Kind::kFlag, UCOL_NORMALIZATION_MODE, kFlags},
    {"backwards", Kind::kFlag, UCOL_FRENCH_COLLATION, kFlags},
    {"version", Kind::kText, std::nullopt, {}},
};

[[noreturn]] void BadValue(const std::string& message) {
  Fail(code::kBadValue, "collation: " + message);
}

void CheckType(const Member& member, const bson::Value& value) {
  const bool fits = member.kind == Kind::kText   ? value.type() == bson::Type::kString
                    : member.kind == Kind::kFlag ? value.type() == bson::Type::kBool
                                                 : value.IsNumber();
  if (fits) return;
  const std::string_view wanted = member.kind == Kind::kText   ? "string"
                                  : member.kind == Kind::kFlag ? "bool"
                                                               : "int";
  Fail(code::kTypeMismatch, "BSON field '" + std::string(kOwner) + "." + std::string(member.name) +
                                "' is the wrong type '" + std::string(TypeName(value.type())) +
                                "', expected type '" + std::string(wanted) + "'");
}

void CheckMembers(bson::Document spec) {
  for (const bson::Element& e : spec) {
    const auto* member = std::find_if(std::begin(kMembers), std::end(kMembers),
                                      [&](const Member& m) { return m.name == e.name(); });
    if (member == std::end(kMembers)) {
      Fail(code::kUnknownField, "BSON field '" + std::string(kOwner) + "." + std::string(e.name()) +
                                    "' is an unknown field.");
    }
    if (!e.value().IsNullish()) CheckType(*member, e.value());
  }
  if (spec["locale"].value().IsNullish()) {
    Fail(code::kMissingField, "BSON field 'collation.locale' is missing but a required field");
  }
}

// What a member says, as the name of a choice.
std::string TextOf(const Member& member, const bson::Value& value) {
  if (member.kind == Kind::kText) return std::string(value.Text());
  if (member.kind == Kind::kFlag) return value.Bool() ? "true" : "false";
  const double number = std::nearbyint(ToDouble(value));
  return number >= 1 && number <= 5 ? std::to_string(static_cast<int>(number)) : "out of range";
}

// The collator of a locale's own rules. ICU answers for any name at all with the root's rules;
// only names that it really has are taken.
std::unique_ptr<icu::Collator> OpenLocale(const std::string& name) {
  const auto unknown = [&] { BadValue("'locale' is not valid: '" + name + "'"); };
  if (name.empty() || name.find('\0') != std::string::npos) unknown();
  const icu::Locale locale = icu::Locale::createFromName(name.c_str());
  if (locale.isBogus() || name != locale.getName()) unknown();
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::Collator> collator(icu::Collator::createInstance(locale, status));
  if (U_FAILURE(status) != 0 || collator == nullptr) unknown();
  const icu::Locale valid = collator->getLocale(ULOC_VALID_LOCALE, status);
  // Of a language that it does not know, ICU names none.
  if (U_FAILURE(status) != 0 || std::string_view(valid.getName()).empty()) unknown();
  return collator;
}

void Apply(const Member& member, const bson::Value& value, icu::Collator* collator) {
  const std::string text = TextOf(member, value);
  UErrorCode status = U_ZERO_ERROR;
  if (member.name == "maxVariable") {
    if (text != "punct" && text != "space") {
      BadValue("'maxVariable' is 'punct' or 'space', not '" + text + "'");
    }
    collator->setMaxVariable(
        text == "punct" ? UCOL_REORDER_CODE_PUNCTUATION : UCOL_REORDER_CODE_SPACE, status);
  } else if (member.attribute) {
    const auto choice = std::find_if(member.choices.begin(), member.choices.end(),
                                     [&](const Choice& c) { return c.name == text; });
    if (choice == member.choices.end()) {
      BadValue("'" + std::string(member.name) + "' has no value '" + text + "'");
    }
    collator->setAttribute(*member.attribute, choice->value, status);
  }
  if (U_FAILURE(status) != 0) BadValue("ICU refuses '" + std::string(member.name) + "'");
}

UColAttributeValue AttributeOf(const icu::Collator& collator, UColAttribute attribute) {
  UErrorCode status = U_ZERO_ERROR;
  const UColAttributeValue value = collator.getAttribute(attribute, status);
  if (U_FAILURE(status) != 0) BadValue("ICU does not tell an attribute");
  return value;
}

// Options that are written and would do nothing are mistakes.
void CheckCombination(bson::Document spec, const icu::Collator& collator) {
  const UColAttributeValue strength = AttributeOf(collator, UCOL_STRENGTH);
  const bool weak = strength == UCOL_PRIMARY || strength == UCOL_SECONDARY;
  const bool backwards = AttributeOf(collator, UCOL_FRENCH_COLLATION) == UCOL_ON;
  if (spec["backwards"] && backwards && strength == UCOL_PRIMARY) {
    BadValue("'backwards' is invalid with 'strength' of 1");
  }
  if (spec["caseFirst"] && AttributeOf(collator, UCOL_CASE_FIRST) != UCOL_OFF && weak &&
      AttributeOf(collator, UCOL_CASE_LEVEL) == UCOL_OFF) {
    BadValue("'caseFirst' is invalid unless 'caseLevel' is on or 'strength' is greater than 2");
  }
}

std::string Describe(const std::string& locale, const icu::Collator& collator) {
  bson::Builder out;
  for (const Member& member : kMembers) {
    if (member.name == "locale") {
      out.Text("locale", locale);
    } else if (member.name == "version") {
      out.Text("version", Collation::Version());
    } else if (member.name == "maxVariable") {
      const bool space = collator.getMaxVariable() == UCOL_REORDER_CODE_SPACE;
      out.Text("maxVariable", space ? "space" : "punct");
    } else {
      const UColAttributeValue value = AttributeOf(collator, *member.attribute);
      const auto choice = std::find_if(member.choices.begin(), member.choices.end(),
                                       [&](const Choice& c) { return c.value == value; });
      const auto at = static_cast<int32_t>(choice - member.choices.begin());
      switch (member.kind) {
        case Kind::kFlag: out.Bool(member.name, value == UCOL_ON); break;
        case Kind::kNumber: out.Int32(member.name, at + 1); break;
        case Kind::kText: out.Text(member.name, choice->name); break;
      }
    }
  }
  return out.Finish();
}

icu::StringPiece Piece(std::string_view text) {
  return {text.data(), static_cast<int32_t>(text.size())};
}

}  // namespace

Collation::Collation(std::unique_ptr<icu::Collator> collator, std::string spec)
    : collator_(std::move(collator)), spec_(std::move(spec)) {}
Collation::~Collation() = default;

std::string_view Collation::Version() { return U_ICU_VERSION; }

Result<CollationPtr> Collation::Parse(bson::Document spec) {
  return Catch<CollationPtr>([&]() -> CollationPtr {
    if (spec.empty()) return nullptr;
    CheckMembers(spec);
    const std::string locale(spec["locale"].value().Text());
    if (locale == kSimple) {
      if (spec.CountElements() == 1) return nullptr;
      Fail(code::kFailedToParse, "collation: the locale 'simple' takes no other options");
    }
    std::unique_ptr<icu::Collator> collator = OpenLocale(locale);
    for (const Member& member : kMembers) {
      const bson::Value value = spec[member.name].value();
      if (!value.IsNullish()) Apply(member, value, collator.get());
    }
    CheckCombination(spec, *collator);
    std::string full = Describe(locale, *collator);
    return CollationPtr(new Collation(std::move(collator), std::move(full)));
  });
}

int Collation::Compare(std::string_view a, std::string_view b) const noexcept {
  UErrorCode status = U_ZERO_ERROR;
  const UCollationResult order = collator_->compareUTF8(Piece(a), Piece(b), status);
  return static_cast<int>(order);
}

void Collation::AppendSortKey(std::string_view text, std::string* out) const {
  const icu::UnicodeString wide = icu::UnicodeString::fromUTF8(Piece(text));
  const size_t start = out->size();
  // Most keys are not longer than this; ICU says how long the others are.
  out->resize(start + 3 * text.size() + 16);
  const auto write = [&] {
    return collator_->getSortKey(wide, reinterpret_cast<uint8_t*>(out->data() + start),
                                 static_cast<int32_t>(out->size() - start));
  };
  int32_t size = write();
  if (static_cast<size_t>(size) > out->size() - start) {
    out->resize(start + static_cast<size_t>(size));
    size = write();
  }
  out->resize(start + static_cast<size_t>(size) - 1);  // without the NUL at its end
}

bool SameCollation(const Collation* a, const Collation* b) {
  if (a == b) return true;
  return a != nullptr && b != nullptr && AsText(a->spec().bytes()) == AsText(b->spec().bytes());
}

bool HasText(const bson::Value& value) {
  switch (value.type()) {
    case bson::Type::kString:
    case bson::Type::kSymbol: return true;
    case bson::Type::kObject:
    case bson::Type::kArray:
      for (const bson::Element& e : value.Doc()) {
        if (HasText(e.value())) return true;
      }
      return false;
    default: return false;
  }
}

}  // namespace nexadb::query
