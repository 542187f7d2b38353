// $regexMatch, $regexFind, $regexFindAll.
#include <optional>

#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/expression/text.h"
#include "plugins/database-document/match/regex.h"

namespace nexadb::query {
namespace {

constexpr int kBadOptions = 51108;

// The input's text and the expression; none when either is null.
struct Search {
  std::string_view text;
  Regex regex;
};

std::optional<Search> Prepare(const Args& a, std::string_view name) {
  const std::string op(name);
  const bson::Value input = a[0];
  const bson::Value regex = a[1];
  const bson::Value options = a[2];
  std::string_view pattern;
  std::string_view flags;
  if (regex.type() == bson::Type::kRegex) {
    pattern = regex.RegexPattern();
    flags = regex.RegexFlags();
  } else if (regex.type() == bson::Type::kString) {
    pattern = regex.Text();
  } else if (!regex.IsNullish()) {
    Fail(51105, op + " needs 'regex' to be of type string or regex");
  }
  if (!options.IsNullish()) {
    if (options.type() != bson::Type::kString) {
      Fail(51106, op + " needs 'options' to be of type string");
    }
    if (!flags.empty()) {
      Fail(51107, op + ": found regex option(s) specified in both 'regex' and 'option' fields");
    }
    flags = options.Text();
    if (flags.find('\0') != std::string_view::npos) {
      Fail(51110, op + ": regular expression options cannot contain an embedded null byte");
    }
  }
  if (pattern.find('\0') != std::string_view::npos) {
    Fail(51109, op + ": regular expression cannot contain an embedded null byte");
  }
  const bool input_null = input.IsNullish();
  if (!input_null && input.type() != bson::Type::kString) {
    Fail(51104, op + " needs 'input' to be of type string");
  }
  if (regex.IsNullish()) return std::nullopt;
  // Compiling takes far longer than reading the pattern.
  constexpr size_t kStepsPerByte = 16;
  Meter::Work(kStepsPerByte * (pattern.size() + 1));
  Regex compiled(pattern, flags, kBadOptions);
  if (input_null) return std::nullopt;
  return Search{input.Text(), std::move(compiled)};
}

OwnedValue Describe(std::string_view text, const std::vector<Regex::Group>& groups) {
  const auto part = [&](const Regex::Group& g) {
    return text.substr(static_cast<size_t>(g.start), static_cast<size_t>(g.size));
  };
  ArrayBuilder captures;
  for (size_t i = 1; i < groups.size(); ++i) {
    captures.Add(groups[i].start < 0 ? OwnedValue::Null().view()
                                     : OwnedValue::Text(part(groups[i])).view());
  }
  const int64_t before = CodePoints(text.substr(0, static_cast<size_t>(groups[0].start)));
  bson::Builder b;
  b.Text("match", part(groups[0])).Int32("idx", static_cast<int32_t>(before));
  b.Value("captures", captures.Finish().view());
  return OwnedValue::Object(b.Finish());
}

OwnedValue Match(const Args& a) {
  const std::optional<Search> search = Prepare(a, "$regexMatch");
  return Truth(search && search->regex.Search(search->text));
}

OwnedValue Find(const Args& a) {
  const std::optional<Search> search = Prepare(a, "$regexFind");
  std::vector<Regex::Group> groups;
  if (!search || !search->regex.Find(search->text, 0, &groups)) return OwnedValue::Null();
  return Describe(search->text, groups);
}

OwnedValue FindAll(const Args& a) {
  const std::optional<Search> search = Prepare(a, "$regexFindAll");
  ArrayBuilder out;
  if (!search) return out.Finish();
  std::vector<Regex::Group> groups;
  size_t from = 0;
  while (from <= search->text.size() && search->regex.Find(search->text, from, &groups)) {
    out.Add(Describe(search->text, groups).view());
    const auto end = static_cast<size_t>(groups[0].start + groups[0].size);
    // An empty match is stepped over by one character.
    from = groups[0].size > 0          ? end
           : end < search->text.size() ? end + CodePointSize(search->text, end)
                                       : end + 1;
  }
  return out.Finish();
}

constexpr NamedArgument kArguments[] = {{"input", 31022}, {"regex", 31023}, {"options", 0}};
constexpr NamedOperator kOperators[] = {
    {"$regexMatch", 51103, 31024, kArguments, Match},
    {"$regexFind", 51103, 31024, kArguments, Find},
    {"$regexFindAll", 51103, 31024, kArguments, FindAll},
};

}  // namespace

std::span<const NamedOperator> RegexOperators() { return kOperators; }

}  // namespace nexadb::query
