#include "plugins/database-document/expression/date_format.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/document/json.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::query {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr size_t kShortName = 3;

std::string Padded(int64_t v, int width) {
  char text[32];
  std::snprintf(text, sizeof(text), "%0*lld", width, static_cast<long long>(v));
  return text;
}

std::string OffsetText(int64_t offset_ms) {
  const int64_t minutes = (offset_ms < 0 ? -offset_ms : offset_ms) / kMinuteMs;
  return (offset_ms < 0 ? "-" : "+") + Padded(minutes / 60, 2) + Padded(minutes % 60, 2);
}

[[noreturn]] void FailText(std::string_view text) {
  Fail(code::kConversionFailure, "Error parsing date string '" + std::string(text) + "'");
}

std::string Lowered(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// The month whose name, full or of three letters, `word` is; 0 for none.
int64_t MonthNamed(std::string_view word) {
  for (size_t i = 0; i < kMonths.size(); ++i) {
    const std::string name = Lowered(kMonths[i]);
    if (word == name || word == name.substr(0, kShortName)) return static_cast<int64_t>(i) + 1;
  }
  return 0;
}

class FormatReader {
 public:
  FormatReader(std::string_view text, std::string_view format) : text_(text), format_(format) {}

  int64_t Read(const Zone& zone, bool zone_given) {
    for (size_t i = 0; i < format_.size(); ++i) {
      if (format_[i] != '%') {
        Literal(format_[i]);
      } else if (i + 1 < format_.size()) {
        Specifier(format_[++i]);
      } else {
        Fail(18535, "Unmatched '%' at end of format string");
      }
    }
    if (at_ != text_.size()) FailText(text_);
    return Instant(zone, zone_given);
  }

 private:
  void Literal(char c) {
    if (at_ >= text_.size() || text_[at_] != c) FailText(text_);
    ++at_;
  }
  int64_t Number(size_t digits_max) {
    const size_t start = at_;
    int64_t v = 0;
    while (at_ < text_.size() && at_ - start < digits_max && text_[at_] >= '0' &&
           text_[at_] <= '9') {
      v = v * 10 + (text_[at_++] - '0');
    }
    if (at_ == start) FailText(text_);
    return v;
  }
  std::string Word() {
    const size_t start = at_;
    while (at_ < text_.size() && ((text_[at_] | 0x20) >= 'a' && (text_[at_] | 0x20) <= 'z')) ++at_;
    return Lowered(text_.substr(start, at_ - start));
  }
  void Specifier(char c) {
    switch (c) {
      case 'Y': civil_.year = Number(4); break;
      case 'm': civil_.month = Number(2); break;
      case 'd': civil_.day = Number(2); break;
      case 'H': civil_.hour = Number(2); break;
      case 'M': civil_.minute = Number(2); break;
      case 'S': civil_.second = Number(2); break;
      case 'L': civil_.millisecond = Number(3); break;
      case 'j': day_of_year_ = Number(3); break;
      case 'G': iso_year_ = Number(4); break;
      case 'V': iso_week_ = Number(2); break;
      case 'u': iso_day_ = Number(1); break;
      case 'b':
      case 'B':
        civil_.month = MonthNamed(Word());
        if (civil_.month == 0) FailText(text_);
        break;
      case 'z':
      case 'Z': Offset(c == 'Z'); break;
      case '%': Literal('%'); break;
      default: Fail(18536, std::string("Invalid format character '%") + c + "' in format string");
    }
  }
  void Offset(bool minutes) {
    has_offset_ = true;
    if (at_ < text_.size() && (text_[at_] == 'Z' || text_[at_] == 'z')) {
      ++at_;
      return;
    }
    if (at_ >= text_.size() || (text_[at_] != '+' && text_[at_] != '-')) FailText(text_);
    const int64_t sign = text_[at_++] == '-' ? -1 : 1;
    if (minutes) {
      offset_ms_ = sign * Number(4) * kMinuteMs;
      return;
    }
    offset_ms_ = Number(2) * kHourMs;
    if (at_ < text_.size() && text_[at_] == ':') ++at_;
    if (at_ < text_.size()) offset_ms_ += Number(2) * kMinuteMs;
    offset_ms_ *= sign;
  }
  int64_t Instant(const Zone& zone, bool zone_given) const {
    int64_t local = 0;
    const bool good = civil_.month >= 1 && civil_.month <= 12 && civil_.day >= 1 &&
                      civil_.day <= DaysInMonth(civil_.year, civil_.month) && civil_.hour < 24 &&
                      civil_.minute < 60 && civil_.second < 60;
    if (!good) FailText(text_);
    if (iso_year_ >= 0) {
      Civil time = civil_;
      time.year = 1970;
      time.month = time.day = 1;
      local = MsFromIsoWeek(iso_year_, iso_week_, iso_day_) + MsFromCivil(time);
    } else {
      local = MsFromCivil(civil_);
      if (day_of_year_ > 0) local += (day_of_year_ - DayOfYear(local)) * kDayMs;
    }
    if (!has_offset_) return zone.ToUtc(local);
    if (zone_given) {
      Fail(code::kConversionFailure,
           "you cannot pass in a date/time string with time zone information together with a "
           "timezone argument");
    }
    return local - offset_ms_;
  }

  std::string_view text_;
  std::string_view format_;
  size_t at_ = 0;
  Civil civil_;
  int64_t day_of_year_ = 0;
  int64_t iso_year_ = -1;
  int64_t iso_week_ = 1;
  int64_t iso_day_ = 1;
  int64_t offset_ms_ = 0;
  bool has_offset_ = false;
};

// "oct 20 2020", "20 October 2020", "October 20, 2020".
bool ParseNamedMonth(std::string_view text, Civil* civil) {
  std::vector<std::string> words;
  for (const char c : Lowered(text)) {
    const bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!part && c != ' ' && c != ',') return false;
    if (words.empty() || !part) {
      if (part || !words.empty()) words.emplace_back();
    }
    if (part) words.back().push_back(c);
  }
  std::erase(words, "");
  if (words.size() != 3) return false;
  const size_t month_at = MonthNamed(words[0]) != 0 ? 0 : 1;
  civil->month = MonthNamed(words[month_at]);
  const std::string& day = words[1 - month_at];
  const std::string& year = words[2];
  if (civil->month == 0 || day.size() > 2 || year.size() != 4) return false;
  civil->day = std::strtol(day.c_str(), nullptr, 10);
  civil->year = std::strtol(year.c_str(), nullptr, 10);
  return civil->day >= 1 && civil->day <= DaysInMonth(civil->year, civil->month);
}

}  // namespace

void CheckDateFormat(std::string_view format) {
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size()) Fail(18535, "Unmatched '%' at end of format string");
    if (std::string_view("YmdHMSLjGVuUwbBzZ%").find(format[i]) == std::string_view::npos) {
      Fail(18536, std::string("Invalid format character '%") + format[i] + "' in format string");
    }
  }
}

std::string FormatDate(int64_t utc_ms, const Zone& zone, std::string_view format) {
  const int64_t offset = zone.OffsetAt(utc_ms);
  const int64_t local = utc_ms + offset;
  const Civil c = CivilFromMs(local);
  if (c.year < 0 || c.year > 9999) {
    Fail(18537, "Could not convert date to string: the year is out of the range 0 to 9999");
  }
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out.push_back(format[i]);
      continue;
    }
    switch (format[++i]) {
      case 'Y': out += Padded(c.year, 4); break;
      case 'm': out += Padded(c.month, 2); break;
      case 'd': out += Padded(c.day, 2); break;
      case 'H': out += Padded(c.hour, 2); break;
      case 'M': out += Padded(c.minute, 2); break;
      case 'S': out += Padded(c.second, 2); break;
      case 'L': out += Padded(c.millisecond, 3); break;
      case 'j': out += Padded(DayOfYear(local), 3); break;
      case 'G': out += Padded(IsoWeekOf(local).year, 4); break;
      case 'V': out += Padded(IsoWeekOf(local).week, 2); break;
      case 'u': out += Padded(IsoWeekOf(local).day, 1); break;
      case 'U': out += Padded(Week(local), 2); break;
      case 'w': out += Padded(DayOfWeek(local), 1); break;
      case 'b': out += kMonths[static_cast<size_t>(c.month - 1)].substr(0, kShortName); break;
      case 'B': out += kMonths[static_cast<size_t>(c.month - 1)]; break;
      case 'z': out += OffsetText(offset); break;
      case 'Z': out += std::to_string(offset / kMinuteMs); break;
      default: out.push_back('%');
    }
  }
  return out;
}

int64_t ParseDate(std::string_view text, std::string_view format, const Zone& zone,
                  bool zone_given) {
  if (!format.empty()) return FormatReader(text, format).Read(zone, zone_given);
  int64_t ms = 0;
  Civil civil;
  if (ParseNamedMonth(text, &civil)) return zone.ToUtc(MsFromCivil(civil));
  if (ParseRfc3339(text, ms)) {
    if (zone_given) {
      Fail(code::kConversionFailure,
           "you cannot pass in a date/time string with time zone information ('" +
               std::string(text) + "') together with a timezone argument");
    }
    return ms;
  }
  const std::string day = text.size() == 10 ? std::string(text) + "T00:00:00Z" : std::string();
  if ((!day.empty() && ParseRfc3339(day, ms)) || ParseRfc3339(std::string(text) + "Z", ms)) {
    return zone.ToUtc(ms);
  }
  FailText(text);
}

}  // namespace nexadb::query
