#include "plugins/api-rest/moments.h"

#include <algorithm>

#include "core/document/json.h"
#include "plugins/api-rest/members.h"

namespace nexadb::rest {
namespace {

constexpr std::string_view kMoments[] = {"_created_at", "_updated_at"};
constexpr std::string_view kMomentPaths[] = {"$_created_at", "$_updated_at"};
constexpr std::string_view kLogical[] = {"$and", "$or", "$nor"};
constexpr std::string_view kComparisons[] = {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp"};
constexpr std::string_view kListed[] = {"$in", "$nin"};
constexpr size_t kDateBytes = sizeof("2026-01-31") - 1;

template <size_t kCount>
bool IsOneOf(const std::string_view (&names)[kCount], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsMomentPath(const bson::Value& value) {
  return value.type() == bson::Type::kString && IsOneOf(kMomentPaths, value.Text());
}

// Copies a filter into `out`, member by member. `pointer` is where the copy has come to.
class Copier {
 public:
  explicit Copier(NotADate otherwise) : otherwise_(otherwise) {}

  Status Filter(bson::Document filter, bson::Builder& out, const std::string& pointer) {
    for (const bson::Element& element : filter) {
      const std::string here = pointer + "/" + std::string(element.name());
      Status status;
      if (IsOneOf(kMoments, element.name())) {
        status = Condition(element, out, here);
      } else if (IsOneOf(kLogical, element.name()) && element.type() == bson::Type::kArray) {
        out.OpenArray(element.name());
        status = Filters(element.value().Doc(), out, here);
        out.Close();
      } else if (element.name() == "$match" && element.type() == bson::Type::kObject) {
        out.OpenObject(element.name());
        status = Filter(element.value().Doc(), out, here);
        out.Close();
      } else if (element.name() == "$expr") {
        status = Expression(element, out, here);
      } else {
        out.Element(element);
      }
      if (!status.ok()) return status;
    }
    return {};
  }

 private:
  Status Filters(bson::Document filters, bson::Builder& out, const std::string& pointer) {
    for (const bson::Element& element : filters) {
      if (element.type() != bson::Type::kObject) {
        out.Element(element);
        continue;
      }
      out.OpenObject(element.name());
      Status status =
          Filter(element.value().Doc(), out, pointer + "/" + std::string(element.name()));
      out.Close();
      if (!status.ok()) return status;
    }
    return {};
  }

  // What a moment is compared with: a value, or an object of operators.
  Status Condition(const bson::Element& element, bson::Builder& out, const std::string& pointer) {
    const bool operators = element.type() == bson::Type::kObject &&
                           !element.value().Doc().empty() &&
                           (*element.value().Doc().begin()).name().starts_with('$');
    if (!operators) return Operand(element, out, pointer);
    out.OpenObject(element.name());
    for (const bson::Element& condition : element.value().Doc()) {
      const std::string here = pointer + "/" + std::string(condition.name());
      Status status;
      if (IsOneOf(kComparisons, condition.name())) {
        status = Operand(condition, out, here);
      } else if (condition.name() == "$not") {
        status = Condition(condition, out, here);
      } else if (IsOneOf(kListed, condition.name()) && condition.type() == bson::Type::kArray) {
        status = Operands(condition, out, here);
      } else {
        out.Element(condition);
      }
      if (!status.ok()) return status;
    }
    out.Close();
    return {};
  }

  Status Operands(const bson::Element& list, bson::Builder& out, const std::string& pointer) {
    out.OpenArray(list.name());
    for (const bson::Element& element : list.value().Doc()) {
      Status status = Operand(element, out, pointer + "/" + std::string(element.name()));
      if (!status.ok()) return status;
    }
    out.Close();
    return {};
  }

  Status Operand(const bson::Element& element, bson::Builder& out, const std::string& pointer) {
    int64_t unix_ms = 0;
    if (element.type() != bson::Type::kString) {
      out.Element(element);
    } else if (ParseMoment(element.value().Text(), unix_ms)) {
      out.DateMs(element.name(), unix_ms);
    } else if (otherwise_ == NotADate::kRefused) {
      return FailAt(ErrorId::kBadValue,
                    "_created_at and _updated_at are dates, which '" +
                        std::string(element.value().Text()) +
                        "' is not; write 2026-01-31 or 2026-01-31T12:00:00Z.",
                    pointer);
    } else {
      out.Element(element);
    }
    return {};
  }

  // {"$gte": ["$_created_at", "2026-01-31"]}, however deep.
  Status Expression(const bson::Element& element, bson::Builder& out, const std::string& pointer) {
    const bool array = element.type() == bson::Type::kArray;
    if ((!array && element.type() != bson::Type::kObject) || element.name() == "$literal") {
      out.Element(element);
      return {};
    }
    const bson::Document parts = element.value().Doc();
    bool compares = false;
    for (const bson::Element& part : parts) compares |= IsMomentPath(part.value());
    compares = compares && array && IsOneOf(kComparisons, element.name());
    array ? out.OpenArray(element.name()) : out.OpenObject(element.name());
    for (const bson::Element& part : parts) {
      const std::string here = pointer + "/" + std::string(part.name());
      const bool path = part.type() == bson::Type::kString && part.value().Text().starts_with('$');
      Status status = compares && !path && part.type() == bson::Type::kString
                          ? Operand(part, out, here)
                          : Expression(part, out, here);
      if (!status.ok()) return status;
    }
    out.Close();
    return {};
  }

  const NotADate otherwise_;
};

}  // namespace

bool ParseMoment(std::string_view text, int64_t& unix_ms) {
  if (text.size() != kDateBytes) return ParseRfc3339(text, unix_ms);
  return ParseRfc3339(std::string(text) + "T00:00:00Z", unix_ms);
}

Result<std::string> ReadMoments(bson::Document filter, NotADate otherwise) {
  const std::string_view text = AsText(filter.bytes());
  const bool named =
      std::any_of(std::begin(kMoments), std::end(kMoments),
                  [&](std::string_view name) { return text.find(name) != std::string_view::npos; });
  if (!named) return std::string(text);
  bson::Builder out;
  if (Status status = Copier(otherwise).Filter(filter, out, ""); !status.ok()) return status;
  return out.Finish();
}

}  // namespace nexadb::rest
