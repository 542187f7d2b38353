// Dates as text. The day arithmetic counts years from 1 March, which puts the leap day last.
#include "core/document/json.h"

namespace nexadb {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kDaysPer400Years = 146'097;
// From 0000-03-01 to 1970-01-01.
constexpr int64_t kEpochDay = 719'468;
constexpr int64_t kYear0Ms = -62'167'219'200'000;
constexpr int64_t kYear10000Ms = 253'402'300'800'000;

struct Day {
  int64_t year;
  int month;
  int day;
};

Day FromDays(int64_t days) {
  days += kEpochDay;
  const int64_t era = (days >= 0 ? days : days - (kDaysPer400Years - 1)) / kDaysPer400Years;
  const int64_t in_era = days - era * kDaysPer400Years;
  const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  const int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * in_year + 2) / 153;  // 0 is March
  const int64_t calendar_month = month < 10 ? month + 3 : month - 9;
  return {year + era * 400 + (calendar_month <= 2 ? 1 : 0), static_cast<int>(calendar_month),
          static_cast<int>(in_year - (153 * month + 2) / 5 + 1)};
}

int64_t ToDays(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t in_era = year - era * 400;
  const int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * kDaysPer400Years + in_era * 365 + in_era / 4 - in_era / 100 + in_year - kEpochDay;
}

int DaysIn(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Writes `value`, which is not negative, into kCount places at `out`, with leading zeros.
template <size_t kCount>
void PutDigits(char* out, int value) {
  auto left = static_cast<unsigned>(value);
  for (size_t i = kCount; i > 0; left /= 10) out[--i] = static_cast<char>('0' + left % 10);
}

// Takes exactly `count` digits off the front.
bool TakeDigits(std::string_view& text, size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".123456" → 123. True when there is no fraction.
bool TakeFraction(std::string_view& text, int& ms) {
  ms = 0;
  if (!Take(text, ".,")) return true;
  int scale = 100;
  size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits) {
    ms += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return digits >= 1 && digits <= 9;
}

// "Z", "+02:00", "+0200", "+02".
bool TakeOffset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (Take(text, "Zz")) return true;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return false;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hours = 0;
  int rest = 0;
  if (!TakeDigits(text, 2, hours) || hours > 23) return false;
  if (!text.empty()) {
    Take(text, ":");
    if (!TakeDigits(text, 2, rest) || rest > 59) return false;
  }
  minutes = sign * (hours * 60 + rest);
  return true;
}

}  // namespace

bool AppendRfc3339(std::string& out, int64_t unix_ms) {
  if (unix_ms < kYear0Ms || unix_ms >= kYear10000Ms) return false;
  const int64_t days = (unix_ms >= 0 ? unix_ms : unix_ms - (kDayMs - 1)) / kDayMs;
  const int ms = static_cast<int>(unix_ms - days * kDayMs);
  const Day day = FromDays(days);
  // By hand: every document that is answered has two of them, and printf takes 20 times as long.
  char text[] = "0000-00-00T00:00:00.000Z";
  PutDigits<4>(text, static_cast<int>(day.year));
  PutDigits<2>(text + 5, day.month);
  PutDigits<2>(text + 8, day.day);
  PutDigits<2>(text + 11, ms / 3'600'000);
  PutDigits<2>(text + 14, ms / 60'000 % 60);
  PutDigits<2>(text + 17, ms / 1000 % 60);
  PutDigits<3>(text + 20, ms % 1000);
  out.append(text, sizeof(text) - 1);
  return true;
}

bool ParseRfc3339(std::string_view text, int64_t& unix_ms) {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int ms = 0;
  int offset = 0;
  if (!TakeDigits(text, 4, year) || !Take(text, "-") || !TakeDigits(text, 2, month) ||
      !Take(text, "-") || !TakeDigits(text, 2, day) || !Take(text, "Tt ") ||
      !TakeDigits(text, 2, hour) || !Take(text, ":") || !TakeDigits(text, 2, minute)) {
    return false;
  }
  if (Take(text, ":") && (!TakeDigits(text, 2, second) || !TakeFraction(text, ms))) return false;
  if (!TakeOffset(text, offset) || !text.empty()) return false;
  if (month < 1 || month > 12 || day < 1 || day > DaysIn(year, month) || hour > 23 || minute > 59 ||
      second > 59) {
    return false;
  }
  unix_ms = ToDays(year, month, day) * kDayMs + hour * 3'600'000LL + (minute - offset) * 60'000LL +
            second * 1000LL + ms;
  return true;
}

}  // namespace nexadb
