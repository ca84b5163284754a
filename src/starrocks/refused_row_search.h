// Which row of a batch StarRocks refuses when its error log does not tell: the batch is halved
// until one row is left. Pure but for the loads, which the caller makes.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "model/batch.h"
#include "model/refused_row.h"

namespace walrock {

enum class Probe {
  taken,   // StarRocks took every row
  refused, // it refused some
  unknown, // anything else: the search ends
};

// Rows of the batch, with their keys and hashes, in order; at most `most`. `probe` loads some of
// its rows, in the batch's own order, and undoes that; it is asked log2(rows) + 1 times for each.
// Nothing more is found when a probe is unknown; nothing at all when the rows that were refused are
// taken now, or the batch has more than `limit` bytes. Throws Error spool_failed.
[[nodiscard]] std::vector<RefusedRow>
search_refused_rows(Batch const& batch, std::size_t limit, std::size_t most,
                    std::function<Probe(Batch const&)> const& probe);

} // namespace walrock
