#include "starrocks/checkpoint_table.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "starrocks/catalog.h"

namespace walrock {

namespace {

constexpr char kTableName[] = "checkpoint";
constexpr int kWantedReplicas = 3; // the server's default; it refuses more than it has backends

[[noreturn]] void fail_damaged(TargetName const& table, std::string const& why) {
  throw Error(ErrorCode::checkpoint_failed,
              fmt::format("the checkpoint in {} is damaged: {}", to_string(table), why))
      .set_retry(Retry::never)
      .set_advice("Run `walrock drop JOB` and copy the tables again.");
}

std::uint64_t number_in(std::optional<std::string> const& text, TargetName const& table) {
  std::uint64_t number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc())
    fail_damaged(table, "an incarnation is not a number");
  return number;
}

int replicas(TargetCatalog& catalog) {
  auto const backends = catalog.backends();
  if (!backends)
    return kWantedReplicas;
  auto const alive = std::count_if(backends->begin(), backends->end(), [](Backend const& backend) {
    return backend.is_alive && !backend.is_compute_node;
  });
  return alive == 0 ? kWantedReplicas : std::min<int>(kWantedReplicas, static_cast<int>(alive));
}

} // namespace

CheckpointTable::CheckpointTable(SqlConnection& sql, std::string database,
                                 std::string const& job_id)
    : sql_(sql), name_{std::move(database), kTableName}, job_(job_key(job_id)) {}

bool CheckpointTable::is_there() {
  auto const names = TargetCatalog(sql_).tables(name_.database);
  return std::find(names.begin(), names.end(), name_.table) != names.end();
}

void CheckpointTable::create() {
  TargetCatalog catalog(sql_);
  catalog.create_database(name_.database);
  catalog.execute(
      fmt::format("CREATE TABLE IF NOT EXISTS {} (`job` VARCHAR(64) NOT NULL, `incarnation` BIGINT "
                  "NOT NULL, `kind` VARCHAR(8) NOT NULL, `record` VARCHAR(40) NOT NULL, `content` "
                  "VARCHAR(1048576) NOT NULL) PRIMARY KEY (`job`, `incarnation`, `kind`, `record`) "
                  "DISTRIBUTED BY HASH(`job`) BUCKETS 1 PROPERTIES (\"replication_num\" = \"{}\")",
                  quote_starrocks(name_), replicas(catalog)));
}

std::vector<CheckpointTable::Owner> CheckpointTable::owners() {
  SqlRows const found = sql_.query_leader(fmt::format(
      "SELECT `incarnation`, `record`, `content` FROM {} WHERE `job` = {} AND `kind` = 'owner' "
      "ORDER BY `incarnation`, `record`",
      quote_starrocks(name_), quote_starrocks_literal(job_)));
  std::vector<Owner> owners;
  for (SqlRows::Row const& row : found.rows)
    owners.push_back(
        {number_in(row.at(0), name_), read_owner(row.at(1).value_or(""), row.at(2).value_or(""))});
  auto const rank = [](Owner const& owner) {
    return std::pair(owner.incarnation, owner.record.state != OwnerRecord::State::claimed);
  };
  std::stable_sort(owners.begin(), owners.end(),
                   [&](Owner const& a, Owner const& b) { return rank(a) < rank(b); });
  return owners;
}

Checkpoint CheckpointTable::read(Owner const& of) {
  SqlRows const found = sql_.query_leader(fmt::format(
      "SELECT `kind`, `record`, `content` FROM {} WHERE `job` = {} AND `incarnation` = {}",
      quote_starrocks(name_), quote_starrocks_literal(job_), of.incarnation));
  Checkpoint checkpoint;
  bool has_owner = false;
  for (SqlRows::Row const& row : found.rows) {
    std::string const kind = row.at(0).value_or("");
    std::string const content = row.at(2).value_or("");
    if (kind != "owner") {
      add_row(checkpoint, kind, content);
      continue;
    }
    if (row.at(1).value_or("") != of.record.token)
      continue; // of one that has no records
    has_owner = true;
    OwnerRecord const owner = read_owner(of.record.token, content);
    checkpoint.format = owner.format;
    checkpoint.flushed_lsn = owner.flushed_lsn;
    checkpoint.logged_lsn = owner.logged_lsn;
    checkpoint.write_number = owner.write_number;
    checkpoint.written_at_ms = owner.written_at_ms;
  }
  if (!has_owner)
    fail_damaged(name_, fmt::format("incarnation {} has no owner row", of.incarnation));
  checkpoint.incarnation = of.incarnation;
  sort_records(checkpoint);
  return checkpoint;
}

void CheckpointTable::remove_before(std::uint64_t incarnation) {
  sql_.query(fmt::format("DELETE FROM {} WHERE `job` = {} AND `incarnation` < {}",
                         quote_starrocks(name_), quote_starrocks_literal(job_), incarnation));
}

void CheckpointTable::remove_all() {
  sql_.query(fmt::format("DELETE FROM {} WHERE `job` = {}", quote_starrocks(name_),
                         quote_starrocks_literal(job_)));
}

std::optional<CheckpointTable::Owner>
newest_whole(std::vector<CheckpointTable::Owner> const& owners) {
  auto const found =
      std::find_if(owners.rbegin(), owners.rend(), [](CheckpointTable::Owner const& owner) {
        return owner.record.state != OwnerRecord::State::claimed;
      });
  return found == owners.rend() ? std::nullopt : std::optional(*found);
}

std::optional<CheckpointInStarRocks> read_starrocks_checkpoint(TargetAddress const& address,
                                                               std::string const& database,
                                                               std::string const& job_id) {
  SqlConnection sql(address);
  CheckpointTable table(sql, database, job_id);
  if (!table.is_there())
    return std::nullopt;
  auto const owner = newest_whole(table.owners());
  if (!owner)
    return std::nullopt;
  return CheckpointInStarRocks{table.read(*owner), owner->record};
}

} // namespace walrock
