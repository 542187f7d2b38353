// Cursor tokens: what `next_cursor` is made of.
//
// A token is base64url of
//     version (1 byte) | kind (1) | query fingerprint (8) | payload | HMAC-SHA-256, first 16 bytes
// signed with a key that lives in the instance's data directory, so tokens survive a restart and
// nobody can forge a position. The fingerprint ties a token to the query that it came from.
// CursorSigner is immutable after construction; any thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::rest {

enum class CursorKind : uint8_t {
  kKeyset = 1,       // payload: DocumentCursor::Position
  kOffset = 2,       // payload: documents to skip, 8 bytes; for queries that have no position
  // payload: the id of a cursor that the database holds, and how many documents it has given: 8
  // bytes each
  kAggregation = 3,
};

constexpr size_t kCursorKeyBytes = 32;
using CursorKey = std::array<uint8_t, kCursorKeyBytes>;

struct CursorToken {
  CursorKind kind = CursorKind::kKeyset;
  uint64_t fingerprint = 0;
  std::string payload;

  uint64_t Number() const;  // of an 8-byte payload
  static std::string NumberPayload(uint64_t number);
};

class CursorSigner {
 public:
  explicit CursorSigner(const CursorKey& key) : key_(key) {}
  std::string Sign(const CursorToken& token) const;
  // invalid_cursor when the text is not a token of this server, or of another query.
  Result<CursorToken> Open(std::string_view text, uint64_t fingerprint) const;

 private:
  CursorKey key_;
};

// A stable 64-bit fingerprint of the parts, which are told apart by their lengths.
uint64_t Fingerprint(std::initializer_list<std::string_view> parts);

// RFC 4648 §5, without padding. Decode is strict: false for anything else.
std::string EncodeBase64Url(std::string_view bytes);
bool DecodeBase64Url(std::string_view text, std::string& out);
// RFC 4648 §4, with padding; Decode takes it with or without.
std::string EncodeBase64(std::string_view bytes);
bool DecodeBase64(std::string_view text, std::string& out);

}  // namespace nexadb::rest
