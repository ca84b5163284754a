// Of a table without a key that is kept exact: which of several equal rows a delete removes. See
// docs/design/rows-without-key.md. Lives on the thread of its machine; passive.
//
// A row that the open epoch inserted is known by its origin, and goes first. Without one it is a
// row that the target has since before: the next one that no delete of the epoch took, in the
// target's order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/memory_budget.h"
#include "encode/made_field.h"

namespace walrock {

class EqualRows {
public:
  // What is known of an epoch is charged to the budget, and to the share of it that all tables of
  // the stream may spend so; rows that are inserted take half of the share at most.
  EqualRows(MemoryBudget* budget, MemoryBudget* share);

  // A row that is inserted. Beyond the limit it is forgotten: a delete of it takes an older row,
  // or, where the target has none, the table is copied again.
  void insert(RowHash hash, RowOrigin origin);

  // Where the row stands that a delete of such a row removes: commit_lsn and index, or its rank.
  // Throws Error copy_needed when too many different rows were deleted in one epoch.
  [[nodiscard]] RowOrigin remove(RowHash hash);

  // The epoch is handed over, or everything before is gone.
  void clear();

  [[nodiscard]] std::size_t byte_count() const { return bytes_; }

private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct HashOf {
    std::size_t operator()(RowHash hash) const { return hash.low; } // random enough by itself
  };
  struct Inserted {
    Lsn commit_lsn;
    std::uint64_t index = 0;
    std::uint32_t before = kNone; // another one with this hash
  };
  struct Equals {
    std::uint32_t newest = kNone;
    std::uint32_t ranks = 0; // taken from the target
  };

  // False: the share would go beyond the limit.
  [[nodiscard]] bool take_room(std::size_t bytes, std::size_t limit);

  MemoryBudget* share_;
  std::size_t bytes_ = 0;
  Charge charge_;
  Charge of_share_;
  std::vector<Inserted> inserted_;
  std::unordered_map<RowHash, Equals, HashOf> equals_;
};

} // namespace walrock
