// Date operators.
#include <algorithm>
#include <cmath>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/calendar.h"
#include "plugins/database-document/expression/date_format.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

using bson::Type;

std::string NameOf(const bson::Value& v) { return std::string(TypeName(v.type())); }

// A date, a timestamp, or an ObjectId, as milliseconds.
std::optional<int64_t> Instant(const bson::Value& v) {
  switch (v.type()) {
    case Type::kDate: return v.DateMs();
    case Type::kTimestamp: return static_cast<int64_t>(v.Timestamp() >> 32) * kSecondMs;
    case Type::kObjectId: {
      const BytesView id = v.ObjectId();
      const uint32_t seconds = static_cast<uint32_t>(id[0]) << 24 |
                               static_cast<uint32_t>(id[1]) << 16 |
                               static_cast<uint32_t>(id[2]) << 8 | id[3];
      return static_cast<int64_t>(static_cast<int32_t>(seconds)) * kSecondMs;
    }
    default: return std::nullopt;
  }
}

int64_t RequireInstant(const bson::Value& v, int number, std::string_view op) {
  const std::optional<int64_t> ms = Instant(v);
  if (!ms) {
    Fail(number, std::string(op) + ": can't convert from BSON type " + NameOf(v) + " to Date");
  }
  return *ms;
}

// Argument i, or UTC when it was not given. False for null: the result is null.
bool ZoneOf(const Args& a, size_t i, Zone* zone) {
  if (!a.Given(i)) return true;
  if (a[i].IsNullish()) return false;
  if (a[i].type() != Type::kString) {
    Fail(40517, "timezone must evaluate to a string, found " + NameOf(a[i]));
  }
  if (!Zone::Find(a[i].Text(), zone)) {
    Fail(40485, "unrecognized time zone identifier: \"" + std::string(a[i].Text()) + "\"");
  }
  return true;
}

// --- $year, $month, … : {$op: date} or {$op: {date, timezone}}

using PartFunction = OwnedValue (*)(int64_t local_ms);

OwnedValue Int(int64_t v) { return OwnedValue::Int32(static_cast<int32_t>(v)); }

class PartExpr final : public ExpressionNode {
 public:
  PartExpr(PartFunction part, ExprPtr date, ExprPtr zone)
      : part_(part), date_(std::move(date)), zone_(std::move(zone)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue date = date_->Eval(context);
    Zone zone;
    if (zone_ != nullptr) {
      const OwnedValue name = zone_->Eval(context);
      const OwnedValue values[] = {name};
      if (!ZoneOf(Args(values, 1), 0, &zone)) return OwnedValue::Null();
    }
    if (date.IsNullish()) return OwnedValue::Null();
    return part_(zone.ToLocal(RequireInstant(date.view(), 16006, "date operator")));
  }

 private:
  PartFunction part_;
  ExprPtr date_;
  ExprPtr zone_;
};

template <PartFunction kPart>
ExprPtr ParsePart(ExpressionParser& parser, const bson::Value& operand) {
  bson::Value date = operand;
  ExprPtr zone;
  const bool object = operand.type() == Type::kObject &&
                      (operand.Doc().empty() || !operand.Doc().begin()->name().starts_with('$'));
  if (object) {
    date = {};
    for (const bson::Element& e : operand.Doc()) {
      if (e.name() == "date") {
        date = e.value();
      } else if (e.name() == "timezone") {
        zone = parser.Parse(e.value());
      } else {
        Fail(40535, "unrecognized option to a date operator: \"" + std::string(e.name()) + "\"");
      }
    }
    if (!date) Fail(40539, "missing 'date' argument to a date operator");
  } else if (operand.type() == Type::kArray) {
    if (operand.Doc().CountElements() != 1) {
      Fail(40536, "a date operator accepts exactly one argument if given an array");
    }
    date = operand.Doc().begin()->value();
  }
  ExprPtr parsed = parser.Parse(date);
  const bool constant = parsed->IsConstant() && (zone == nullptr || zone->IsConstant());
  return parser.Fold(std::make_unique<PartExpr>(kPart, std::move(parsed), std::move(zone)),
                     constant);
}

OwnedValue YearOf(int64_t ms) { return Int(CivilFromMs(ms).year); }
OwnedValue MonthOf(int64_t ms) { return Int(CivilFromMs(ms).month); }
OwnedValue DayOf(int64_t ms) { return Int(CivilFromMs(ms).day); }
OwnedValue HourOf(int64_t ms) { return Int(CivilFromMs(ms).hour); }
OwnedValue MinuteOf(int64_t ms) { return Int(CivilFromMs(ms).minute); }
OwnedValue SecondOf(int64_t ms) { return Int(CivilFromMs(ms).second); }
OwnedValue MillisecondOf(int64_t ms) { return Int(CivilFromMs(ms).millisecond); }
OwnedValue DayOfYearOf(int64_t ms) { return Int(DayOfYear(ms)); }
OwnedValue DayOfWeekOf(int64_t ms) { return Int(DayOfWeek(ms)); }
OwnedValue WeekOf(int64_t ms) { return Int(Week(ms)); }
OwnedValue IsoDayOf(int64_t ms) { return Int(IsoWeekOf(ms).day); }
OwnedValue IsoWeekNumberOf(int64_t ms) { return Int(IsoWeekOf(ms).week); }
OwnedValue IsoYearOf(int64_t ms) { return OwnedValue::Int64(IsoWeekOf(ms).year); }

constexpr SpecialOperator kParts[] = {
    {"$year", ParsePart<YearOf>},
    {"$month", ParsePart<MonthOf>},
    {"$dayOfMonth", ParsePart<DayOf>},
    {"$hour", ParsePart<HourOf>},
    {"$minute", ParsePart<MinuteOf>},
    {"$second", ParsePart<SecondOf>},
    {"$millisecond", ParsePart<MillisecondOf>},
    {"$dayOfYear", ParsePart<DayOfYearOf>},
    {"$dayOfWeek", ParsePart<DayOfWeekOf>},
    {"$week", ParsePart<WeekOf>},
    {"$isoDayOfWeek", ParsePart<IsoDayOf>},
    {"$isoWeek", ParsePart<IsoWeekNumberOf>},
    {"$isoWeekYear", ParsePart<IsoYearOf>},
};

// --- $dateToParts, $dateFromParts

OwnedValue ToParts(const Args& a) {
  if (a.Given(2) && !a[2].IsNullish() && a[2].type() != Type::kBool) {
    Fail(40521, "iso8601 must evaluate to a bool, found " + NameOf(a[2]));
  }
  Zone zone;
  const bool has_zone = ZoneOf(a, 1, &zone);
  if (!has_zone || a[0].IsNullish() || (a.Given(2) && a[2].IsNullish())) {
    return OwnedValue::Null();
  }
  const int64_t local = zone.ToLocal(RequireInstant(a[0], 16006, "$dateToParts"));
  const Civil c = CivilFromMs(local);
  bson::Builder b;
  const auto put = [&](const char* name, int64_t v) { b.Int32(name, static_cast<int32_t>(v)); };
  if (a.Given(2) && a[2].Bool()) {
    const IsoWeekDate iso = IsoWeekOf(local);
    put("isoWeekYear", iso.year);
    put("isoWeek", iso.week);
    put("isoDayOfWeek", iso.day);
  } else {
    put("year", c.year);
    put("month", c.month);
    put("day", c.day);
  }
  put("hour", c.hour);
  put("minute", c.minute);
  put("second", c.second);
  put("millisecond", c.millisecond);
  return OwnedValue::Object(b.Finish());
}

constexpr std::string_view kPartNames[] = {"year",        "month",   "day",         "hour",
                                           "minute",      "second",  "millisecond", "timezone",
                                           "isoWeekYear", "isoWeek", "isoDayOfWeek"};

OwnedValue FromParts(const Args& a) {
  int64_t parts[11] = {1970, 1, 1, 0, 0, 0, 0, 0, 1970, 1, 1};
  const bool iso = a.Given(8);
  Zone zone;
  bool nullish = !ZoneOf(a, 7, &zone);
  for (size_t i = 0; i < 11; ++i) {
    if (i == 7 || !a.Given(i)) continue;
    if (a[i].IsNullish()) {
      nullish = true;
      continue;
    }
    const std::optional<int64_t> n = a[i].IsNumber() ? ExactInt64(a[i]) : std::nullopt;
    if (!n) {
      Fail(40515, "'" + std::string(kPartNames[i]) + "' must evaluate to an integer, found " +
                      NameOf(a[i]));
    }
    const bool year = i == 0 || i == 8;
    if (year && (*n < 1 || *n > 9999)) {
      Fail(i == 0 ? 40523 : 31095, "'" + std::string(kPartNames[i]) +
                                       "' must evaluate to an integer in the range 1 to 9999");
    }
    constexpr int64_t kMonthsMax = 32767;
    constexpr int64_t kMillisecondsMax = int64_t{1} << 52;  // sums stay within 64 bits
    if (!year && (i >= 9 || i <= 4) && (*n > kMonthsMax || *n < -kMonthsMax - 1)) {
      Fail(31034, "'" + std::string(kPartNames[i]) + "' must evaluate to a value in the range " +
                      "[-32768, 32767]");
    }
    if (*n > kMillisecondsMax / kSecondMs || *n < -kMillisecondsMax / kSecondMs) {
      Fail(31034, "'" + std::string(kPartNames[i]) + "' is out of range");
    }
    parts[i] = *n;
  }
  if (nullish) return OwnedValue::Null();
  Civil c{parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]};
  int64_t local = 0;
  if (iso) {
    c.year = 1970;
    c.month = c.day = 1;
    local = MsFromIsoWeek(parts[8], parts[9], parts[10]) + MsFromCivil(c);
  } else {
    local = MsFromCivil(c);
  }
  return OwnedValue::Date(zone.ToUtc(local));
}

class FromPartsExpr final : public ExpressionNode {
 public:
  FromPartsExpr(std::vector<ExprPtr> parts, uint32_t given)
      : parts_(std::move(parts)), given_(given) {}
  OwnedValue Eval(EvalContext& context) const override {
    std::vector<OwnedValue> values(parts_.size());
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i] != nullptr) values[i] = parts_[i]->Eval(context);
    }
    return FromParts(Args(values, given_));
  }

 private:
  std::vector<ExprPtr> parts_;
  uint32_t given_;
};

ExprPtr ParseFromParts(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != Type::kObject) {
    Fail(40519, "$dateFromParts only supports an object as its argument");
  }
  std::vector<ExprPtr> parts(std::size(kPartNames));
  uint32_t given = 0;
  bool constant = true;
  for (const bson::Element& e : operand.Doc()) {
    const auto* at = std::find(std::begin(kPartNames), std::end(kPartNames), e.name());
    if (at == std::end(kPartNames)) {
      Fail(40518, "Unrecognized argument to $dateFromParts: " + std::string(e.name()));
    }
    const auto i = static_cast<size_t>(at - std::begin(kPartNames));
    parts[i] = parser.Parse(e.value());
    given |= uint32_t{1} << i;
    constant = constant && parts[i]->IsConstant();
  }
  const bool calendar = (given & 0x7) != 0;
  const bool iso = (given & 0x700) != 0;
  if (parts[0] == nullptr && parts[8] == nullptr) {
    Fail(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
  }
  if (calendar && iso) {
    Fail(parts[0] != nullptr ? 40489 : 40525,
         "$dateFromParts does not allow mixing natural dates with ISO dates");
  }
  return parser.Fold(std::make_unique<FromPartsExpr>(std::move(parts), given), constant);
}

// --- $dateToString, $dateFromString

OwnedValue ToStringOp(const Args& a) {
  constexpr std::string_view kUtcFormat = "%Y-%m-%dT%H:%M:%S.%LZ";
  constexpr std::string_view kLocalFormat = "%Y-%m-%dT%H:%M:%S.%L";
  if (a.Given(1) && !a[1].IsNullish() && a[1].type() != Type::kString) {
    Fail(18533, "$dateToString requires that 'format' be a string, found: " + NameOf(a[1]));
  }
  if (a.Given(1) && !a[1].IsNullish()) CheckDateFormat(a[1].Text());
  const OwnedValue on_null = a.Given(3) ? a.owned(3) : OwnedValue::Null();
  Zone zone;
  const bool has_zone = ZoneOf(a, 2, &zone);
  if (a[0].IsNullish()) return on_null;
  if (!has_zone || (a.Given(1) && a[1].IsNullish())) return OwnedValue::Null();
  const int64_t ms = RequireInstant(a[0], 16006, "$dateToString");
  const std::string_view format =
      a.Given(1) ? a[1].Text() : (a.Given(2) && !zone.IsUtc() ? kLocalFormat : kUtcFormat);
  return OwnedValue::Text(FormatDate(ms, zone, format));
}

class FromStringExpr final : public ExpressionNode {
 public:
  explicit FromStringExpr(std::vector<ExprPtr> parts) : parts_(std::move(parts)) {}
  OwnedValue Eval(EvalContext& context) const override {
    if (parts_[3] == nullptr) return Convert(context);
    try {
      return Convert(context);
    } catch (const QueryError& e) {
      if (e.status.number() != code::kConversionFailure) throw;
      return parts_[3]->Eval(context);
    }
  }

 private:
  OwnedValue Value(EvalContext& context, size_t i) const {
    return parts_[i] != nullptr ? parts_[i]->Eval(context) : OwnedValue();
  }
  OwnedValue Convert(EvalContext& context) const {
    const OwnedValue text = Value(context, 0);
    const OwnedValue format = Value(context, 1);
    if (parts_[1] != nullptr && !format.IsNullish() && format.type() != Type::kString) {
      Fail(40684,
           "$dateFromString requires that 'format' be a string, found: " + NameOf(format.view()));
    }
    const OwnedValue zones[] = {Value(context, 2)};
    Zone zone;
    const bool has_zone = ZoneOf(Args(zones, parts_[2] != nullptr ? 1 : 0), 0, &zone);
    if (text.IsNullish()) {
      return parts_[4] != nullptr ? parts_[4]->Eval(context) : OwnedValue::Null();
    }
    if (!has_zone || (parts_[1] != nullptr && format.IsNullish())) return OwnedValue::Null();
    if (text.type() != Type::kString) {
      Fail(code::kConversionFailure,
           "$dateFromString requires that 'dateString' be a string, "
           "found: " +
               NameOf(text.view()));
    }
    const bool explicit_zone = parts_[2] != nullptr;
    return OwnedValue::Date(ParseDate(
        text.view().Text(), parts_[1] != nullptr ? format.view().Text() : std::string_view(), zone,
        explicit_zone));
  }
  std::vector<ExprPtr> parts_;
};

ExprPtr ParseFromString(ExpressionParser& parser, const bson::Value& operand) {
  static constexpr std::string_view kNames[] = {"dateString", "format", "timezone", "onError",
                                                "onNull"};
  if (operand.type() != Type::kObject) {
    Fail(40540,
         "$dateFromString only supports an object as an argument, found: " + NameOf(operand));
  }
  std::vector<ExprPtr> parts(std::size(kNames));
  bool constant = true;
  for (const bson::Element& e : operand.Doc()) {
    const auto* at = std::find(std::begin(kNames), std::end(kNames), e.name());
    if (at == std::end(kNames)) {
      Fail(40541, "Unrecognized argument to $dateFromString: " + std::string(e.name()));
    }
    ExprPtr& part = parts[static_cast<size_t>(at - std::begin(kNames))];
    part = parser.Parse(e.value());
    constant = constant && part->IsConstant();
  }
  if (parts[0] == nullptr) Fail(40542, "Missing 'dateString' parameter to $dateFromString");
  return parser.Fold(std::make_unique<FromStringExpr>(std::move(parts)), constant);
}

// --- $dateAdd, $dateSubtract, $dateDiff, $dateTrunc

enum class Unit { kYear, kQuarter, kMonth, kWeek, kDay, kHour, kMinute, kSecond, kMillisecond };

Unit UnitOf(const bson::Value& v, std::string_view op) {
  if (v.type() != Type::kString) {
    Fail(5439013, std::string(op) + " requires 'unit' to be a string, but got " + NameOf(v));
  }
  static constexpr std::string_view kNames[] = {"year", "quarter", "month",  "week",       "day",
                                                "hour", "minute",  "second", "millisecond"};
  const auto* at = std::find(std::begin(kNames), std::end(kNames), v.Text());
  if (at == std::end(kNames)) {
    Fail(code::kFailedToParse, "unknown time unit value: " + std::string(v.Text()));
  }
  return static_cast<Unit>(at - std::begin(kNames));
}

int64_t UnitMs(Unit unit) {
  switch (unit) {
    case Unit::kWeek: return 7 * kDayMs;
    case Unit::kDay: return kDayMs;
    case Unit::kHour: return kHourMs;
    case Unit::kMinute: return kMinuteMs;
    case Unit::kSecond: return kSecondMs;
    default: return 1;
  }
}

int64_t MonthsOf(Unit unit) {
  return unit == Unit::kYear ? 12 : unit == Unit::kQuarter ? 3 : unit == Unit::kMonth ? 1 : 0;
}

OwnedValue AddUnits(const Args& a, std::string_view op, bool subtract) {
  for (size_t i = 0; i < 3; ++i) {
    if (a[i].IsNullish()) return OwnedValue::Null();
  }
  const Unit unit = UnitOf(a[1], op);
  const std::optional<int64_t> amount = a[2].IsNumber() ? ExactInt64(a[2]) : std::nullopt;
  Zone zone;
  const bool has_zone = ZoneOf(a, 3, &zone);
  if (!has_zone) return OwnedValue::Null();
  if (!Instant(a[0])) {
    Fail(5166403, std::string(op) + " requires startDate to be convertible to a date");
  }
  if (!amount) Fail(5166405, std::string(op) + " expects integer amount of time units");
  if (subtract && *amount == INT64_MIN) Fail(5976500, "the amount is out of range");
  const int64_t n = subtract ? -*amount : *amount;
  const int64_t start = *Instant(a[0]);
  if (const int64_t months = MonthsOf(unit)) {
    constexpr int64_t kMonthsMax = int64_t{12} * 600'000'000;  // what a 64-bit date spans
    if (n > kMonthsMax || n < -kMonthsMax) Fail(5166406, "$dateAdd overflowed");
    const int64_t local = zone.ToLocal(start);
    Civil c = CivilFromMs(local);
    const int64_t month = c.year * 12 + c.month - 1 + n * months;
    c.year = FloorDiv(month, 12);
    c.month = FloorMod(month, 12) + 1;
    c.day = std::min(c.day, DaysInMonth(c.year, c.month));
    if (c.year > 292'000'000 || c.year < -292'000'000) {
      Fail(code::kOverflow, std::string(op) + " overflowed");
    }
    return OwnedValue::Date(zone.ToUtc(MsFromCivil(c)));
  }
  // Days and weeks are local; hours and less are elapsed time.
  const bool local = unit == Unit::kWeek || unit == Unit::kDay;
  int64_t ms = 0;
  int64_t sum = 0;
  const int64_t from = local ? zone.ToLocal(start) : start;
  if (__builtin_mul_overflow(n, UnitMs(unit), &ms) || __builtin_add_overflow(from, ms, &sum)) {
    Fail(code::kOverflow, std::string(op) + " overflowed");
  }
  return OwnedValue::Date(local ? zone.ToUtc(sum) : sum);
}

// 1 Monday to 7 Sunday.
int64_t StartOfWeek(const Args& a, size_t i, std::string_view op) {
  constexpr int64_t kSunday = 7;
  if (!a.Given(i)) return kSunday;
  if (a[i].type() != Type::kString) {
    Fail(5439015,
         std::string(op) + " requires 'startOfWeek' to be a string, but got " + NameOf(a[i]));
  }
  static constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  static constexpr std::string_view kLong[] = {"monday", "tuesday",  "wednesday", "thursday",
                                               "friday", "saturday", "sunday"};
  std::string name(a[i].Text());
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (int64_t d = 0; d < 7; ++d) {
    const auto at = static_cast<size_t>(d);
    if (name == kDays[at] || name == kLong[at]) return d + 1;
  }
  Fail(code::kFailedToParse, "unknown day of week value: " + name);
}

int64_t WeekNumber(int64_t local_ms, int64_t start_day) {
  // Weeks since one that began on start_day; 1970-01-05 was a Monday.
  return FloorDiv(FloorDiv(local_ms, kDayMs) - 4 - (start_day - 1), 7);
}

OwnedValue Difference(const Args& a) {
  for (size_t i = 0; i < 3; ++i) {
    if (a[i].IsNullish()) return OwnedValue::Null();
  }
  const Unit unit = UnitOf(a[2], "$dateDiff");
  if (a.Given(4) && a[4].IsNullish()) return OwnedValue::Null();
  const int64_t week_start = unit == Unit::kWeek || a.Given(4) ? StartOfWeek(a, 4, "$dateDiff") : 7;
  Zone zone;
  if (!ZoneOf(a, 3, &zone)) return OwnedValue::Null();
  const int64_t start = RequireInstant(a[0], 5166307, "$dateDiff");
  const int64_t end = RequireInstant(a[1], 5166307, "$dateDiff");
  const int64_t from = zone.ToLocal(start);
  const int64_t to = zone.ToLocal(end);
  const Civil x = CivilFromMs(from);
  const Civil y = CivilFromMs(to);
  int64_t result = 0;
  switch (unit) {
    case Unit::kYear: result = y.year - x.year; break;
    case Unit::kQuarter:
      result = (y.year - x.year) * 4 + (y.month - 1) / 3 - (x.month - 1) / 3;
      break;
    case Unit::kMonth: result = (y.year - x.year) * 12 + y.month - x.month; break;
    case Unit::kWeek: result = WeekNumber(to, week_start) - WeekNumber(from, week_start); break;
    case Unit::kDay: result = FloorDiv(to, kDayMs) - FloorDiv(from, kDayMs); break;
    case Unit::kMillisecond:
      if (__builtin_sub_overflow(end, start, &result)) {
        Fail(code::kOverflow, "$dateDiff overflowed");
      }
      break;
    default: {
      // Boundaries of local hours lie where the offset puts them.
      const int64_t size = UnitMs(unit);
      const int64_t shift = FloorMod(zone.OffsetAt(start), size);
      result = FloorDiv(end + shift, size) - FloorDiv(start + shift, size);
    }
  }
  return OwnedValue::Int64(result);
}

OwnedValue Truncate(const Args& a) {
  if (a[0].IsNullish() || a[1].IsNullish()) return OwnedValue::Null();
  const Unit unit = UnitOf(a[1], "$dateTrunc");
  int64_t bin = 1;
  if (a.Given(2)) {
    if (a[2].IsNullish()) return OwnedValue::Null();
    const std::optional<int64_t> n = a[2].IsNumber() ? ExactInt64(a[2]) : std::nullopt;
    if (!n) Fail(5439017, "$dateTrunc requires 'binSize' to be a 64-bit integer");
    if (*n <= 0) Fail(5439018, "$dateTrunc requires 'binSize' to be greater than 0");
    bin = *n;
  }
  Zone zone;
  const bool has_zone = ZoneOf(a, 3, &zone);
  if (!has_zone) return OwnedValue::Null();
  int64_t week_start = 7;
  if (unit == Unit::kWeek) {
    if (a.Given(4) && a[4].IsNullish()) return OwnedValue::Null();
    week_start = StartOfWeek(a, 4, "$dateTrunc");
  }
  const int64_t ms = RequireInstant(a[0], 5166307, "$dateTrunc");
  constexpr int64_t kBinMax = 100'000'000'000;  // larger bins overflow 64 bits
  if (bin > kBinMax) Fail(5439006, "$dateTrunc's 'binSize' is too large for its 'unit'");
  const int64_t local = zone.ToLocal(ms);
  // Bins are counted from 2000-01-01 in the zone.
  const int64_t reference = DaysFromCivil(2000, 1, 1) * kDayMs;
  if (const int64_t months = MonthsOf(unit)) {
    const Civil c = CivilFromMs(local);
    const int64_t size = months * bin;
    const int64_t since = (c.year - 2000) * 12 + c.month - 1;
    const int64_t month = FloorDiv(since, size) * size;
    return OwnedValue::Date(zone.ToUtc(DaysFromCivil(2000, month + 1, 1) * kDayMs));
  }
  if (unit == Unit::kWeek || unit == Unit::kDay) {
    int64_t origin = reference / kDayMs;
    int64_t size = bin;
    if (unit == Unit::kWeek) {
      // The first such weekday on or after the reference.
      origin += FloorMod(week_start - (FloorMod(origin + 3, 7) + 1), 7);
      size = bin * 7;
    }
    const int64_t day = FloorDiv(FloorDiv(local, kDayMs) - origin, size) * size + origin;
    return OwnedValue::Date(zone.ToUtc(day * kDayMs));
  }
  const int64_t size = UnitMs(unit) * bin;
  const int64_t origin = zone.ToUtc(reference);
  return OwnedValue::Date(FloorDiv(ms - origin, size) * size + origin);
}

constexpr NamedArgument kToPartsArguments[] = {{"date", 40522}, {"timezone", 0}, {"iso8601", 0}};
constexpr NamedArgument kToStringArguments[] = {
    {"date", 18628}, {"format", 0}, {"timezone", 0}, {"onNull", 0}};
constexpr NamedArgument kAddArguments[] = {
    {"startDate", 5166402}, {"unit", 5166402}, {"amount", 5166402}, {"timezone", 0}};
constexpr NamedArgument kDiffArguments[] = {{"startDate", 5166303},
                                            {"endDate", 5166304},
                                            {"unit", 5166305},
                                            {"timezone", 0},
                                            {"startOfWeek", 0}};
constexpr NamedArgument kTruncArguments[] = {
    {"date", 5439009}, {"unit", 5439010}, {"binSize", 0}, {"timezone", 0}, {"startOfWeek", 0}};

constexpr NamedOperator kOperators[] = {
    {"$dateToParts", 40524, 40520, kToPartsArguments, ToParts},
    {"$dateToString", 18629, 18534, kToStringArguments, ToStringOp},
    {"$dateAdd", 5166400, 5166401, kAddArguments,
     [](const Args& a) { return AddUnits(a, "$dateAdd", false); }},
    {"$dateSubtract", 5166400, 5166401, kAddArguments,
     [](const Args& a) { return AddUnits(a, "$dateSubtract", true); }},
    {"$dateDiff", 5166301, 5166302, kDiffArguments, Difference},
    {"$dateTrunc", 5439007, 5439008, kTruncArguments, Truncate},
};

constexpr SpecialOperator kConversions[] = {{"$dateFromParts", ParseFromParts},
                                            {"$dateFromString", ParseFromString}};

}  // namespace

std::span<const NamedOperator> DateNamedOperators() { return kOperators; }
std::span<const SpecialOperator> DatePartOperators() { return kParts; }
std::span<const SpecialOperator> DateConversionOperators() { return kConversions; }

}  // namespace nexadb::query
