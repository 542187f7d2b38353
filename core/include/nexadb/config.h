// ConfigView: one table of the configuration, as a plugin sees it.
//
// The kernel has validated it against the schema in the plugin's manifest and filled in the
// defaults, so a key that the schema names is present with its type; asking for anything else is
// kNotFound or kInvalidArgument. Sizes ("64MiB") and durations ("100ms") are text in the file; a
// schema property with "format": "size" or "duration" is read with Bytes() and Milliseconds().
// Lives from Configure to Release. All methods [any].
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

class ConfigView {
 public:
  virtual Result<bool> Bool(StringView key) const noexcept = 0;
  virtual Result<int64_t> Integer(StringView key) const noexcept = 0;
  virtual Result<double> Number(StringView key) const noexcept = 0;
  virtual Result<StringView> Text(StringView key) const noexcept = 0;
  virtual Result<uint64_t> Bytes(StringView key) const noexcept = 0;
  virtual Result<uint64_t> Milliseconds(StringView key) const noexcept = 0;
  virtual Result<const ConfigView*> Table(StringView key) const noexcept = 0;
  // Arrays of text.
  virtual Result<uint64_t> TextCount(StringView key) const noexcept = 0;
  virtual Result<StringView> TextAt(StringView key, uint64_t index) const noexcept = 0;
  // The table's keys, for tables whose keys are the user's.
  virtual uint64_t KeyCount() const noexcept = 0;
  virtual StringView KeyAt(uint64_t index) const noexcept = 0;
  virtual bool Has(StringView key) const noexcept = 0;
  // Where the key stands, "nexadb.toml:14:3", or "default" or "environment". For messages.
  virtual StringView Where(StringView key) const noexcept = 0;

 protected:
  ~ConfigView() = default;
};

}  // namespace nexadb
