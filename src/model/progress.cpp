#include "model/progress.h"

#include <fmt/format.h>

namespace walrock {

TargetTable progress_table(std::string const& database) {
  TargetTable table;
  table.name = {database, kProgressTable};
  table.comment = "How far walrock has committed tables together.";
  auto const add = [&](char const* name, char const* type, char const* comment) {
    table.columns.push_back({name, type, false, std::nullopt, comment});
  };
  add("job", "VARCHAR(256)", "the job's id");
  add("table_oid", "BIGINT", "of the table in PostgreSQL");
  add("label", "VARCHAR(128)", "of the last transaction that had rows of the table");
  add("end_lsn", "BIGINT", "everything of the table below it is in the target");
  table.key = {"job", "table_oid"};
  table.distribution_key = {"job"};
  table.buckets = 1;
  return table;
}

bool is_progress_table(TargetTable const& existing) {
  return existing.model == TableModel::primary &&
         existing.lacking(progress_table(existing.name.database).columns).empty();
}

Batch progress_batch(std::string const& job_id, Label const& label,
                     std::vector<TableProgressRow> const& rows) {
  TargetTable const table = progress_table(label.database);
  Batch batch;
  batch.spec = {table.name, LoadFormat::csv, {}, false, table.key};
  for (TargetColumn const& column : table.columns)
    batch.spec.columns += (batch.spec.columns.empty() ? "" : ",") + quote_starrocks(column.name);
  Body body;
  // Nothing of it holds a separator: job ids and labels are made of letters, digits and -_. only.
  for (TableProgressRow const& row : rows)
    body.bytes +=
        fmt::format("{}{}{}{}{}{}{}{}", job_id, kColumnSeparator, row.table.oid, kColumnSeparator,
                    label.text, kColumnSeparator, row.end_lsn.value, kRowDelimiter);
  body.size = batch.byte_count = body.bytes.size();
  batch.row_count = rows.size();
  batch.bodies.push_back(std::move(body));
  return batch;
}

} // namespace walrock
