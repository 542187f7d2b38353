#include "plugins/database-document/expression/calendar.h"

#include <unicode/timezone.h>
#include <unicode/unistr.h>

namespace nexadb::query {

int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  year += FloorDiv(month - 1, 12);
  month = FloorMod(month - 1, 12) + 1;
  // Years that begin in March put the leap day last (H. Hinnant, "chrono-Compatible Low-Level Date
  // Algorithms").
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = FloorDiv(y, 400);
  const int64_t of_era = y - era * 400;
  const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1 - 719468;
}

Civil CivilFromMs(int64_t local_ms) {
  const int64_t days = FloorDiv(local_ms, kDayMs) + 719468;
  const int64_t rest = FloorMod(local_ms, kDayMs);
  const int64_t era = FloorDiv(days, 146097);
  const int64_t doe = days - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  Civil c;
  c.day = doy - (153 * mp + 2) / 5 + 1;
  c.month = mp < 10 ? mp + 3 : mp - 9;
  c.year = yoe + era * 400 + (c.month <= 2 ? 1 : 0);
  c.hour = rest / kHourMs;
  c.minute = rest / kMinuteMs % 60;
  c.second = rest / kSecondMs % 60;
  c.millisecond = rest % kSecondMs;
  return c;
}

int64_t MsFromCivil(const Civil& c) {
  return DaysFromCivil(c.year, c.month, c.day) * kDayMs + c.hour * kHourMs + c.minute * kMinuteMs +
         c.second * kSecondMs + c.millisecond;
}

int64_t DaysInMonth(int64_t year, int64_t month) {
  return DaysFromCivil(year, month + 1, 1) - DaysFromCivil(year, month, 1);
}

int64_t DayOfYear(int64_t local_ms) {
  return FloorDiv(local_ms, kDayMs) - DaysFromCivil(CivilFromMs(local_ms).year, 1, 1) + 1;
}

int64_t DayOfWeek(int64_t local_ms) {
  return FloorMod(FloorDiv(local_ms, kDayMs) + 4, 7) + 1;  // 1970-01-01 was a Thursday
}

int64_t Week(int64_t local_ms) { return (DayOfYear(local_ms) - DayOfWeek(local_ms) + 7) / 7; }

IsoWeekDate IsoWeekOf(int64_t local_ms) {
  const int64_t days = FloorDiv(local_ms, kDayMs);
  const int64_t day = FloorMod(days + 3, 7) + 1;
  // The week belongs to the year of its Thursday.
  const int64_t thursday = days - day + 4;
  const int64_t year = CivilFromMs(thursday * kDayMs).year;
  return {year, (thursday - DaysFromCivil(year, 1, 1)) / 7 + 1, day};
}

int64_t MsFromIsoWeek(int64_t year, int64_t week, int64_t day) {
  const int64_t fourth = DaysFromCivil(year, 1, 4);  // always in week 1
  const int64_t monday = fourth - FloorMod(fourth + 3, 7);
  return (monday + (week - 1) * 7 + day - 1) * kDayMs;
}

bool Zone::Find(std::string_view name, Zone* zone) {
  *zone = Zone();
  if (name == "UTC" || name == "GMT" || name == "Z") return true;
  if (!name.empty() && (name[0] == '+' || name[0] == '-')) {
    std::string digits;
    for (size_t i = 1; i < name.size(); ++i) {
      if (name[i] == ':' && i == 3 && name.size() == 6) continue;
      if (name[i] < '0' || name[i] > '9') return false;
      digits.push_back(name[i]);
    }
    if (digits.size() != 2 && digits.size() != 4) return false;
    int64_t minutes = (digits[0] - '0') * 600 + (digits[1] - '0') * 60;
    if (digits.size() == 4) minutes += (digits[2] - '0') * 10 + (digits[3] - '0');
    zone->fixed_ms_ = (name[0] == '-' ? -minutes : minutes) * kMinuteMs;
    return true;
  }
  if (name.empty()) return false;
  const icu::UnicodeString id = icu::UnicodeString::fromUTF8(
      icu::StringPiece(name.data(), static_cast<int32_t>(name.size())));
  std::shared_ptr<icu::TimeZone> found(icu::TimeZone::createTimeZone(id));
  icu::UnicodeString found_id;
  if (found == nullptr || found->getID(found_id) != id) return false;
  // ICU also takes "GMT+3" and three-letter names that the Olson data base does not have.
  if (*found == icu::TimeZone::getUnknown() || name.starts_with("GMT+") ||
      name.starts_with("GMT-")) {
    return false;
  }
  zone->zone_ = found;
  return true;
}

int64_t Zone::OffsetAt(int64_t utc_ms) const {
  if (zone_ == nullptr) return fixed_ms_;
  const auto* zone = static_cast<const icu::TimeZone*>(zone_.get());
  int32_t raw = 0;
  int32_t daylight = 0;
  UErrorCode error = U_ZERO_ERROR;
  zone->getOffset(static_cast<UDate>(utc_ms), false, raw, daylight, error);
  return raw + daylight;
}

int64_t Zone::ToUtc(int64_t local_ms) const {
  if (zone_ == nullptr) return local_ms - fixed_ms_;
  // The offset before a change gives the earlier instant of an overlap.
  const int64_t before = OffsetAt(local_ms - kDayMs);
  const int64_t guess = local_ms - before;
  if (OffsetAt(guess) == before) return guess;
  const int64_t after = OffsetAt(guess);
  const int64_t other = local_ms - after;
  return OffsetAt(other) == after ? other : guess;
}

}  // namespace nexadb::query
