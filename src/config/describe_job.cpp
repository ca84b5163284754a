// describe(): a job for logs. What is a Secret is only said to be there or not.
#include "config/job_file.h"
#include "config/values.h"

#include <algorithm>

#include <fmt/format.h>

namespace walrock {

namespace {

char const* word(StartupMode mode) {
  switch (mode) {
  case StartupMode::initial: return "initial";
  case StartupMode::latest: return "latest";
  case StartupMode::earliest: return "earliest";
  }
  return "";
}
char const* word(TlsMode mode) {
  switch (mode) {
  case TlsMode::disable: return "disable";
  case TlsMode::allow: return "allow";
  case TlsMode::prefer: return "prefer";
  case TlsMode::require: return "require";
  case TlsMode::verify_ca: return "verify-ca";
  case TlsMode::verify_full: return "verify-full";
  }
  return "";
}
char const* word(Compression compression) {
  switch (compression) {
  case Compression::none: return "none";
  case Compression::lz4: return "lz4";
  case Compression::zstd: return "zstd";
  }
  return "";
}
char const* word(FormatPreference format) {
  switch (format) {
  case FormatPreference::automatic: return "automatic";
  case FormatPreference::csv: return "csv";
  case FormatPreference::json: return "json";
  }
  return "";
}
char const* word(ExistingRows rows) {
  switch (rows) {
  case ExistingRows::fail: return "fail";
  case ExistingRows::truncate: return "truncate";
  case ExistingRows::keep: return "keep";
  case ExistingRows::swap: return "swap";
  }
  return "";
}
char const* word(UnchangedValues values) {
  return values == UnchangedValues::partial_update ? "partial-update" : "read-back";
}

char const* word(WithoutKey choice) {
  return choice == WithoutKey::exact ? "exact" : "append";
}

char const* word(Deletes deletes) {
  switch (deletes) {
  case Deletes::hard: return "hard";
  case Deletes::soft: return "soft";
  case Deletes::ignore: return "ignore";
  }
  return "";
}
char const* word(BadRows rows) {
  return rows == BadRows::fail ? "fail" : "quarantine";
}

char const* word(DroppedPartitions dropped) {
  return dropped == DroppedPartitions::keep ? "keep" : "copy-again";
}

char const* word(log::Level level) {
  switch (level) {
  case log::Level::debug: return "debug";
  case log::Level::info: return "info";
  case log::Level::warning: return "warning";
  case log::Level::error: return "error";
  case log::Level::off: return "off";
  }
  return "";
}
char const* word(std::optional<SessionAttrs> attrs) {
  if (!attrs)
    return "";
  switch (*attrs) {
  case SessionAttrs::any: return "any";
  case SessionAttrs::read_write: return "read-write";
  case SessionAttrs::read_only: return "read-only";
  case SessionAttrs::primary: return "primary";
  case SessionAttrs::standby: return "standby";
  }
  return "";
}
char const* word(SlotLost policy) {
  switch (policy) {
  case SlotLost::fail: return "fail";
  case SlotLost::copy: return "copy";
  }
  return "";
}
char const* word(Secret const& secret) {
  return secret.empty() ? "(empty)" : "***";
}
char const* word(bool flag) {
  return flag ? "true" : "false";
}

std::string text_of(std::vector<HostPort> const& addresses) {
  std::string text;
  for (HostPort const& address : addresses)
    text += (text.empty() ? "" : ",") + to_string(address);
  return text;
}
std::string text_of(std::vector<TablePattern> const& patterns) {
  std::string text;
  for (TablePattern const& pattern : patterns)
    text += (text.empty() ? "" : ",") + pattern.text;
  return text;
}
std::string text_of(std::vector<std::string> const& texts) {
  return fmt::format("{}", fmt::join(texts, ","));
}
std::string text_of(std::vector<MadeColumn> const& columns) {
  std::vector<std::string> names;
  for (MadeColumnType const& made : kMadeColumns)
    if (std::find(columns.begin(), columns.end(), made.column) != columns.end())
      names.emplace_back(made.name);
  return text_of(names);
}
std::string text_of(std::map<std::string, std::string> const& map) {
  std::string text;
  for (auto const& [name, value] : map)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text;
}
std::string text_of(ValuePolicies const& policies) {
  std::map<std::string, std::string> words;
  for (auto const& [name, policy] : policies)
    words.emplace(name, to_string(policy));
  return text_of(words);
}

class Lines {
public:
  template <typename Value> void add(std::string_view name, Value const& value) {
    text_ += fmt::format("{}{}={}\n", section_, name, value);
  }
  void section(std::string section) { section_ = std::move(section); }
  std::string take() { return std::move(text_); }

private:
  std::string section_;
  std::string text_;
};

void add_tls(Lines& lines, TlsSpec const& tls) {
  lines.add("tls.mode", word(tls.mode));
  lines.add("tls.ca", tls.ca_file);
  lines.add("tls.cert", tls.certificate_file);
  lines.add("tls.key", tls.key_file);
}

void add_source(Lines& lines, SourceSpec const& source) {
  lines.section("source.");
  lines.add("hosts", text_of(source.hosts));
  lines.add("username", source.username);
  lines.add("password", word(source.password));
  lines.add("database", source.database);
  lines.add("schema", source.default_namespace);
  add_tls(lines, source.tls);
  lines.add("target-session-attrs", word(source.session_attrs));
  lines.add("slot", source.slot_name);
  lines.add("slot.failover", word(source.slot_failover));
  lines.add("slot.lost", word(source.slot_lost));
  lines.add("slot.wal-limit", size_text(source.slot_wal_limit));
  lines.add("slot.warn-before", duration_text(source.slot_warning));
  lines.add("publication", source.publication_name);
  lines.add("publication.auto-create", word(source.auto_create_publication));
  lines.add("tables", text_of(source.tables));
  lines.add("excluded-tables", text_of(source.excluded_tables));
  lines.add("startup", word(source.startup));
  lines.add("max-connections", source.max_connections);
  lines.add("copy-rate", size_text(source.copy_rate));
  lines.add("lock-wait", duration_text(source.lock_wait));
  lines.add("connect.timeout", duration_text(source.connect_timeout));
  lines.add("heartbeat", duration_text(source.heartbeat));
  lines.add("receive-timeout", duration_text(source.receive_timeout));
}

void add_target(Lines& lines, TargetSpec const& target) {
  lines.section("sink.");
  lines.add("fe-nodes", text_of(target.fe_nodes));
  lines.add("https", word(target.https_mode));
  lines.add("mysql-port", target.mysql_port);
  lines.add("sql-nodes", text_of(target.sql_nodes));
  lines.add("username", target.username);
  lines.add("password", word(target.password));
  lines.add("ddl.fe-nodes", text_of(target.ddl_fe_nodes));
  lines.add("ddl.username", target.ddl_username);
  lines.add("ddl.password", word(target.ddl_password));
  lines.add("database", target.database);
  lines.add("table", target.table);
  lines.add("time-zone", target.time_zone);
  lines.add("label-prefix", target.label_prefix);
  lines.add("semantic",
            target.semantic == Semantic::exactly_once ? "exactly-once" : "at-least-once");
  lines.add("transactions",
            target.transactions == Transactions::per_table ? "per-table" : "across-tables");
  lines.add("compression", word(target.compression));
  lines.add("format", word(target.format));
  lines.add("backend-hosts", text_of(target.backend_hosts));
  add_tls(lines, target.tls);
  lines.add("load.properties", text_of(target.load_properties));
  lines.add("connect.timeout", duration_text(target.connect_timeout));
  lines.add("load.timeout", duration_text(target.load_timeout));
  lines.add("prepared.timeout", duration_text(target.prepared_timeout));
}

void add_options(Lines& lines, TableOptions const& options) {
  lines.add("unique-key", text_of(options.unique_key));
  lines.add("buckets", options.buckets ? std::to_string(*options.buckets) : "");
  lines.add("partition-by", options.partition_by);
  lines.add("sort-key", text_of(options.sort_key));
  lines.add("properties", text_of(options.properties));
  lines.add("column-types", text_of(options.column_types));
  lines.add("unsupported-values", text_of(options.type_policies));
  lines.add("column-unsupported-values", text_of(options.column_policies));
  lines.add("existing-rows", word(options.existing_rows));
  lines.add("dropped-partitions",
            options.dropped_partitions ? word(*options.dropped_partitions) : "");
  lines.add("bad-rows", options.bad_rows ? word(*options.bad_rows) : "");
  lines.add("bad-rows-limit",
            options.bad_rows_limit ? std::to_string(*options.bad_rows_limit) : "");
  lines.add("unchanged-values", options.unchanged_values ? word(*options.unchanged_values) : "");
  lines.add("without-key", options.without_key ? word(*options.without_key) : "");
  lines.add("deletes", options.deletes ? word(*options.deletes) : "");
  lines.add("history", options.history ? word(*options.history) : "");
  lines.add("metadata-columns", options.metadata_columns ? text_of(*options.metadata_columns) : "");
}

void add_engine(Lines& lines, EngineSpec const& engine) {
  lines.section("walrock.");
  lines.add("freshness", duration_text(engine.freshness));
  lines.add("memory", size_text(engine.memory));
  lines.add("spool-limit", size_text(engine.spool_limit));
  lines.add("durable-spool", engine.durable_spool.empty() ? "off" : engine.durable_spool);
  lines.add("durable-spool-limit", size_text(engine.durable_spool_limit));
  lines.add("copy-workers", engine.copy_workers);
  lines.add("loaders", engine.loaders);
  lines.add("http", to_string(engine.http));
  lines.add("checkpoint", engine.checkpoint_folder);
  lines.add("checkpoint-store",
            engine.checkpoint_store == CheckpointPlace::file ? "file" : "starrocks");
  lines.add("checkpoint-database", engine.checkpoint_database);
  lines.add("checkpoint-takeover", duration_text(engine.checkpoint_takeover));
  lines.add("log-level", word(engine.log_level));
  lines.add("restart-attempts", engine.restart.attempts);
  lines.add("restart-delay", duration_text(engine.restart.delay));
}

} // namespace

std::string describe(JobSpec const& job) {
  Lines lines;
  lines.section("job.");
  lines.add("version", job.version);
  lines.add("id", job.id);
  lines.add("name", job.name);
  add_source(lines, job.source);
  add_target(lines, job.target);
  lines.section("schema-sync.");
  lines.add("enable", word(job.schema_sync.enable));
  lines.add("auto-create-table", word(job.schema_sync.auto_create_table));
  lines.add("ignore-incompatible-fields", word(job.schema_sync.ignore_incompatible_fields));
  lines.section("all-tables.");
  add_options(lines, job.table_defaults);
  for (TableBlock const& block : job.tables) {
    lines.section(fmt::format("tables.{}.", block.pattern.text));
    lines.add("target-table", block.target_table);
    add_options(lines, block.options);
  }
  add_engine(lines, job.engine);
  return lines.take();
}

} // namespace walrock
