// The series of preferred numbers that $bucketAuto rounds its boundaries to: Renard's (R5 to R80),
// those of electronics (E6 to E192), 1-2-5 and the powers of two. Immutable, any thread.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

namespace nexadb::query {

class Granularity {
 public:
  // None for a name that is no series.
  static std::optional<Granularity> Find(std::string_view name);
  // The next number of the series above, or below, a positive one; zero stays zero.
  double Up(double number) const;
  double Down(double number) const;

 private:
  explicit Granularity(std::vector<double> decade) : decade_(std::move(decade)) {}
  std::vector<double> decade_;  // from 1 to below 10; empty: powers of two
};

}  // namespace nexadb::query
