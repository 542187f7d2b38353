// CSV (RFC 4180) for export and import.
//
// CsvReader is fed parts of a body as they come and hands out whole records; it holds one record at
// most. Quotes may hold separators, line ends and doubled quotes; a line may end in CR LF or LF; a
// byte order mark before the first record is dropped. One thread at a time.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::rest {

using CsvRecord = std::vector<std::string>;

class CsvReader {
 public:
  // `record_bytes_max`: a longer record fails with line_too_long.
  CsvReader(uint64_t record_bytes_max, std::function<Status(CsvRecord&&)> record)
      : record_bytes_max_(record_bytes_max), record_(std::move(record)) {}
  // The first failure of the record function or of the text itself (invalid_csv, with the line).
  Status Feed(std::string_view text);
  // The last record may lack its line end.
  Status End();
  uint64_t line() const { return line_; }

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted, kCarriageReturn };

  Status Step(char c);
  void EndField();
  Status EndRecord();
  Status Bad(std::string_view what) const;

  uint64_t record_bytes_max_;
  std::function<Status(CsvRecord&&)> record_;
  State state_ = State::kFieldStart;
  CsvRecord fields_;
  std::string field_;
  uint64_t record_bytes_ = 0;
  uint64_t line_ = 1;
  size_t mark_bytes_ = 0;  // of the byte order mark, seen so far
  bool started_ = false;
};

// Appends one field, quoted when it must be.
void AppendCsvField(std::string& out, std::string_view field);

}  // namespace nexadb::rest
