// Deletes from a table whose key is the hash of its rows: docs/design/rows-without-key.md. Of rows
// that are equal any one may go, so such a delete may leave open which: its lsn field says the rank
// of the row among those of its hash, and its index field is empty.
//
//   hash \x01 ?3 \x01 \x01 fields \x01 1 \x02       the third, in the order of lsn and index
//
// Before its label is loaded the target is asked which row that is. A text in the place of a
// number: what nobody has resolved StarRocks would refuse. Pure: the target is asked by the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walrock {

inline constexpr char kRankMark = '?';

// Rows that are asked for at once; StarRocks takes 10,000 values in one IN.
inline constexpr std::size_t kRanksRead = 2000;

// A row as the table was before the label: the rank-th (from 1) of its hash.
struct RankedRow {
  std::string_view hash;
  std::uint64_t rank = 0;
};

// Its fields, as they are loaded.
struct RowPlace {
  std::string lsn;
  std::string index;
};

// One place for each row.
using ReadPlaces = std::function<std::vector<RowPlace>(std::span<RankedRow const>)>;

// The CSV body with the places of its ranked rows filled in. Throws what `read` throws.
[[nodiscard]] std::string place_ranked_rows(std::string_view body, ReadPlaces const& read);

} // namespace walrock
