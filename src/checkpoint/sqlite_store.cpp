// The tables of the file, its creation and its reading back. Format: docs/formats/checkpoint.md.
//
// Why a WAL journal: a commit is one append and one fsync of the journal, where a rollback journal
// needs three or four; and `walrock status` can read while the owner writes.
#include "checkpoint/sqlite_store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "checkpoint/folder.h"
#include "checkpoint/sqlite.h"

namespace walrock {

namespace {

// "wlrk" in the file's header: told apart from other programs' files.
constexpr std::int64_t kApplicationId = 0x776C726B;
constexpr std::int64_t kFormatVersion = 1;

// LSNs are written as PostgreSQL prints them, so that a person can read the file with sqlite3.
constexpr char kSchema[] = R"(
CREATE TABLE job (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  job_id TEXT NOT NULL, system_identifier TEXT NOT NULL, source_database TEXT NOT NULL,
  slot_name TEXT NOT NULL, publication_name TEXT NOT NULL, consistent_lsn TEXT NOT NULL);
CREATE TABLE progress (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  flushed_lsn TEXT NOT NULL, incarnation INTEGER NOT NULL);
CREATE TABLE source_table (
  oid INTEGER PRIMARY KEY,
  namespace_name TEXT NOT NULL, table_name TEXT NOT NULL,
  target_database TEXT NOT NULL, target_table TEXT NOT NULL,
  state TEXT NOT NULL, applied_lsn TEXT NOT NULL, copied_rows INTEGER NOT NULL,
  filenode INTEGER NOT NULL, layout TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE label (
  database TEXT NOT NULL, label TEXT NOT NULL,
  table_oid INTEGER NOT NULL, epoch INTEGER NOT NULL, part INTEGER NOT NULL,
  state TEXT NOT NULL, end_lsn TEXT NOT NULL, row_count INTEGER NOT NULL,
  PRIMARY KEY (database, label)) WITHOUT ROWID;
INSERT INTO progress VALUES (1, '0/0', 0);
)";

std::string database_path(std::string const& folder) {
  return folder + "/checkpoint.db";
}

std::int64_t milliseconds_since_1970() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string_view word_of(LabelRecord::State state) {
  switch (state) {
  case LabelRecord::State::intended: return "intended";
  case LabelRecord::State::recorded: return "recorded";
  }
  WALROCK_ASSERT(false, "a label state without a word");
}

std::int64_t stored(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}
std::uint64_t unsigned_of(std::int64_t number) {
  return static_cast<std::uint64_t>(number);
}

void remove_with_journal(std::string const& path) {
  for (char const* const suffix : {"", "-wal", "-shm", "-journal"})
    std::remove((path + suffix).c_str());
}

// Made under another name and renamed when it is complete: an empty or half-made checkpoint.db can
// only be a damaged one.
void create_database(std::string const& folder) {
  std::string const path = database_path(folder);
  std::string const fresh = path + ".new";
  remove_with_journal(fresh);
  {
    Sqlite database(fresh, Sqlite::Mode::create);
    database.execute("PRAGMA synchronous = FULL");
    SqliteTransaction transaction(database);
    database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                 kApplicationId, kFormatVersion));
    database.execute(kSchema);
    transaction.commit();
  }
  // Left from a checkpoint.db that somebody removed: SQLite would replay them into the new file.
  remove_with_journal(path);
  std::error_code error;
  std::filesystem::rename(fresh, path, error);
  if (error)
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot create the checkpoint {}: {}", path, error.message()));
  sync_folder(folder);
}

void check_format(Sqlite& database) {
  if (database.integer("PRAGMA application_id") != kApplicationId)
    database.fail_damaged("the file is not a checkpoint of walrock");
  auto const version = database.integer("PRAGMA user_version");
  if (version > kFormatVersion) {
    Error error(ErrorCode::checkpoint_mismatch,
                fmt::format("the checkpoint {} has format {}, this walrock knows formats up to {}",
                            database.path(), version, kFormatVersion));
    error.set_advice("Run the newer walrock that wrote it.");
    throw error;
  }
  if (version != kFormatVersion)
    database.fail_damaged(fmt::format("format {} never existed", version));
  if (auto const found = database.text("PRAGMA quick_check(1)"); found != "ok")
    database.fail_damaged(found);
}

Lsn lsn_in(Sqlite const& database, SqliteStatement& row, int column) {
  std::string const text = row.text(column);
  auto const lsn = parse_lsn(text);
  if (!lsn)
    database.fail_damaged(fmt::format("'{}' is not an LSN", text));
  return *lsn;
}

std::optional<JobRecord> read_job(Sqlite& database) {
  SqliteStatement row(database, "SELECT job_id, system_identifier, source_database, slot_name, "
                                "publication_name, consistent_lsn FROM job");
  if (!row.step())
    return std::nullopt;
  return JobRecord{row.text(0), row.text(1), row.text(2),
                   row.text(3), row.text(4), lsn_in(database, row, 5)};
}

std::vector<TableRecord> read_tables(Sqlite& database) {
  std::vector<TableRecord> tables;
  SqliteStatement row(database,
                      "SELECT oid, namespace_name, table_name, target_database, target_table, "
                      "state, applied_lsn, copied_rows, filenode, layout, reason FROM source_table "
                      "ORDER BY oid");
  while (row.step()) {
    TableRecord table;
    table.id = {static_cast<Oid>(row.integer(0))};
    table.source = {row.text(1), row.text(2)};
    table.target = {row.text(3), row.text(4)};
    auto const state = parse_table_state(row.text(5));
    if (!state)
      database.fail_damaged(fmt::format("'{}' is not a table state", row.text(5)));
    table.state = *state;
    table.applied_lsn = lsn_in(database, row, 6);
    table.copied_rows = unsigned_of(row.integer(7));
    table.filenode = static_cast<Oid>(row.integer(8));
    table.layout = row.text(9);
    table.reason = row.text(10);
    tables.push_back(std::move(table));
  }
  return tables;
}

LabelRecord::State label_state_in(Sqlite const& database, std::string const& word) {
  for (auto const state : {LabelRecord::State::intended, LabelRecord::State::recorded})
    if (word == word_of(state))
      return state;
  database.fail_damaged(fmt::format("'{}' is not a label state", word));
}

std::vector<LabelRecord> read_labels(Sqlite& database) {
  std::vector<LabelRecord> labels;
  SqliteStatement row(database, "SELECT database, label, table_oid, epoch, part, state, end_lsn, "
                                "row_count FROM label ORDER BY table_oid, epoch, part, label");
  while (row.step()) {
    LabelRecord label;
    label.label = {row.text(0), row.text(1)};
    label.table = {static_cast<Oid>(row.integer(2))};
    label.epoch = unsigned_of(row.integer(3));
    label.part = static_cast<std::uint32_t>(row.integer(4));
    label.state = label_state_in(database, row.text(5));
    label.end_lsn = lsn_in(database, row, 6);
    label.row_count = unsigned_of(row.integer(7));
    labels.push_back(std::move(label));
  }
  return labels;
}

Checkpoint read_all(Sqlite& database) {
  // One read transaction: the parts belong to the same moment, also beside a writer.
  database.execute("BEGIN");
  Checkpoint checkpoint;
  checkpoint.job = read_job(database);
  checkpoint.tables = read_tables(database);
  checkpoint.labels = read_labels(database);
  {
    SqliteStatement row(database, "SELECT flushed_lsn, incarnation FROM progress");
    if (!row.step())
      database.fail_damaged("the progress row is missing");
    checkpoint.flushed_lsn = lsn_in(database, row, 0);
    checkpoint.incarnation = unsigned_of(row.integer(1));
  }
  database.execute("COMMIT");
  return checkpoint;
}

Sqlite::Mode opened(std::string const& folder) {
  make_checkpoint_folder(folder);
  std::error_code error;
  if (!std::filesystem::exists(database_path(folder), error))
    create_database(folder);
  return Sqlite::Mode::open;
}

} // namespace

// The connection and the statements of write(), prepared once.
struct SqliteStore::Database {
  explicit Database(std::string const& folder) : sqlite(database_path(folder), opened(folder)) {
    check_format(sqlite);
    if (auto const mode = sqlite.text("PRAGMA journal_mode = WAL"); mode != "wal")
      throw Error(ErrorCode::checkpoint_failed,
                  fmt::format("the checkpoint {} cannot use a WAL journal ({}): its folder must be "
                              "on a local disk",
                              sqlite.path(), mode));
    sqlite.execute("PRAGMA synchronous = FULL");
    statements = std::make_unique<Statements>(sqlite);
  }

  struct Statements {
    explicit Statements(Sqlite& database)
        : job(database, "INSERT OR REPLACE INTO job VALUES (1, ?, ?, ?, ?, ?, ?)"),
          table(database,
                "INSERT OR REPLACE INTO source_table VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
          dropped_table(database, "DELETE FROM source_table WHERE oid = ?"),
          label(database, "INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
          finished_label(database, "DELETE FROM label WHERE database = ? AND label = ?"),
          flushed(database, "UPDATE progress SET flushed_lsn = ?"),
          incarnation(database, "UPDATE progress SET incarnation = ?") {}
    SqliteStatement job, table, dropped_table, label, finished_label, flushed, incarnation;
  };

  Sqlite sqlite;
  std::unique_ptr<Statements> statements;
};

SqliteStore::SqliteStore(std::string const& folder)
    : database_(std::make_unique<Database>(folder)) {}
SqliteStore::~SqliteStore() = default;

Checkpoint SqliteStore::read() {
  return read_all(database_->sqlite);
}

void SqliteStore::write(CheckpointUpdate const& update) {
  if (update.is_empty())
    return;
  auto& statements = *database_->statements;
  SqliteTransaction transaction(database_->sqlite);
  if (update.job) {
    JobRecord const& j = *update.job;
    statements.job
        .bind(j.job_id, j.system_identifier, j.source_database, j.slot_name, j.publication_name,
              to_string(j.consistent_lsn))
        .run();
  }
  for (TableRecord const& t : update.tables)
    statements.table
        .bind(std::int64_t{t.id.oid}, t.source.namespace_name, t.source.table_name,
              t.target.database, t.target.table, std::string(to_string(t.state)),
              to_string(t.applied_lsn), stored(t.copied_rows), std::int64_t{t.filenode}, t.layout,
              t.reason)
        .run();
  for (RelationId const id : update.dropped_tables)
    statements.dropped_table.bind(std::int64_t{id.oid}).run();
  for (LabelRecord const& l : update.labels)
    statements.label
        .bind(l.label.database, l.label.text, std::int64_t{l.table.oid}, stored(l.epoch),
              std::int64_t{l.part}, std::string(word_of(l.state)), to_string(l.end_lsn),
              stored(l.row_count))
        .run();
  for (Label const& label : update.finished_labels)
    statements.finished_label.bind(label.database, label.text).run();
  if (update.flushed_lsn)
    statements.flushed.bind(to_string(*update.flushed_lsn)).run();
  WALROCK_BEFORE(checkpoint_commit);
  transaction.commit();
  WALROCK_AFTER(checkpoint_commit);
}

std::uint64_t SqliteStore::begin_incarnation() {
  // At least the time in milliseconds: a checkpoint that is dropped and made again must not repeat
  // the labels of the one before.
  SqliteTransaction transaction(database_->sqlite);
  auto const last = database_->sqlite.integer("SELECT incarnation FROM progress");
  auto const next = std::max(last + 1, milliseconds_since_1970());
  database_->statements->incarnation.bind(next).run();
  transaction.commit();
  return unsigned_of(next);
}

std::optional<Checkpoint> read_checkpoint(std::string const& folder) {
  std::error_code error;
  if (!std::filesystem::exists(database_path(folder), error))
    return std::nullopt;
  Sqlite database(database_path(folder), Sqlite::Mode::read_only);
  check_format(database);
  return read_all(database);
}

bool remove_checkpoint(std::string const& folder) {
  std::string const path = database_path(folder);
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return false;
  remove_with_journal(path);
  if (std::filesystem::exists(path, error))
    throw Error(ErrorCode::checkpoint_failed, fmt::format("cannot remove the checkpoint {}", path));
  sync_folder(folder);
  return true;
}

} // namespace walrock
