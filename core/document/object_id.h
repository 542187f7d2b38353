// Makers of document ids. Clock and random bytes are passed in, so that tests and the simulator
// decide them. Both classes may be called from any thread.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "nexadb/env.h"

namespace nexadb {

// MongoDB's ObjectId: 4 bytes of seconds, 5 random ones drawn once, 3 of a counter that starts at
// random. Sixteen million a second per generator.
class ObjectIdGenerator {
 public:
  // Both outlive the generator.
  ObjectIdGenerator(Clock& clock, Random& random) noexcept;
  std::array<uint8_t, 12> Next() noexcept;

 private:
  Clock& clock_;
  std::array<uint8_t, 5> process_;
  std::atomic<uint32_t> counter_;
};

// The 16 characters 0-9a-v (5 bits each) of a generated _id: 44 bits of milliseconds, then 36 bits
// that start at random in each millisecond and count up within it, so ids of one generator sort in
// the order they were made. Ids of several generators may clash, with odds of 2^-36 a pair in the
// same millisecond: the insert checks, and draws again.
class IdGenerator {
 public:
  IdGenerator(Clock& clock, Random& random) noexcept;
  std::string Next();

 private:
  // Both parts packed into one word would need 80 bits. No spin flag: whoever draws for a new
  // millisecond may lose its core meanwhile, and all others would spin until it has it again.
  std::mutex mutex_;
  Clock& clock_;
  Random& random_;
  uint64_t last_ms_ = 0;
  uint64_t tail_ = 0;
};

inline constexpr size_t kGeneratedIdSize = 16;
// The milliseconds since 1970 in a generated id; false when `id` is not of that form.
bool GeneratedIdTime(std::string_view id, uint64_t& unix_ms);

// "0123456789abcdef01234567" ↔ twelve bytes. False when it is not 24 hexadecimal digits.
bool ParseObjectId(std::string_view text, std::array<uint8_t, 12>& out);
void AppendObjectId(std::string& out, BytesView twelve_bytes);

}  // namespace nexadb
