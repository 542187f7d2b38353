// Texts that stand for bytes in $convert: base64, base64url, hex, utf8, uuid. Pure functions.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::query {

bool IsBinaryFormat(std::string_view format);
// False when the text is not in the format, or the subtype does not go with it.
bool DecodeBinaryText(std::string_view text, std::string_view format, int subtype,
                      std::string* bytes);
bool EncodeBinaryText(const bson::Value& binary, std::string_view format, std::string* text);

}  // namespace nexadb::query
