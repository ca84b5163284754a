// The statements that make and change tables of StarRocks. Pure text; without a final semicolon.
#pragma once

#include <string>
#include <vector>

#include "model/target_table.h"

namespace walrock {

[[nodiscard]] std::string create_database_sql(std::string const& database);
[[nodiscard]] std::string create_table_sql(TargetTable const& table);
[[nodiscard]] std::string drop_table_sql(TargetName const& table);
// One statement, so one schema change job, for all columns. StarRocks has no IF NOT EXISTS for
// columns: ask information_schema first.
[[nodiscard]] std::string add_column_sql(TargetName const& table, TargetColumn const& column);
[[nodiscard]] std::string add_columns_sql(TargetName const& table,
                                          std::vector<TargetColumn> const& columns);
[[nodiscard]] std::string modify_column_sql(TargetName const& table, TargetColumn const& column);
[[nodiscard]] std::string truncate_sql(TargetName const& table);
[[nodiscard]] std::string rename_table_sql(TargetName const& table, std::string const& new_name);
[[nodiscard]] std::string swap_table_sql(TargetName const& table, std::string const& other);

} // namespace walrock
