// Dates as text, by MongoDB's format specifiers (%Y %m %d …), and back. Throw QueryError.
#pragma once
#include <string>
#include <string_view>

#include "plugins/database-document/expression/calendar.h"

namespace nexadb::query {

// 18535 for a dangling %, 18536 for an unknown specifier.
void CheckDateFormat(std::string_view format);
std::string FormatDate(int64_t utc_ms, const Zone& zone, std::string_view format);
// 241 when the text is no date. An empty format takes the usual forms. `zone` holds for texts
// without an offset; a text with one is refused when `zone_given`.
int64_t ParseDate(std::string_view text, std::string_view format, const Zone& zone,
                  bool zone_given);

}  // namespace nexadb::query
