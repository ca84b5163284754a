// A row that StarRocks refused, as far as its error log tells. The one place where values of a
// user's row become words: the operator must see which row it is. Values; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace walrock {

struct KeyCell {
  std::string column;
  std::string text; // as it was sent, shortened
  bool operator==(KeyCell const&) const = default;
};

struct RefusedRow {
  std::vector<KeyCell> key; // empty: the table has none, or the log does not tell
  std::string column;       // empty: the reason is not about one column, or does not name it
  std::string reason;       // StarRocks' words
  std::string row;          // as StarRocks printed it, shortened
  std::uint64_t hash = 0;   // row_hash() of the row as it was sent; 0: it is not known which
};

// "id=5, day=2026-01-01"; empty without a key.
[[nodiscard]] std::string to_string(std::span<KeyCell const> key);
// "row id=5, column name: NULL value in non-nullable column 'name'"
[[nodiscard]] std::string to_string(RefusedRow const& row);
// "5 of 10 rows refused: <the first few rows>; and 2 more". refused 0: not known how many.
[[nodiscard]] std::string describe_refusals(std::span<RefusedRow const> rows, std::uint64_t refused,
                                            std::uint64_t total);

} // namespace walrock
