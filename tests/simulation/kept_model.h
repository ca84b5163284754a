// What a target must hold beside the rows that the source has: rows that were deleted (deletes:
// soft, ignore) and every version of every row (history), told from the source's log and from what
// the target held when a copy took its place. See docs/design/deletes-and-history.md.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulation/source.h"
#include "simulation/store.h"
#include "simulation/target.h"

namespace walrock::simulation {

inline constexpr char kForeignId[] = "1000000"; // of a row that the source never had

class KeptModel {
public:
  // kept: what stays in which table.
  KeptModel(Source const& source, Store const& store, std::map<std::size_t, KeptRows> kept)
      : source_(source), store_(store), kept_(std::move(kept)) {}

  [[nodiscard]] bool has(std::size_t table) const { return kept_.contains(table); }
  [[nodiscard]] bool is_history(std::size_t table) const { return is(table, KeptRows::versions); }
  // As the source has its rows.
  [[nodiscard]] Cells cells_of(std::size_t table, TargetRow const& row) const;
  // The row is in the target, and not in the source.
  [[nodiscard]] bool is_dead(std::size_t table, TargetRow const& row,
                             std::set<std::string> const& live_ids) const;

  // A copy takes the place of what the target held: nothing that stays may be lost with it.
  void on_swap(std::size_t table, std::vector<TargetRow> const& before,
               std::vector<TargetRow> const& after);

  // The dead rows of the target, as of a position; Violation when they are others. is_loose: rows
  // were in quarantine, so their last values need not have been in the target.
  void compare_dead(std::size_t table, Lsn position, std::vector<TargetRow> const& dead,
                    bool is_loose) const;
  // All rows of a history.
  void compare_versions(std::size_t table, Lsn position, std::vector<TargetRow> const& rows) const;

private:
  struct DeadRow {
    Cells cells;
    std::string deleted_at; // soft
  };
  using DeadRows = std::map<std::string, DeadRow>; // by id

  [[nodiscard]] bool is(std::size_t table, KeptRows kept) const {
    auto const found = kept_.find(table);
    return found != kept_.end() && found->second == kept;
  }
  [[nodiscard]] Lsn copied_lsn(std::size_t table) const;
  [[nodiscard]] DeadRows dead_at(std::size_t table, Lsn position) const;
  // Rows that came with a partition and are gone, without a copy that saw them.
  [[nodiscard]] std::set<std::string> unseen_at(std::size_t table, Lsn position) const;
  static void apply(std::size_t table, SourceTransaction const& transaction, DeadRows& dead,
                    std::map<std::string, Cells>& live);
  [[nodiscard]] std::string line_of(std::size_t table, TargetRow const& row) const;
  // Of the transactions behind `from` that ended at or below `to`.
  [[nodiscard]] std::vector<std::string> versions_between(std::size_t table, Lsn from,
                                                          Lsn to) const;

  Source const& source_;
  Store const& store_;
  std::map<std::size_t, KeptRows> kept_;
  std::map<std::size_t, std::vector<TargetRow>> before_copy_; // what the last copy was added to
};

} // namespace walrock::simulation
