#include "plugins/api-rest/cursor_token.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstring>

#include "plugins/api-rest/problem.h"

namespace nexadb::rest {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderBytes = 1 + 1 + 8;
// Half of the digest: 128 bits are beyond guessing, and tokens stay short.
constexpr size_t kMacBytes = 16;

constexpr char kUrlAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string Encode(std::string_view bytes, const char* alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(c);
    held += 8;
    while (held >= 6) {
      held -= 6;
      out.push_back(alphabet[(bits >> held) & 63]);
    }
  }
  if (held > 0) out.push_back(alphabet[(bits << (6 - held)) & 63]);
  return out;
}

// The unused bits of the last character must be zero, so that every value has one spelling.
bool Decode(std::string_view text, const char* alphabet, std::string& out) {
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const void* at = c == '\0' ? nullptr : std::memchr(alphabet, c, 64);
    if (at == nullptr) return false;
    bits = (bits << 6) | static_cast<uint32_t>(static_cast<const char*>(at) - alphabet);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>((bits >> held) & 255));
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

std::string Mac(const CursorKey& key, std::string_view text) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  unsigned size = sizeof(digest);
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), kMacBytes};
}

}  // namespace

uint64_t CursorToken::Number() const {
  uint64_t number = 0;
  if (payload.size() == sizeof(number)) std::memcpy(&number, payload.data(), sizeof(number));
  return number;
}

std::string CursorToken::NumberPayload(uint64_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

std::string CursorSigner::Sign(const CursorToken& token) const {
  std::string text;
  text.push_back(static_cast<char>(kVersion));
  text.push_back(static_cast<char>(token.kind));
  text += CursorToken::NumberPayload(token.fingerprint);
  text += token.payload;
  text += Mac(key_, text);
  return EncodeBase64Url(text);
}

Result<CursorToken> CursorSigner::Open(std::string_view text, uint64_t fingerprint) const {
  std::string bytes;
  if (!DecodeBase64Url(text, bytes) || bytes.size() < kHeaderBytes + kMacBytes ||
      static_cast<uint8_t>(bytes[0]) != kVersion) {
    return MakeError(ErrorId::kInvalidCursor,
                     "The cursor is not one of this server's. Pass next_cursor on as it came.");
  }
  const std::string_view signed_part(bytes.data(), bytes.size() - kMacBytes);
  const std::string mac = Mac(key_, signed_part);
  if (CRYPTO_memcmp(mac.data(), bytes.data() + signed_part.size(), kMacBytes) != 0) {
    return MakeError(ErrorId::kInvalidCursor,
                     "The cursor was changed on its way. Pass next_cursor on as it came.");
  }
  CursorToken token;
  token.kind = static_cast<CursorKind>(bytes[1]);
  std::memcpy(&token.fingerprint, bytes.data() + 2, sizeof(token.fingerprint));
  if (token.fingerprint != fingerprint) {
    return MakeError(
        ErrorId::kCursorMismatch,
        "The cursor belongs to another query. Send it with the same collection, filter "
        "and sort that it came from.");
  }
  token.payload = signed_part.substr(kHeaderBytes);
  const size_t numbers = token.kind == CursorKind::kAggregation ? 2 : 1;
  if (token.kind != CursorKind::kKeyset && token.payload.size() != numbers * sizeof(uint64_t)) {
    return MakeError(ErrorId::kInvalidCursor, "The cursor is not one of this server's.");
  }
  return token;
}

uint64_t Fingerprint(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    text += CursorToken::NumberPayload(part.size());
    text += part;
  }
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  uint64_t first = 0;
  std::memcpy(&first, digest, sizeof(first));
  return first;
}

std::string EncodeBase64Url(std::string_view bytes) { return Encode(bytes, kUrlAlphabet); }
bool DecodeBase64Url(std::string_view text, std::string& out) {
  return Decode(text, kUrlAlphabet, out);
}

std::string EncodeBase64(std::string_view bytes) {
  std::string out = Encode(bytes, kAlphabet);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

bool DecodeBase64(std::string_view text, std::string& out) {
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return Decode(text, kAlphabet, out);
}

}  // namespace nexadb::rest
