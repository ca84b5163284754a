#include "config/nearest.h"

#include <algorithm>

namespace walrock {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> table(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = static_cast<int>(i + j);
        continue;
      }
      int const replace = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

std::string nearest(std::string_view word, std::vector<std::string> const& candidates) {
  // A third of the letters may be wrong, two at least so that short words get help as well.
  int best_distance = std::max(2, static_cast<int>(word.size()) / 3) + 1;
  std::string best;
  for (std::string const& candidate : candidates) {
    int const distance = edit_distance(word, candidate);
    // A word that shares no letter is no help.
    if (distance < best_distance && distance < static_cast<int>(candidate.size())) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

} // namespace walrock
