// "Did you mean": the known word that is nearest to one that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace walrock {

// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
[[nodiscard]] int edit_distance(std::string_view a, std::string_view b);

// The nearest candidate, or an empty text when none is near enough to be meant.
[[nodiscard]] std::string nearest(std::string_view word,
                                  std::vector<std::string> const& candidates);

} // namespace walrock
