#include "core/base/suggest.h"

#include <algorithm>

namespace nexadb::base {
namespace {

// Names are short; a longer one is a mistake of another kind, and the table below is quadratic.
constexpr size_t kNameBytesMax = 64;

// Optimal string alignment distance.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& candidates,
                         size_t edits_max) {
  if (name.empty() || name.size() > kNameBytesMax) return {};
  std::string_view best;
  size_t best_distance = edits_max + 1;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kNameBytesMax) continue;
    const size_t distance = Distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string Suggest(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::string_view best = Nearest(name, candidates, std::max<size_t>(1, name.size() / 3));
  return best.empty() ? "" : " (did you mean \"" + std::string(best) + "\"?)";
}

}  // namespace nexadb::base
