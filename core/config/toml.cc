// TOML to Value, by toml++.
#include "core/config/parse.h"

#include <algorithm>
#include <stdexcept>

// toml++ 3.3 asserts on some malformed texts, for instance "[#", and without assertions it assumes
// that they cannot be: either way a typo would end the process. Here it throws instead.
namespace {
[[noreturn]] void TripAssertion() { throw std::logic_error("malformed"); }
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : TripAssertion())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace nexadb::config {
namespace {

std::string Position(std::string_view name, const toml::source_region& region) {
  return std::string(name) + ":" + std::to_string(region.begin.line) + ":" +
         std::to_string(region.begin.column);
}

class Converter {
 public:
  explicit Converter(std::string_view name) : name_(name) {}
  const std::string& error() const { return error_; }

  Value Convert(const toml::node& node, int depth) {
    Value value;
    value.where = Position(name_, node.source());
    if (depth > kNestingMax) {
      Fail(value.where, "nested too deeply");
    } else if (const auto* table = node.as_table()) {
      value.kind = Value::Kind::kTable;
      ConvertTable(*table, value, depth);
    } else if (const auto* array = node.as_array()) {
      value.kind = Value::Kind::kArray;
      for (const toml::node& item : *array) value.items.push_back(Convert(item, depth + 1));
    } else if (const auto* text = node.as_string()) {
      value.kind = Value::Kind::kText;
      value.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
      value.kind = Value::Kind::kInteger;
      value.integer = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
      value.kind = Value::Kind::kNumber;
      value.number = number->get();
    } else if (const auto* boolean = node.as_boolean()) {
      value.kind = Value::Kind::kBool;
      value.boolean = boolean->get();
    } else {
      Fail(value.where, "dates and times mean nothing here; write text in quotes");
    }
    return value;
  }

 private:
  void ConvertTable(const toml::table& table, Value& out, int depth) {
    // toml++ keeps keys sorted; the file's order is what users expect to see again.
    std::vector<std::pair<const toml::key*, const toml::node*>> rows;
    for (auto&& [key, node] : table) rows.emplace_back(&key, &node);
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      const auto& x = a.first->source().begin;
      const auto& y = b.first->source().begin;
      return std::pair(x.line, x.column) < std::pair(y.line, y.column);
    });
    for (const auto& [key, node] : rows) {
      out.members.push_back(
          {std::string(key->str()), Position(name_, key->source()), Convert(*node, depth + 1)});
    }
  }

  void Fail(const std::string& where, std::string_view message) {
    if (error_.empty()) error_ = where + ": " + std::string(message);
  }

  std::string_view name_;
  std::string error_;
};

Status Malformed(std::string_view where, std::string_view what) {
  return Status::Error(Code::kInvalidArgument, std::string(where) + ": " + std::string(what));
}

// An assertion has no position: it is in the first line with which the text trips it.
Status FindMalformedLine(std::string_view text, std::string_view name) {
  size_t end = 0;
  for (size_t line = 1; end < text.size(); ++line) {
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
    try {
      (void)toml::parse(text.substr(0, end), name);
    } catch (const toml::parse_error&) {
      continue;  // cut off within a value
    } catch (const std::logic_error&) {
      return Malformed(std::string(name) + ":" + std::to_string(line) + ":1",
                       "malformed table name or key");
    }
  }
  return Malformed(std::string(name) + ":1:1", "malformed");
}

}  // namespace

Result<Value> ParseToml(std::string_view text, std::string_view name) {
  try {
    const toml::table table = toml::parse(text, name);
    Converter converter(name);
    Value value = converter.Convert(table, 0);
    if (converter.error().empty()) return value;
    return Status::Error(Code::kInvalidArgument, converter.error());
  } catch (const toml::parse_error& error) {
    return Malformed(Position(name, error.source()), error.description());
  } catch (const std::logic_error&) {
    return FindMalformedLine(text, name);
  }
}

Value ParseTomlValue(std::string_view text, std::string_view where) {
  const bool one_line = text.find('\n') == std::string_view::npos;
  const std::string document = "value = " + std::string(text) + "\n";
  Result<Value> parsed = one_line ? ParseToml(document, where)
                                  : Result<Value>(Status::Error(Code::kInvalidArgument, "lines"));
  if (!parsed.ok()) return Value::Text(text, where);
  Value value = std::move(parsed->members.front().value);
  value.where = where;
  return value;
}

}  // namespace nexadb::config
