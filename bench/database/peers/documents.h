// The documents of the side-by-side benchmark, the same for every engine: about 300 bytes of JSON
// with a nested field and two arrays. A pure function of the number, so that no file is needed and
// every engine can be asked the same questions.
//
// _id (24 hex digits in hashed order, as random ids are), n, name, email, age (18..80), city (99
// values, the low ones more often), status (4 values), balance (20 bits), created, address{street,
// zip}, tags[2..4 of 50], orders[1..2]{sku, qty, price}.
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>

namespace nexadb::bench {

constexpr uint64_t kBalances = uint64_t{1} << 20;
constexpr uint64_t kCities = 99;

// Steps of the splitmix64 generator.
inline uint64_t NextRandom(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// A number below `limit` for the i-th call.
inline uint64_t RandomBelow(uint64_t i, uint64_t limit) {
  uint64_t state = i * 0x9E3779B97F4A7C15ull;
  return NextRandom(state) % limit;
}

inline std::string IdOf(uint64_t i) {
  char id[32];
  std::snprintf(id, sizeof(id), "%08x%016llx", static_cast<uint32_t>(i * 2654435761ull),
                static_cast<unsigned long long>(i));
  return id;
}

inline std::string DocumentOf(uint64_t i) {
  static constexpr const char* kStatus[] = {"active", "active", "active",  "active",  "active",
                                            "active", "closed", "pending", "blocked", "closed"};
  uint64_t state = i * 2654435761ull + 99;
  const uint64_t a = NextRandom(state), b = NextRandom(state), d = NextRandom(state),
                 e = NextRandom(state);
  using Big = unsigned long long;
  char text[512];
  const int size = std::snprintf(
      text, sizeof(text),
      R"({"_id":"%s","n":%llu,"name":"User %llx","email":"u%llx@example.com","age":%u,)"
      R"("city":"city%02u","status":"%s","balance":%llu,"created":%llu,)"
      R"("address":{"street":"%llu Main St","zip":"%05llu"},"tags":[)",
      IdOf(i).c_str(), Big{i}, Big{a >> 44}, Big{a & 0xffffff}, static_cast<unsigned>(18 + d % 63),
      static_cast<unsigned>((a % 100) * (b % 100) / 100), kStatus[(d >> 8) % 10], Big{d >> 44},
      Big{1600000000 + i * 13}, Big{e % 9999}, Big{(e >> 16) % 100000});
  std::string out(text, static_cast<size_t>(size));
  for (uint64_t t = 0; t < 2 + b % 3; ++t) {
    out.append(t == 0 ? "\"tag" : ",\"tag").append(std::to_string((b >> (8 * t + 8)) % 50));
    out.push_back('"');
  }
  out.append("],\"orders\":[");
  for (uint64_t t = 0; t < 1 + e % 2; ++t) {
    if (t != 0) out.push_back(',');
    out.append("{\"sku\":\"S").append(std::to_string((e >> (8 * t)) % 5000));
    out.append("\",\"qty\":").append(std::to_string(1 + (d >> 3) % 5));
    out.append(",\"price\":").append(std::to_string(100 + (a >> (8 * t)) % 9000)).push_back('}');
  }
  return out.append("]}");
}

// What documents' `city` names, for joins.
inline std::string CityOf(uint64_t i) {
  char text[64];
  std::snprintf(text, sizeof(text), R"({"_id":"city%02u","region":%u})", static_cast<unsigned>(i),
                static_cast<unsigned>(i % 7));
  return text;
}

}  // namespace nexadb::bench
