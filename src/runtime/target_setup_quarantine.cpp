// The table of rows in quarantine, once the targets are set up. Part of TargetSetup.
#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "runtime/target_setup.h"
#include "schema/ddl.h"

namespace walrock {

void TargetSetup::set_up_quarantine(std::vector<TableEntry> const& tables) {
  bool const is_wanted = std::any_of(tables.begin(), tables.end(), [](TableEntry const& table) {
    return table.quarantine_limit.has_value();
  });
  TargetTable const wanted = quarantine_table(job_.target.database);
  auto const existing = catalog_.describe_table(wanted.name);
  if (!existing) {
    if (is_wanted)
      make_quarantine_table(wanted);
    return;
  }
  if (is_wanted && !is_quarantine_table(*existing))
    throw Error(ErrorCode::target_table_mismatch,
                fmt::format("{} is not the table of rows in quarantine that walrock makes",
                            to_string(wanted.name)))
        .set_advice("Rename it.");
  QuarantineRows rows(sql_, job_.target.database);
  for (TableEntry const& table : tables)
    if (!table.quarantine_limit && !table.is_append_only)
      require_no_rows(table, rows);
}

void TargetSetup::make_quarantine_table(TargetTable table) {
  choose_replicas(table.properties);
  if (!job_.schema_sync.enable || !job_.schema_sync.auto_create_table)
    throw Error(ErrorCode::target_table_missing,
                fmt::format("{} does not exist and schema-sync.auto-create-table is off",
                            to_string(table.name)))
        .set_advice(create_table_sql(table) + ";");
  WALROCK_BEFORE(quarantine_table);
  catalog_.create_database(table.name.database);
  catalog_.execute(create_table_sql(table));
  WALROCK_AFTER(quarantine_table);
  log::info("created table={}", to_string(table.name));
}

void TargetSetup::require_no_rows(TableEntry const& table, QuarantineRows& rows) const {
  TableState const state = table.record.state;
  std::uint64_t const count = total_of(rows.keys_of(table.record.target.table));
  if (count == 0 || state == TableState::errored)
    return;
  if (state == TableState::init || state == TableState::copying) {
    rows.remove_table(table.record.target.table); // the copy has them
    return;
  }
  throw Error(
      ErrorCode::job_file_invalid,
      fmt::format("{} rows of {} are in quarantine, and bad-rows is not quarantine: partial "
                  "updates of them would make rows that never were",
                  count, to_string(table.record.source)))
      .set_advice(
          "Set bad-rows: quarantine again, or load them with `walrock quarantine JOB retry` "
          "first.");
}

} // namespace walrock
