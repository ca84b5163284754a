#include "runtime/group_start.h"

#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "model/progress.h"
#include "pipeline/table_group.h"
#include "schema/ddl.h"
#include "starrocks/catalog.h"
#include "starrocks/sql_connection.h"

namespace walrock {

void require_groups(ServerVersion version) {
  if (version < kFirstWithGroups)
    throw Error(ErrorCode::transactions_unsupported,
                fmt::format("StarRocks {} cannot commit several tables at once: transactions: "
                            "across-tables needs {} or later",
                            to_string(version), to_string(kFirstWithGroups)));
}

void set_up_progress(JobSpec const& job, EngineAddresses const& addresses) {
  SqlConnection sql(addresses.ddl);
  TargetCatalog catalog(sql);
  TargetTable wanted = progress_table(job.target.database);
  if (auto const existing = catalog.describe_table(wanted.name)) {
    if (!is_progress_table(*existing))
      throw Error(ErrorCode::target_table_mismatch,
                  fmt::format("{} is not the table of transactions that walrock makes",
                              to_string(wanted.name)))
          .set_advice("Rename it.");
    return;
  }
  if (auto const replicas = catalog.replicas_of_small_cluster())
    wanted.properties["replication_num"] = std::to_string(*replicas);
  if (!job.schema_sync.enable || !job.schema_sync.auto_create_table)
    throw Error(ErrorCode::target_table_missing,
                fmt::format("{} does not exist and schema-sync.auto-create-table is off",
                            to_string(wanted.name)))
        .set_advice(create_table_sql(wanted) + ";");
  WALROCK_BEFORE(start_table);
  catalog.create_database(wanted.name.database);
  catalog.execute(create_table_sql(wanted));
  WALROCK_AFTER(start_table);
  log::info("created table={}", to_string(wanted.name));
}

void settle_groups_of(Checkpoint& checkpoint, CheckpointStore& store, LoadTarget& target,
                      std::string const& job_id) {
  for (LabelRecord const& record : std::vector(checkpoint.labels)) {
    if (record.table != kSeveralTables)
      continue;
    GroupVerdict const verdict = target.settle_group(record.label, job_id);
    if (verdict.kind == GroupVerdict::Kind::unreachable)
      throw ConnectionLost(ErrorCode::target_unreachable,
                           fmt::format("label {}: {}", record.label.text, verdict.message));
    log::info("transaction of the start before {} label={} tables={}",
              verdict.kind == GroupVerdict::Kind::committed ? "was committed" : "is rolled back",
              record.label.text, verdict.tables.size());
    CheckpointUpdate const update = apply_verdict(checkpoint, record.label, verdict);
    WALROCK_BEFORE(group_record);
    store.write(update);
    WALROCK_AFTER(group_record);
  }
}

} // namespace walrock
