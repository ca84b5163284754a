// Statements about rows that stay in a target although the source does not have them any more:
// docs/design/deletes-and-history.md. They may take long, so each has a connection of its own.
// Throw as SqlConnection::query does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/kept_rows.h"
#include "model/target_table.h"
#include "starrocks/address.h"

namespace walrock {

// INSERT INTO twin SELECT: the twin has the columns of the target. marked_at: microseconds since
// 2000, when rows are marked deleted that were not before.
[[nodiscard]] std::string keep_rows_sql(TargetTable const& target, TargetName const& twin,
                                        KeptRows kept, std::int64_t marked_at);
// The row that says that the versions behind it come with a copy; of a table without rows none.
[[nodiscard]] std::string copy_mark_sql(TargetName const& target, TargetName const& twin,
                                        std::int64_t marked_at);
// UPDATE of the rows that are not marked deleted.
[[nodiscard]] std::string mark_deleted_sql(TargetName const& target,
                                           std::vector<ColumnValue> const& values);

void keep_rows(TargetAddress const& address, TargetName const& target, TargetName const& twin,
               KeptRows kept);
void mark_deleted(TargetAddress const& address, TargetName const& target,
                  std::vector<ColumnValue> const& values);

} // namespace walrock
