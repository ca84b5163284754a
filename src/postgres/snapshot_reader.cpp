#include "postgres/snapshot_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/error.h"
#include "postgres/catalog.h"
#include "postgres/pq_error.h"

namespace walrock {

namespace {

constexpr int kFirstWithTidRanges = 140000;
constexpr int kFirstWithDetachPending = 140000;

// relfilenode as the snapshot sees it, of the table and of all its partitions. One whose DETACH
// CONCURRENTLY is under way (14 and later) is none.
constexpr char kFilenodesThen[] = R"(
WITH RECURSIVE tree AS (
  SELECT {0}::oid AS oid
  UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent{1})
SELECT string_agg(c.oid || ':' || c.relfilenode, ' ' ORDER BY c.oid)
FROM tree JOIN pg_class c USING (oid))";

// And as it is now: these functions do not look through the snapshot.
constexpr char kFilenodesNow[] = R"(
SELECT string_agg(relid::oid || ':' || coalesce(pg_relation_filenode(relid), 0), ' '
                  ORDER BY relid::oid)
FROM pg_partition_tree({0}))";

// One round trip. Its last statement tells whether the name still means this table, and whether its
// files are still those that the snapshot knows.
std::string begin_sql(std::string_view snapshot_name, SourceTable const& table,
                      Milliseconds lock_wait, int server_version) {
  std::string const oid = std::to_string(table.id.oid);
  bool const is_partitioned = table.relkind == 'p';
  std::string const same =
      is_partitioned
          ? fmt::format("({}) IS NOT DISTINCT FROM ({})",
                        fmt::format(kFilenodesThen, oid,
                                    server_version >= kFirstWithDetachPending ? " AND NOT "
                                                                                "i.inhdetachpending"
                                                                              : ""),
                        fmt::format(kFilenodesNow, oid))
          : fmt::format("coalesce((SELECT relfilenode FROM pg_class WHERE oid = {0}) = "
                        "pg_relation_filenode({0}), false)",
                        oid);
  return fmt::format("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                     "SET TRANSACTION SNAPSHOT {}; SET LOCAL lock_timeout = {}; "
                     "LOCK TABLE {}{} IN ACCESS SHARE MODE; SET LOCAL lock_timeout = 0; "
                     "SELECT {}::regclass::oid = {}, {}",
                     quote_pg_literal(snapshot_name),
                     std::max<Milliseconds::rep>(lock_wait.count(), 1),
                     is_partitioned ? "" : "ONLY ", quote_pg(table.name),
                     quote_pg_literal(quote_pg(table.name)), oid, same);
}

// What a failure of begin_sql means. 22023, 55000, 42704 (17 and later) and 58P01 are the ways to
// say that the snapshot is not there.
std::optional<BeginOutcome> outcome_of(Error const& error) {
  std::string const& state = error.sqlstate();
  if (state == "42P01" || state == "3F000")
    return BeginOutcome::missing;
  if (state == "55P03")
    return BeginOutcome::locked;
  if (state == "22023" || state == "55000" || state == "42704" || state == "58P01")
    throw Error(ErrorCode::snapshot_lost, error.message()).set_sqlstate(state);
  return std::nullopt;
}

std::string column_list(SourceTable const& table) {
  std::string out;
  for (SourceColumn const& column : table.columns)
    if (column.is_sent)
      out += (out.empty() ? "" : ", ") + quote_pg(column.name);
  return out;
}

// COPY of a table takes no generated columns, COPY of a query does.
bool has_generated(SourceTable const& table) {
  return std::any_of(table.columns.begin(), table.columns.end(), [](SourceColumn const& column) {
    return column.is_sent && column.generated != '\0';
  });
}

bool is_whole(Split const& split) {
  return !split.first_page && !split.end_page;
}

std::string row_condition(SourceTable const& table, Split const& split) {
  std::string out;
  auto const add = [&out](std::string const& condition) {
    out += (out.empty() ? " WHERE " : " AND ") + condition;
  };
  if (split.first_page)
    add(fmt::format("ctid >= '({},0)'", *split.first_page));
  if (split.end_page)
    add(fmt::format("ctid < '({},0)'", *split.end_page));
  if (!table.row_filter.empty())
    add("(" + table.row_filter + ")");
  return out;
}

} // namespace

std::string copy_sql(SourceTable const& table, Split const& split, int server_version) {
  std::string const columns = column_list(table);
  bool const is_partitioned = table.relkind == 'p';
  if (!is_whole(split) && (is_partitioned || server_version < kFirstWithTidRanges))
    throw Error(ErrorCode::internal, "table " + to_string(table.name) + " cannot be read in parts");
  bool const is_plain = !columns.empty() && table.row_filter.empty() && !has_generated(table);
  if (is_whole(split) && !is_partitioned && is_plain)
    return fmt::format("COPY {} ({}) TO STDOUT", quote_pg(table.name), columns);
  return fmt::format("COPY (SELECT {} FROM {}{}{}) TO STDOUT", columns,
                     is_partitioned ? "" : "ONLY ", quote_pg(table.name),
                     row_condition(table, split));
}

std::vector<Split> split_table(SourceTable const& table, std::uint32_t pages_per_split,
                               int server_version) {
  std::int64_t const step = std::max<std::int64_t>(pages_per_split, 1);
  if (table.relkind == 'p' || server_version < kFirstWithTidRanges || table.page_count <= step)
    return {Split{table.id, 0, std::nullopt, std::nullopt}};
  std::vector<Split> out;
  for (std::int64_t page = 0; page < table.page_count; page += step)
    out.push_back({table.id, static_cast<std::uint32_t>(out.size()),
                   static_cast<std::uint32_t>(page), static_cast<std::uint32_t>(page + step)});
  out.back().end_page.reset();
  return out;
}

SnapshotKeeper::SnapshotKeeper(SourceAddress const& address, std::string_view slot_name,
                               SlotLifetime lifetime, std::stop_token const& stop)
    : connection_(address, ConnectionKind::replication, stop),
      slot_(create_slot(connection_, slot_name, lifetime, stop)) {}

SnapshotReader::~SnapshotReader() {
  free_line();
}

SnapshotReader::SnapshotReader(SnapshotReader&& other) noexcept
    : connection_(std::move(other.connection_)), line_(std::exchange(other.line_, nullptr)),
      copying_(std::exchange(other.copying_, false)) {}

void SnapshotReader::free_line() noexcept {
  PQfreemem(line_);
  line_ = nullptr;
}

BeginOutcome SnapshotReader::begin(std::string_view snapshot_name, SourceTable const& table,
                                   Milliseconds lock_wait, std::stop_token const& stop) {
  try {
    auto const results = connection_.query_all(
        begin_sql(snapshot_name, table, lock_wait, connection_.server_version()), stop);
    QueryResult const& check = results.back();
    if (check.truth(0, 0) && check.truth(0, 1))
      return BeginOutcome::ready;
    abandon(stop);
    return check.truth(0, 0) ? BeginOutcome::changed : BeginOutcome::missing;
  } catch (ConnectionLost const&) {
    throw;
  } catch (Stopped const&) {
    throw;
  } catch (Error& error) {
    abandon(stop);
    if (auto const outcome = outcome_of(error))
      return *outcome;
    error.add_context("table " + to_string(table.name));
    throw;
  }
}

void SnapshotReader::start_copy(SourceTable const& table, Split const& split,
                                std::stop_token const& stop) {
  connection_.send(copy_sql(table, split, connection_.server_version()));
  auto const result = connection_.next_result(stop);
  if (result != nullptr && PQresultStatus(result.get()) == PGRES_COPY_OUT) {
    copying_ = true;
    return;
  }
  PqFailure failure =
      failure_of(connection_.raw(), result.get(), "copy table " + to_string(table.name));
  if (failure.sqlstate == "42703") // undefined_column
    failure.code = ErrorCode::table_changed;
  if (failure.sqlstate == "42501") // insufficient_privilege; row_security is off
    failure.advice = fmt::format("GRANT SELECT ON {0} TO {1}; or, where row level security hides "
                                 "rows of it: ALTER ROLE {1} BYPASSRLS;",
                                 quote_pg(table.name), quote_pg(PQuser(connection_.raw())));
  while (connection_.next_result(stop) != nullptr) {
  }
  raise(std::move(failure));
}

std::optional<std::span<char>> SnapshotReader::next_line(std::stop_token const& stop) {
  while (true) {
    free_line();
    int const size = PQgetCopyData(connection_.raw(), &line_, 1);
    connection_.bound_message(size != 0);
    if (size > 0) {
      auto length = static_cast<std::size_t>(size);
      if (line_[length - 1] == '\n')
        --length;
      return std::span<char>(line_, length);
    }
    if (size < 0) {
      finish_copy(stop);
      return std::nullopt;
    }
    connection_.wait(Connection::WaitFor::read, stop);
    if (!connection_.consume())
      raise(failure_of(connection_.raw(), nullptr, "read a copy"));
  }
}

// Behind the last row, or behind the rows that came before an error.
void SnapshotReader::finish_copy(std::stop_token const& stop) {
  copying_ = false;
  std::optional<PqFailure> failure;
  while (auto const result = connection_.next_result(stop)) {
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR && !failure)
      failure = failure_of(connection_.raw(), result.get(), "read a copy");
    if (PQstatus(connection_.raw()) != CONNECTION_OK)
      break;
  }
  if (failure)
    raise(std::move(*failure));
}

void SnapshotReader::end(std::stop_token const& stop) {
  (void)connection_.query("COMMIT", {}, stop);
}

void SnapshotReader::abandon(std::stop_token const& stop) {
  if (std::exchange(copying_, false)) {
    connection_.cancel();
    int size = 0;
    while (size >= 0) {
      free_line();
      size = PQgetCopyData(connection_.raw(), &line_, 1);
      if (size != 0)
        continue;
      connection_.wait(Connection::WaitFor::read, stop);
      if (!connection_.consume())
        raise(failure_of(connection_.raw(), nullptr, "cancel a copy"));
    }
    while (connection_.next_result(stop) != nullptr) { // the cancellation, as an error
    }
  }
  (void)connection_.query("ROLLBACK", {}, stop);
}

bool SnapshotReader::is_lock_awaited(RelationId id) {
  return walrock::is_lock_awaited(connection_, id);
}

} // namespace walrock
