// The proleptic Gregorian calendar and time zones. Pure functions but for Zone, which asks ICU.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nexadb::query {

constexpr int64_t kSecondMs = 1000;
constexpr int64_t kMinuteMs = 60 * kSecondMs;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;

// Division that rounds toward minus infinity, and its remainder.
constexpr int64_t FloorDiv(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}
constexpr int64_t FloorMod(int64_t a, int64_t b) { return a - FloorDiv(a, b) * b; }

struct Civil {
  int64_t year = 1970;
  int64_t month = 1;
  int64_t day = 1;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t millisecond = 0;
};

// Days since 1970-01-01; month and day may lie outside their ranges and carry.
int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day);
Civil CivilFromMs(int64_t local_ms);
// Parts may lie outside their ranges and carry.
int64_t MsFromCivil(const Civil& civil);
int64_t DaysInMonth(int64_t year, int64_t month);
int64_t DayOfYear(int64_t local_ms);  // 1 to 366
int64_t DayOfWeek(int64_t local_ms);  // 1 Sunday to 7 Saturday
int64_t Week(int64_t local_ms);       // 0 to 53, weeks begin on Sunday
struct IsoWeekDate {
  int64_t year;
  int64_t week;
  int64_t day;  // 1 Monday to 7 Sunday
};
IsoWeekDate IsoWeekOf(int64_t local_ms);
int64_t MsFromIsoWeek(int64_t year, int64_t week, int64_t day);

// UTC, a fixed offset ("+05:30", "-08", "+0530"), or an Olson zone.
class Zone {
 public:
  Zone() = default;  // UTC
  // False when there is no such zone.
  static bool Find(std::string_view name, Zone* zone);
  // What to add to UTC at a time, in milliseconds.
  int64_t OffsetAt(int64_t utc_ms) const;
  int64_t ToLocal(int64_t utc_ms) const { return utc_ms + OffsetAt(utc_ms); }
  // The instant of a local time; in a gap the later, in an overlap the earlier offset's.
  int64_t ToUtc(int64_t local_ms) const;
  bool IsUtc() const { return zone_ == nullptr && fixed_ms_ == 0; }

 private:
  int64_t fixed_ms_ = 0;
  std::shared_ptr<const void> zone_;  // an icu::TimeZone
};

}  // namespace nexadb::query
