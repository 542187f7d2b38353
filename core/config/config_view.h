// TableView: a validated table of the configuration, as nexadb::ConfigView.
//
// Copies nothing: the Value given to it must outlive it, unmoved. Thread-safe, as it is read-only.
#pragma once
#include <memory>
#include <vector>

#include "core/config/value.h"
#include "nexadb/config.h"

namespace nexadb::config {

class TableView final : public ConfigView {
 public:
  // REQUIRES: table.IsTable(), and Validate has run over it.
  explicit TableView(const Value& table);
  TableView(const TableView&) = delete;
  TableView& operator=(const TableView&) = delete;

  Result<bool> Bool(StringView key) const noexcept override;
  Result<int64_t> Integer(StringView key) const noexcept override;
  Result<double> Number(StringView key) const noexcept override;
  Result<StringView> Text(StringView key) const noexcept override;
  Result<uint64_t> Bytes(StringView key) const noexcept override;
  Result<uint64_t> Milliseconds(StringView key) const noexcept override;
  Result<const ConfigView*> Table(StringView key) const noexcept override;
  Result<uint64_t> TextCount(StringView key) const noexcept override;
  Result<StringView> TextAt(StringView key, uint64_t index) const noexcept override;
  uint64_t KeyCount() const noexcept override;
  StringView KeyAt(uint64_t index) const noexcept override;
  bool Has(StringView key) const noexcept override;
  StringView Where(StringView key) const noexcept override;

 private:
  // What `read` makes of the value of `key`, when it is of that kind.
  template <class T, class Read>
  Result<T> Get(std::string_view key, Value::Kind kind, Read&& read) const noexcept;

  const Value& table_;
  // The views of nested tables, made up front so that reading never allocates.
  std::vector<std::unique_ptr<TableView>> children_;  // one for each member, null for no table
};

}  // namespace nexadb::config
