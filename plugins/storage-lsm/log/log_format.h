// The framing shared by write-ahead logs and manifests. FORMAT.md has the picture.
//
// In an encrypted log the header is followed by the envelope of its data key, and a record's
// payload is sealed with the record's header bound to it. Checksums are of what is stored, so
// damage is told without a key. Every checksum is seeded with the file's random generation and the
// record's offset, so a record of another file, of an earlier life of the same file, or of another
// place never passes.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/abi.h"
#include "plugins/storage-lsm/encryption/vault.h"

namespace nexadb::lsm {

constexpr std::string_view kLogMagic = "NXDBLOG1";
// Of files that are not encrypted, and of those that are: what this code reads at most.
constexpr uint32_t kPlainFormat = 1;
constexpr uint32_t kEncryptedFormat = 2;
constexpr uint32_t kFormatVersion = kEncryptedFormat;
constexpr size_t kLogHeaderBytes = 64;
constexpr size_t kLogRecordHeaderBytes = 24;
constexpr size_t kLogAlignment = 8;
// A batch at its largest, and room for its own encoding.
constexpr uint64_t kLogRecordBytesMax = uint64_t{1} << 30;

enum class LogType : uint32_t { kWal = 1, kManifest = 2 };

struct LogHeader {
  LogType type = LogType::kWal;
  uint64_t number = 0;
  uint64_t generation = 0;
  // The log that this one continues, and where that one ended; number 0 for none. A log named here
  // must be complete: it was synced before this one was made.
  uint64_t previous_number = 0;
  uint64_t previous_end = 0;
  uint64_t store_id = 0;
  bool encrypted = false;
};
// Where the first record stands.
constexpr size_t LogStart(const LogHeader& header) {
  return kLogHeaderBytes + (header.encrypted ? kEnvelopeBytes : 0);
}

struct LogRecordHeader {
  uint32_t size = 0;
  uint64_t synced_to = 0;  // every byte before was durable when the record was written
  uint64_t checksum = 0;
};

// What an encrypted record's payload has beside the bytes it was made of: its number, then a tag.
constexpr size_t kSealNumberBytes = 8;
constexpr size_t kSealBytes = kSealNumberBytes + kTagBytes;

constexpr uint64_t LogSeed(uint64_t generation, uint64_t offset) {
  return generation ^ (offset * 0x9e3779b97f4a7c15u);
}
constexpr uint64_t LogAlign(uint64_t size) {
  return (size + kLogAlignment - 1) & ~uint64_t{kLogAlignment - 1};
}

void EncodeLogHeader(const LogHeader& header, Span<uint8_t> out);
// The part of an encoded header that the envelope is bound to.
constexpr size_t kLogHeaderBoundBytes = 56;
// kCorruption when the bytes are no intact header, kUnsupported when they are of a newer format.
Status DecodeLogHeader(BytesView bytes, std::string_view path, LogHeader* header);

void EncodeLogRecordHeader(const LogRecordHeader& header, uint64_t generation, uint64_t offset,
                           uint8_t* out);
// False unless `bytes` start with the intact header of a record written at `offset`.
bool DecodeLogRecordHeader(BytesView bytes, uint64_t generation, uint64_t offset,
                           LogRecordHeader* header);

// What an encrypted record is bound to. Its `checksum` is not.
using LogBinding = std::array<uint8_t, 32>;
LogBinding BindRecord(const LogRecordHeader& header, uint64_t log_number, uint64_t offset);

}  // namespace nexadb::lsm
