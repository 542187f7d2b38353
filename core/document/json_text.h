// The small texts inside JSON: escapes, base64, numbers, UUIDs. Private to core/document; what
// others need of it stands in json.h.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::json {

// A quoted string. REQUIRES: `text` is UTF-8.
void AppendValidString(std::string& out, std::string_view text);
// Copies the text, if all of it goes between quotes as it is. False when some of it needs an
// escape; then `to`, which has room for the text, holds anything.
bool CopyPlain(std::string_view text, char* to);

void AppendBase64(std::string& out, BytesView bytes);
// Appends the bytes. False for anything but padded base64 of the standard or the URL alphabet.
bool DecodeBase64(std::string_view text, std::string& out);

// "6ba7b810-9dad-11d1-80b4-00c04fd430c8", with or without the dashes.
bool ParseUuid(std::string_view text, std::array<uint8_t, 16>& out);

void AppendInteger(std::string& out, int64_t value);
void AppendInteger(std::string& out, uint64_t value);

// A JSON number's text as the nearest double. False when it is too great for one.
bool ParseDouble(std::string_view text, double& out);
// The whole text is an integer that fits.
bool ParseInt64(std::string_view text, int64_t& out);

}  // namespace nexadb::json
