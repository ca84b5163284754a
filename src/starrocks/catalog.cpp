#include "starrocks/catalog.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/pause.h"
#include "starrocks/column_type.h"

namespace walrock {

namespace {

bool contains(std::string_view text, std::string_view wanted) {
  return text.find(wanted) != std::string_view::npos;
}

std::optional<std::uint64_t> number_of(std::optional<std::string> const& text) {
  std::uint64_t number = 0;
  if (!text)
    return std::nullopt;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size())
    return std::nullopt;
  return number;
}

// TABLE_MODEL is PRIMARY_KEYS or PRI_KEYS, UNIQUE_KEYS or UNQ_KEYS...; COLUMN_KEY is PRI, UNI, DUP,
// AGG.
TableModel model_of(std::string const& word) {
  if (word.starts_with("PRI"))
    return TableModel::primary;
  if (word.starts_with("UN"))
    return TableModel::unique;
  if (word.starts_with("AGG"))
    return TableModel::aggregate;
  return TableModel::duplicate;
}

// "`k1`, `k2`", backticks inside doubled; also without any backticks.
std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  std::string name;
  bool is_quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    char const c = list[i];
    if (c == '`' && is_quoted && i + 1 < list.size() && list[i + 1] == '`')
      name += list[++i];
    else if (c == '`')
      is_quoted = !is_quoted;
    else if (c == ',' && !is_quoted)
      names.push_back(std::exchange(name, {}));
    else if (c != ' ' || is_quoted)
      name += c;
  }
  if (!name.empty())
    names.push_back(std::move(name));
  return names;
}

std::map<std::string, std::string> properties_in(std::string const& text) {
  std::map<std::string, std::string> properties;
  auto const object = nlohmann::json::parse(text, nullptr, false);
  if (object.is_object())
    for (auto const& [name, value] : object.items())
      properties[name] = value.is_string() ? value.get<std::string>() : value.dump();
  return properties;
}

// Both names by equality: that is what StarRocks pushes down.
std::string of_table(TargetName const& name) {
  return fmt::format("WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
                     quote_starrocks_literal(name.database), quote_starrocks_literal(name.table));
}

void read_config(SqlRows const& config, TargetTable& table) {
  auto const& row = config.rows.front();
  auto const text = [&](char const* column) { return config.value(row, column).value_or(""); };
  table.model = model_of(text("TABLE_MODEL"));
  if (auto key = names_in(text("PRIMARY_KEY")); !key.empty())
    table.key = std::move(key);
  table.distribution_key = names_in(text("DISTRIBUTE_KEY"));
  table.sort_key = names_in(text("SORT_KEY"));
  if (auto const buckets = number_of(config.value(row, "DISTRIBUTE_BUCKET"));
      buckets && *buckets > 0)
    table.buckets = static_cast<int>(*buckets);
  table.partition_by = text("PARTITION_KEY");
  table.properties = properties_in(text("PROPERTIES"));
  table.table_id = text("TABLE_ID");
}

// Rows of SHOW BACKENDS or SHOW COMPUTE NODES.
void add_backends(SqlRows const& rows, bool is_compute_node, std::vector<Backend>& backends) {
  for (auto const& row : rows.rows) {
    Backend backend;
    backend.host = rows.value(row, "IP").value_or("");
    backend.http_port = static_cast<int>(number_of(rows.value(row, "HttpPort")).value_or(0));
    backend.is_alive = rows.value(row, "Alive") == "true";
    backend.is_compute_node = is_compute_node;
    backends.push_back(std::move(backend));
  }
}

struct AlterJob {
  std::string state; // empty: there was never one
  std::string message;
  [[nodiscard]] bool is_over() const {
    return state.empty() || state == "FINISHED" || state == "CANCELLED";
  }
};

AlterJob last_alter(SqlConnection& sql, TargetName const& name) {
  SqlRows const jobs = sql.query(
      fmt::format("SHOW ALTER TABLE COLUMN FROM {} WHERE TableName = {} ORDER BY CreateTime DESC "
                  "LIMIT 1",
                  quote_starrocks(name.database), quote_starrocks_literal(name.table)));
  if (jobs.rows.empty())
    return {};
  auto const& row = jobs.rows.front();
  return {jobs.value(row, "State").value_or(""), jobs.value(row, "Msg").value_or("")};
}

// Another schema change, or one of a try before: it passes.
bool is_passing(Error const& error) {
  return error.retry() == Retry::later || contains(error.what(), "already exists");
}

void wait_before_retry(Backoff& backoff, Deadline deadline, std::stop_token const& stop,
                       std::string const& what) {
  if (deadline.is_over(std::chrono::steady_clock::now())) {
    Error error(ErrorCode::target_query_failed, what + ": not done in time");
    error.set_retry(Retry::later);
    throw error;
  }
  if (!pause_for(backoff.next(), stop))
    throw Stopped();
}

Backoff alter_backoff() {
  return {Milliseconds(50), Milliseconds(1000)};
}

std::string add_columns_statement(TargetName const& name,
                                  std::vector<TargetColumn> const& columns) {
  std::string sql = "ALTER TABLE " + quote_starrocks(name);
  for (std::size_t i = 0; i < columns.size(); ++i)
    sql += (i == 0 ? " ADD COLUMN " : ", ADD COLUMN ") + column_clause(columns[i]);
  return sql;
}

} // namespace

std::string column_clause(TargetColumn const& column) {
  std::string clause = quote_starrocks(column.name) + " " + column.type +
                       (column.is_nullable ? " NULL" : " NOT NULL");
  if (column.default_text) {
    // Functions and NULL are keywords, everything else is written as a string.
    bool const is_bare = *column.default_text == "CURRENT_TIMESTAMP" ||
                         column.default_text->starts_with("CURRENT_TIMESTAMP(") ||
                         *column.default_text == "NULL";
    clause += " DEFAULT " +
              (is_bare ? *column.default_text : quote_starrocks_literal(*column.default_text));
  }
  if (!column.comment.empty())
    clause += " COMMENT " + quote_starrocks_literal(column.comment);
  return clause;
}

ServerVersion TargetCatalog::version() {
  SqlRows const rows = sql_.query("SELECT current_version()");
  std::string const text =
      rows.rows.empty() || rows.rows[0].empty() ? "" : rows.rows[0][0].value_or("");
  auto const version = parse_server_version(text);
  if (!version)
    throw Error(ErrorCode::target_protocol_violation,
                fmt::format("'{}' is not a version of StarRocks", text));
  return *version;
}

std::vector<std::string> TargetCatalog::databases() {
  std::vector<std::string> names;
  for (auto const& row : sql_.query("SELECT SCHEMA_NAME FROM information_schema.schemata").rows)
    names.push_back(row[0].value_or(""));
  return names;
}

std::vector<std::string> TargetCatalog::tables(std::string const& database) {
  std::vector<std::string> names;
  SqlRows const rows = sql_.query(
      fmt::format("SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = {} AND "
                  "TABLE_TYPE = \"BASE TABLE\"",
                  quote_starrocks_literal(database)));
  for (auto const& row : rows.rows)
    names.push_back(row[0].value_or(""));
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<TargetTable> TargetCatalog::describe_table(TargetName const& name) {
  SqlRows const columns = sql_.query(
      "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, COLUMN_COMMENT, COLUMN_KEY "
      "FROM information_schema.columns " +
      of_table(name) + " ORDER BY ORDINAL_POSITION");
  if (columns.rows.empty())
    return std::nullopt;
  TargetTable table;
  table.name = name;
  table.model = TableModel::duplicate;
  for (auto const& row : columns.rows) {
    table.columns.push_back({row[0].value_or(""), column_type_from_catalog(row[1].value_or("")),
                             row[2] == "YES", row[3], row[4].value_or("")});
    if (row[5] && !row[5]->empty()) {
      table.key.push_back(table.columns.back().name);
      table.model = model_of(*row[5]);
    }
  }
  SqlRows const config =
      sql_.query("SELECT TABLE_MODEL, PRIMARY_KEY, DISTRIBUTE_KEY, DISTRIBUTE_BUCKET, SORT_KEY, "
                 "PARTITION_KEY, PROPERTIES, TABLE_ID FROM information_schema.tables_config " +
                 of_table(name));
  if (!config.rows.empty())
    read_config(config, table);
  return table;
}

std::vector<TargetName> TargetCatalog::tables_beginning_with(TargetName const& prefix) {
  std::vector<TargetName> found;
  SqlRows const rows = sql_.query("SELECT TABLE_NAME FROM information_schema.tables WHERE "
                                  "TABLE_SCHEMA = " +
                                  quote_starrocks_literal(prefix.database));
  for (auto const& row : rows.rows)
    if (row[0] && row[0]->starts_with(prefix.table))
      found.push_back({prefix.database, *row[0]});
  return found;
}

bool TargetCatalog::has_rows(TargetName const& name) {
  return !sql_.query("SELECT 1 FROM " + quote_starrocks(name) + " LIMIT 1").rows.empty();
}

std::uint64_t TargetCatalog::row_count(TargetName const& name) {
  SqlRows const rows = sql_.query("SELECT count(*) FROM " + quote_starrocks(name));
  auto const count = rows.rows.empty() ? std::nullopt : number_of(rows.rows[0][0]);
  if (!count)
    throw Error(ErrorCode::target_protocol_violation,
                fmt::format("count(*) of {} is not a number", to_string(name)));
  return *count;
}

std::optional<std::vector<Backend>> TargetCatalog::backends() {
  std::vector<Backend> found;
  try {
    add_backends(sql_.query("SHOW BACKENDS"), false, found);
  } catch (Error const& error) {
    if (error.code() == ErrorCode::target_permission_denied)
      return std::nullopt;
    throw;
  }
  try {
    add_backends(sql_.query("SHOW COMPUTE NODES"), true, found);
  } catch (Error const& error) {
    // Only clusters with shared storage need them.
    if (error.code() != ErrorCode::target_permission_denied &&
        error.code() != ErrorCode::target_query_failed)
      throw;
  }
  return found;
}

std::optional<std::size_t> TargetCatalog::replicas_of_small_cluster() {
  auto const known = backends();
  if (!known)
    return std::nullopt;
  auto const alive = static_cast<std::size_t>(
      std::count_if(known->begin(), known->end(), [](Backend const& backend) {
        return backend.is_alive && !backend.is_compute_node;
      }));
  return alive > 0 && alive < 3 ? std::optional(alive) : std::nullopt;
}

std::optional<std::uint64_t> TargetCatalog::running_transaction_limit() {
  try {
    SqlRows const rows =
        sql_.query("ADMIN SHOW FRONTEND CONFIG LIKE \"max_running_txn_num_per_db\"");
    for (auto const& row : rows.rows)
      if (rows.value(row, "Key") == "max_running_txn_num_per_db")
        return number_of(rows.value(row, "Value"));
  } catch (Error const& error) {
    if (error.code() != ErrorCode::target_permission_denied &&
        error.code() != ErrorCode::target_query_failed)
      throw;
  }
  return std::nullopt;
}

void TargetCatalog::execute(std::string const& ddl) {
  sql_.query(ddl);
}

void TargetCatalog::create_database(std::string const& database) {
  execute("CREATE DATABASE IF NOT EXISTS " + quote_starrocks(database));
}

void TargetCatalog::drop_table(TargetName const& name) {
  execute("DROP TABLE IF EXISTS " + quote_starrocks(name) + " FORCE");
}

void TargetCatalog::truncate(TargetName const& name) {
  execute("TRUNCATE TABLE " + quote_starrocks(name));
}

void TargetCatalog::make_twin(TargetName const& target, TargetName const& twin,
                              std::string const& create_sql) {
  drop_table(twin);
  execute(create_sql.empty()
              ? "CREATE TABLE " + quote_starrocks(twin) + " LIKE " + quote_starrocks(target)
              : create_sql);
}

void TargetCatalog::swap(TargetName const& one, TargetName const& other) {
  WALROCK_ASSERT(one.database == other.database, "StarRocks swaps within a database");
  execute("ALTER TABLE " + quote_starrocks(one) + " SWAP WITH " + quote_starrocks(other.table));
}

void TargetCatalog::wait_for_alter(TargetName const& name, Deadline deadline,
                                   std::stop_token const& stop) {
  Backoff backoff = alter_backoff();
  while (!last_alter(sql_, name).is_over())
    wait_before_retry(backoff, deadline, stop, "the schema change of " + to_string(name));
}

void TargetCatalog::add_columns(TargetName const& name, std::vector<TargetColumn> const& columns,
                                Deadline deadline, std::stop_token const& stop) {
  Backoff backoff = alter_backoff();
  for (bool is_asked = false;;) {
    wait_for_alter(name, deadline, stop);
    auto const table = describe_table(name);
    if (!table)
      throw Error(ErrorCode::target_table_missing,
                  fmt::format("the table {} is not in StarRocks", to_string(name)));
    auto const missing = table->lacking(columns);
    if (missing.empty())
      return;
    if (AlterJob const job = last_alter(sql_, name); is_asked && job.state == "CANCELLED")
      throw Error(ErrorCode::target_query_failed,
                  fmt::format("StarRocks cancelled the schema change of {}: {}", to_string(name),
                              job.message));
    try {
      execute(add_columns_statement(name, missing));
      is_asked = true;
    } catch (Error const& error) {
      if (error.code() != ErrorCode::target_query_failed || !is_passing(error))
        throw;
      wait_before_retry(backoff, deadline, stop, error.what());
    }
  }
}

} // namespace walrock
