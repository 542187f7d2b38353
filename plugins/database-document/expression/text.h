// UTF-8 by code points, for operators that count characters. Pure; texts are valid UTF-8.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nexadb::query {

inline bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

inline int64_t CodePoints(std::string_view text) {
  int64_t n = 0;
  for (const char c : text) n += IsContinuation(c) ? 0 : 1;
  return n;
}

// The byte offset of a code point; the size when there are fewer.
inline size_t OffsetOf(std::string_view text, int64_t code_point) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!IsContinuation(text[at]) && code_point-- == 0) return at;
  }
  return at;
}

// Bytes of the code point that begins at `at`. REQUIRES: at < text.size().
inline size_t CodePointSize(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && IsContinuation(text[end])) ++end;
  return end - at;
}

// Where `token` first stands in `text` at or after `from`, in time linear in both.
inline size_t FindText(std::string_view text, std::string_view token, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* at = memmem(text.data() + from, text.size() - from, token.data(), token.size());
  if (at == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

}  // namespace nexadb::query
