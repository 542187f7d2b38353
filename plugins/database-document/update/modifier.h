// One operator applied to one path: how it makes the new value from the old. Operands are checked
// when a modifier is made; what depends on the old value is checked when it is applied.
// Throw QueryError.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "plugins/database-document/update/path_edit.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

class Modifier {
 public:
  virtual ~Modifier() = default;
  // REQUIRES: `old` is missing only when if_absent() is kCreate.
  virtual OwnedValue Apply(const bson::Value& old, std::string_view path) const = 0;
  virtual IfAbsent if_absent() const { return IfAbsent::kCreate; }
};

// Null for an operator that is no modifier of one value ($rename). Nodes keep copies of operands.
std::unique_ptr<Modifier> ParseModifier(std::string_view op, const bson::Element& operand,
                                        const ParseOptions& options);

}  // namespace nexadb::query
