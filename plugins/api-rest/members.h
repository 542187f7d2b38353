// Members: reads the members of a request's body by name and type.
//
// Borrows the document. Errors carry the JSON pointer of the member at fault.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/api-rest/problem.h"

namespace nexadb::rest {

class Members {
 public:
  explicit Members(bson::Document body) : body_(body) {}
  // unknown_option, with a suggestion, for a member that is not in `names`.
  Status Only(std::initializer_list<std::string_view> names) const;
  bool Has(std::string_view name) const { return static_cast<bool>(body_[name]); }
  bson::Value Get(std::string_view name) const { return body_[name].value(); }

  // type_mismatch or bad_value; absent or null gives `absent`.
  Result<int64_t> Integer(std::string_view name, int64_t absent, int64_t least, int64_t most) const;
  Result<double> Number(std::string_view name, double absent) const;
  Result<bool> Flag(std::string_view name, bool absent) const;
  Result<std::string_view> Text(std::string_view name, std::string_view absent) const;
  // The empty document when absent.
  Result<bson::Document> Object(std::string_view name) const;
  // missing_option when absent.
  Result<bson::Document> Array(std::string_view name) const;
  // An array of finite numbers; missing_option when absent, invalid_vector for anything else.
  Result<std::vector<float>> Vector(std::string_view name) const;

 private:
  bson::Document body_;
};

// A number of any BSON type but decimal as an integer. False when it is not integral.
bool AsInteger(const bson::Value& value, int64_t& out);
// `value`'s numbers onto `out`. False when it is not an array of numbers.
bool AppendFloats(const bson::Value& value, std::vector<float>& out);
inline bson::Document AsDocument(const std::string& bytes) {
  return bson::Document(AsBytes(bytes));
}
// A member of a reply that is known to be an integer; 0 when it is absent.
inline int64_t IntegerOf(bson::Document reply, std::string_view name) {
  int64_t number = 0;
  AsInteger(reply[name].value(), number);
  return number;
}
// A Status about one member: `pointer` says where.
Status FailAt(ErrorId id, std::string_view message, std::string_view pointer);

}  // namespace nexadb::rest
