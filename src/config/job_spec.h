// A job file, read and checked: everything that the rest of walrock knows about a job.
//
// Made by load_job_file() and parse_job() (job_file.h); a plain value, immutable once made, any
// thread. Every field is set: what the file leaves out has the default written here. The keys that
// set the fields are declared in keys.cpp and listed in docs/guide/configuration.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/batch.h" // Compression
#include "model/names.h"
#include "model/table_options.h"

namespace walrock {

struct HostPort {
  std::string host; // IPv6 without brackets
  int port = 0;
  auto operator<=>(HostPort const&) const = default;
};

// "host:port", an IPv6 host in brackets.
[[nodiscard]] std::string to_string(HostPort const& address);

// Where the stream begins when there is no checkpoint yet.
enum class StartupMode {
  initial,  // copy what is there, then follow
  latest,   // follow from now on, copy nothing
  earliest, // follow from where the existing slot stands, copy nothing; no slot is an error
};

// As libpq's sslmode; StarRocks' connections know disable, require, verify_ca and verify_full.
enum class TlsMode { disable, allow, prefer, require, verify_ca, verify_full };

struct TlsSpec {
  TlsMode mode = TlsMode::prefer;
  std::string ca_file; // absolute paths, or empty
  std::string certificate_file;
  std::string key_file;
};

// One entry of table-name, or one name of a comma-separated text.
struct TablePattern {
  std::string text;               // with its namespace, e.g. "public.users", "public.*"
  std::optional<TableName> plain; // set when it names one table, without wildcards
  std::string regex;              // of "namespace.table" as a whole; always set (RE2)
  std::string place;              // "job.yml:12:5"
};

// Which of several hosts will do; as libpq's target_session_attrs.
enum class SessionAttrs { any, read_write, read_only, primary, standby };

// What is done when the slot can not be continued without a gap.
enum class SlotLost {
  fail, // refuse, with what to do
  copy, // make a new slot and copy every table again, swapped in
};

struct SourceSpec {
  std::vector<HostPort> hosts; // at least one; libpq tries them in turn
  std::string username;
  Secret password; // may be empty: .pgpass and trust work too
  std::string database;
  std::string default_namespace = "public"; // of table names without one (schema-name)
  TlsSpec tls;

  std::optional<SessionAttrs> session_attrs; // unset: read_write of several hosts, else any

  std::string slot_name;
  bool slot_failover = false; // synchronized to standbys (17 and later)
  SlotLost slot_lost = SlotLost::fail;
  std::uint64_t slot_wal_limit = 0; // bytes that the slot may keep; 0: only the server's own limit
  Milliseconds slot_warning{3'600'000}; // warn when the limit is nearer than this
  std::string publication_name;
  bool auto_create_publication = true;

  std::vector<TablePattern> tables; // at least one
  std::vector<TablePattern> excluded_tables;
  StartupMode startup = StartupMode::initial;

  int max_connections = 0;        // of walrock to PostgreSQL, all together; 0: as many as it wants
  std::uint64_t copy_rate = 0;    // bytes per second over all copy workers; 0: no limit
  Milliseconds lock_wait{10'000}; // lock_timeout of our own LOCK TABLE
  Milliseconds connect_timeout{10'000};
  Milliseconds heartbeat{10'000};       // status updates are sent at least this often
  Milliseconds receive_timeout{60'000}; // silence of the stream, although it was asked
};

enum class Semantic { exactly_once, at_least_once };

// What becomes visible at once: the rows of one table, or of all tables of a source transaction.
enum class Transactions { per_table, across_tables };

// What load.properties.format asks for; a preference, the encoder may decide otherwise per label.
enum class FormatPreference { automatic, csv, json };

struct TargetSpec {
  std::vector<HostPort> fe_nodes; // HTTP addresses of frontends, at least one
  bool uses_https = false;        // fe_nodes speak HTTPS
  int mysql_port = 9030;          // of the same hosts
  // For SQL, where the frontends differ in their ports (jdbc-url); empty: fe_nodes with mysql_port.
  std::vector<HostPort> sql_nodes;
  std::string username;
  Secret password;
  // For DDL (schema-sync.starrocks); the three above when the file gives no other.
  std::vector<HostPort> ddl_fe_nodes;
  std::string ddl_username;
  Secret ddl_password;

  std::string database;
  // The target's table name: empty (the source table's own name), a name, or a template with
  // {table} and {schema}. Use target_for() of table_rules.h, which knows the rules.
  std::string table;
  std::string time_zone = "UTC"; // of timestamptz in a DATETIME; an IANA name
  std::string label_prefix = "walrock";
  Semantic semantic = Semantic::exactly_once;
  Transactions transactions = Transactions::per_table; // across_tables: only exactly_once
  Compression compression = Compression::none;
  FormatPreference format = FormatPreference::automatic;
  // "host" or "host:port" as a backend registered itself -> "host" or "host:port" to use instead.
  std::map<std::string, std::string> backend_hosts;
  TlsSpec tls{
      TlsMode::disable, {}, {}, {}};     // of the SQL connections; the files count for HTTPS too
  TlsMode https_mode = TlsMode::disable; // with uses_https: require, verify_ca or verify_full
  std::map<std::string, std::string> load_properties; // sent as headers of every load, checked

  Milliseconds connect_timeout{10'000};
  Milliseconds load_timeout{600'000};        // `timeout` of a load transaction, whole seconds
  Milliseconds prepared_timeout{86'400'000}; // how long a prepared label waits for its commit
};

struct SchemaSyncSpec {
  bool enable = true;
  bool auto_create_table = true;
  bool ignore_incompatible_fields = false;
};

// One block of `tables:`. Unset parts leave what a block before it or the defaults say.
struct TableBlock {
  TablePattern pattern;
  TableOptions options; // existing_rows only means something with sets_existing_rows
  bool sets_existing_rows = false;
  std::string target_table; // of sink.starrocks.database; empty: not said here
};

// Restarts after faults inside walrock. A server that cannot be reached is waited for without
// limit.
struct RestartPolicy {
  int attempts = 3; // in a row without progress
  Milliseconds delay{10'000};
};

// Where the checkpoint is kept: checkpoint.db in the checkpoint folder, or a table in StarRocks.
enum class CheckpointPlace { file, starrocks };

struct EngineSpec {
  Milliseconds freshness{1'000};       // goal: from commit in the source to visible in the target
  std::uint64_t memory = 256ULL << 20; // bytes, of the whole process
  std::uint64_t spool_limit = 4ULL << 30;          // bytes on disk of changes that wait
  std::string durable_spool;                       // absolute folder; empty: off
  std::uint64_t durable_spool_limit = 16ULL << 30; // bytes on disk
  int copy_workers = 2;
  int loaders = 2;
  HostPort http{"127.0.0.1", 8081}; // port 0: a free one
  std::string checkpoint_folder;    // absolute
  CheckpointPlace checkpoint_store = CheckpointPlace::file;
  std::string checkpoint_database = "walrock"; // of starrocks
  Milliseconds checkpoint_takeover{30'000};    // of starrocks: silence of a dead owner
  log::Level log_level = log::Level::info;
  RestartPolicy restart;
};

struct JobSpec {
  std::string file_name; // as the user gave it, for messages
  int version = 1;       // of the job file's format
  std::string id;        // [A-Za-z0-9_.-], names checkpoint folder and labels
  std::string name;      // for people; the id when not given

  SourceSpec source;
  TargetSpec target;
  SchemaSyncSpec schema_sync;
  TableOptions table_defaults;    // what sink.starrocks says for all tables
  std::vector<TableBlock> tables; // in the order of the file
  EngineSpec engine;

  // What values of this file mean here where that is not what they mean elsewhere, a line each.
  std::vector<std::string> notes;
};

} // namespace walrock
