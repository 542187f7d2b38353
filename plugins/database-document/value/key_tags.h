// The constants of the order-preserving encoding, which value/FORMAT.md describes: for its two
// directions, value/key_encoding.cc and value/key_decoding.cc, alone.
#pragma once
#include <cstdint>

namespace nexadb::query {

// In the order of types.
enum KeyTag : uint8_t {
  kMinKeyTag = 0x08,
  kUndefinedTag = 0x0A,
  kNullTag = 0x14,
  kNanTag = 0x1E,
  kNumberTag = 0x20,
  kStringTag = 0x30,
  kObjectTag = 0x40,
  kArrayTag = 0x50,
  kBinaryTag = 0x60,
  kObjectIdTag = 0x68,
  kFalseTag = 0x70,
  kTrueTag = 0x71,
  kDateTag = 0x78,
  kTimestampTag = 0x80,
  kRegexTag = 0x88,
  kDbPointerTag = 0x90,
  kCodeTag = 0x98,
  kCodeWithScopeTag = 0x9C,
  kMaxKeyTag = 0xF0,
};

constexpr char kNoRemainder = 0x00;
constexpr char kRemainder = 0x01;
constexpr int kExponentBias = 8192;  // beyond decimal128's smallest exponent

}  // namespace nexadb::query
