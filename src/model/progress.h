// Which epochs of tables that are committed together are in the target: one row per job and table,
// loaded by the transaction that loads the epoch's rows. After a crash it is the truth about that
// transaction (docs/design/transactions-across-tables.md). Values; any thread.
#pragma once

#include <string>
#include <vector>

#include "model/batch.h"
#include "model/label.h"
#include "model/lsn.h"
#include "model/names.h"
#include "model/target_table.h"

namespace walrock {

inline constexpr char kProgressTable[] = "_walrock_progress";

// In a LabelRecord, in the place of a table: the label has rows of several.
inline constexpr RelationId kSeveralTables{};

// A table of the transaction, and what its applied_lsn is once that is visible.
struct TableProgressRow {
  RelationId table;
  Lsn end_lsn;
  bool operator==(TableProgressRow const&) const = default;
};

// As it is created.
[[nodiscard]] TargetTable progress_table(std::string const& database);
// It has what walrock needs.
[[nodiscard]] bool is_progress_table(TargetTable const& existing);
// What the transaction of this label loads into it.
[[nodiscard]] Batch progress_batch(std::string const& job_id, Label const& label,
                                   std::vector<TableProgressRow> const& rows);

} // namespace walrock
