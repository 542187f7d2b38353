#include "plugins/api-rest/csv.h"

#include "plugins/api-rest/problem.h"

namespace nexadb::rest {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

Status CsvReader::Feed(std::string_view text) {
  for (const char c : text) {
    if (!started_) {
      if (mark_bytes_ < kByteOrderMark.size() && c == kByteOrderMark[mark_bytes_]) {
        if (++mark_bytes_ == kByteOrderMark.size()) started_ = true;
        continue;
      }
      started_ = true;
      // What looked like the start of a mark was text.
      for (size_t i = 0; i < mark_bytes_; ++i) {
        if (Status status = Step(kByteOrderMark[i]); !status.ok()) return status;
      }
    }
    if (Status status = Step(c); !status.ok()) return status;
  }
  return {};
}

Status CsvReader::Step(char c) {
  if (++record_bytes_ > record_bytes_max_) {
    return MakeError(ErrorId::kLineTooLong, "The record that ends after line " +
                                                std::to_string(line_) + " is longer than " +
                                                std::to_string(record_bytes_max_) + " bytes.");
  }
  if (c == '\n') ++line_;
  if (state_ == State::kCarriageReturn) {
    if (c != '\n') return Bad("a carriage return that no line feed follows");
    return EndRecord();
  }
  if (state_ == State::kQuoted) {
    if (c == '"') {
      state_ = State::kQuoteInQuoted;
    } else {
      field_.push_back(c);
    }
    return {};
  }
  if (state_ == State::kQuoteInQuoted && c == '"') {
    field_.push_back('"');
    state_ = State::kQuoted;
    return {};
  }
  switch (c) {
    case ',': EndField(); return {};
    case '\n': return EndRecord();
    case '\r': state_ = State::kCarriageReturn; return {};
    case '"':
      if (state_ != State::kFieldStart) return Bad("a quote within a field that is not quoted");
      state_ = State::kQuoted;
      return {};
    default: break;
  }
  if (state_ == State::kQuoteInQuoted) return Bad("text after a closing quote");
  field_.push_back(c);
  state_ = State::kPlain;
  return {};
}

void CsvReader::EndField() {
  fields_.push_back(std::move(field_));
  field_.clear();
  state_ = State::kFieldStart;
}

Status CsvReader::EndRecord() {
  const bool blank = fields_.empty() && field_.empty() && record_bytes_ <= 2;
  EndField();
  CsvRecord record = std::move(fields_);
  fields_.clear();
  record_bytes_ = 0;
  if (blank) return {};  // an empty line is no record
  return record_(std::move(record));
}

Status CsvReader::End() {
  if (state_ == State::kQuoted) return Bad("a quote that is never closed");
  if (record_bytes_ == 0) return {};
  return EndRecord();
}

Status CsvReader::Bad(std::string_view what) const {
  return MakeError(ErrorId::kInvalidCsv,
                   "The CSV has " + std::string(what) + " in line " + std::to_string(line_) + ".");
}

void AppendCsvField(std::string& out, std::string_view field) {
  const bool quote = field.find_first_of(",\"\r\n") != std::string_view::npos ||
                     field.starts_with(' ') || field.ends_with(' ');
  if (!quote) {
    out += field;
    return;
  }
  out.push_back('"');
  for (const char c : field) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace nexadb::rest
