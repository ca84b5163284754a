// Format 2 differs from format 1 by the checksum of every row, by job.timeline and timeline_start,
// and by progress.write_number and written_at_ms; format 3 from format 2 by job.log_id and
// progress.logged_lsn; format 4 from format 3 by label.reads_back.
#include "checkpoint/sqlite_format.h"

#include <cstdio>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "checkpoint/folder.h"
#include "checkpoint/row_sum.h"

namespace walrock {

namespace {

// "wlrk" in the file's header: told apart from other programs' files.
constexpr std::int64_t kApplicationId = 0x776C726B;

// LSNs are written as PostgreSQL prints them, so that a person can read the file with sqlite3.
constexpr char kSchema[] = R"(
CREATE TABLE job (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  job_id TEXT NOT NULL, system_identifier TEXT NOT NULL, source_database TEXT NOT NULL,
  slot_name TEXT NOT NULL, publication_name TEXT NOT NULL, consistent_lsn TEXT NOT NULL,
  timeline INTEGER NOT NULL, timeline_start TEXT NOT NULL, log_id TEXT NOT NULL,
  checksum INTEGER NOT NULL);
CREATE TABLE progress (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  flushed_lsn TEXT NOT NULL, logged_lsn TEXT NOT NULL, incarnation INTEGER NOT NULL,
  write_number INTEGER NOT NULL, written_at_ms INTEGER NOT NULL,
  checksum INTEGER NOT NULL);
CREATE TABLE source_table (
  oid INTEGER PRIMARY KEY,
  namespace_name TEXT NOT NULL, table_name TEXT NOT NULL,
  target_database TEXT NOT NULL, target_table TEXT NOT NULL,
  state TEXT NOT NULL, applied_lsn TEXT NOT NULL, copied_rows INTEGER NOT NULL,
  filenode INTEGER NOT NULL, layout TEXT NOT NULL, reason TEXT NOT NULL,
  checksum INTEGER NOT NULL);
CREATE TABLE label (
  database TEXT NOT NULL, label TEXT NOT NULL,
  table_oid INTEGER NOT NULL, epoch INTEGER NOT NULL, part INTEGER NOT NULL,
  state TEXT NOT NULL, end_lsn TEXT NOT NULL, row_count INTEGER NOT NULL,
  reads_back INTEGER NOT NULL, checksum INTEGER NOT NULL,
  PRIMARY KEY (database, label)) WITHOUT ROWID;
)";

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

// Binds the values of a row and its checksum behind them, and runs the statement.
template <typename... Values> void put(SqliteStatement& statement, Values const&... values) {
  RowSum sum;
  (sum.add(values), ...);
  statement.bind(values..., sum.value()).run();
}

// The columns of a row from left to right, as put() wrote them, then the checksum.
class SummedRow {
public:
  SummedRow(Sqlite const& database, SqliteStatement& row, int format)
      : database_(database), row_(row), has_sum_(format >= 2) {}

  std::string text() {
    std::string value = row_.text(column_++);
    sum_.add(value);
    return value;
  }
  std::int64_t integer() {
    std::int64_t const value = row_.integer(column_++);
    sum_.add(value);
    return value;
  }
  Lsn lsn() {
    std::string const value = text();
    auto const lsn = parse_lsn(value);
    if (!lsn)
      database_.fail_damaged(fmt::format("'{}' is not an LSN", value));
    return *lsn;
  }
  void check(std::string_view table) {
    if (has_sum_ && row_.integer(column_) != sum_.value())
      database_.fail_damaged(fmt::format("a row of {} does not fit its checksum", table));
  }

private:
  Sqlite const& database_;
  SqliteStatement& row_;
  RowSum sum_;
  bool has_sum_;
  int column_ = 0;
};

char const* sum_column(int format) {
  return format >= 2 ? ", checksum" : "";
}

// Of a format that lacks a column, its value when nothing is known; it is no part of the checksum.
std::string job_query(int format) {
  char const* const later[] = {"0, '0/0'", "timeline, timeline_start, checksum",
                               "timeline, timeline_start, log_id, checksum",
                               "timeline, timeline_start, log_id, checksum"};
  return fmt::format("SELECT job_id, system_identifier, source_database, slot_name, "
                     "publication_name, consistent_lsn, {} FROM job",
                     later[format - 1]);
}

std::optional<JobRecord> read_job(Sqlite& database, int format) {
  SqliteStatement statement(database, job_query(format));
  if (!statement.step())
    return std::nullopt;
  SummedRow row(database, statement, format);
  JobRecord job;
  job.job_id = row.text();
  job.system_identifier = row.text();
  job.source_database = row.text();
  job.slot_name = row.text();
  job.publication_name = row.text();
  job.consistent_lsn = row.lsn();
  job.timeline = static_cast<std::uint32_t>(row.integer());
  job.timeline_start = row.lsn();
  if (format >= 3)
    job.log_id = row.text();
  row.check("job");
  return job;
}

TableState table_state_of(Sqlite const& database, std::string const& word) {
  auto const state = parse_table_state(word);
  if (!state)
    database.fail_damaged(fmt::format("'{}' is not a table state", word));
  return *state;
}

std::vector<TableRecord> read_tables(Sqlite& database, int format) {
  std::vector<TableRecord> tables;
  SqliteStatement statement(
      database, fmt::format("SELECT oid, namespace_name, table_name, target_database, "
                            "target_table, state, applied_lsn, copied_rows, filenode, layout, "
                            "reason{} FROM source_table ORDER BY oid",
                            sum_column(format)));
  while (statement.step()) {
    SummedRow row(database, statement, format);
    TableRecord table;
    table.id = {static_cast<Oid>(row.integer())};
    table.source.namespace_name = row.text();
    table.source.table_name = row.text();
    table.target.database = row.text();
    table.target.table = row.text();
    table.state = table_state_of(database, row.text());
    table.applied_lsn = row.lsn();
    table.copied_rows = unsigned_of(row.integer());
    table.filenode = static_cast<Oid>(row.integer());
    table.layout = row.text();
    table.reason = row.text();
    row.check("source_table");
    tables.push_back(std::move(table));
  }
  return tables;
}

LabelRecord::State label_state_of(Sqlite const& database, std::string const& word) {
  for (auto const state : {LabelRecord::State::intended, LabelRecord::State::recorded})
    if (word == word_of(state))
      return state;
  database.fail_damaged(fmt::format("'{}' is not a label state", word));
}

std::vector<LabelRecord> read_labels(Sqlite& database, int format) {
  std::vector<LabelRecord> labels;
  SqliteStatement statement(
      database, fmt::format("SELECT database, label, table_oid, epoch, part, state, end_lsn, "
                            "row_count{}{} FROM label ORDER BY table_oid, epoch, part, label",
                            format >= 4 ? ", reads_back" : "", sum_column(format)));
  while (statement.step()) {
    SummedRow row(database, statement, format);
    LabelRecord label;
    label.label.database = row.text();
    label.label.text = row.text();
    label.table = {static_cast<Oid>(row.integer())};
    label.epoch = unsigned_of(row.integer());
    label.part = static_cast<std::uint32_t>(row.integer());
    label.state = label_state_of(database, row.text());
    label.end_lsn = row.lsn();
    label.row_count = unsigned_of(row.integer());
    label.reads_back = format < 4 || row.integer() != 0;
    row.check("label");
    labels.push_back(std::move(label));
  }
  return labels;
}

RecordWriter::Progress read_progress_row(Sqlite& database, SqliteStatement& statement, int format) {
  if (!statement.step())
    database.fail_damaged("the progress row is missing");
  SummedRow row(database, statement, format);
  RecordWriter::Progress progress;
  progress.flushed_lsn = row.lsn();
  if (format >= 3)
    progress.logged_lsn = row.lsn();
  progress.incarnation = unsigned_of(row.integer());
  progress.write_number = unsigned_of(row.integer());
  progress.written_at_ms = row.integer();
  row.check("progress");
  while (statement.step()) { // to its end: a statement under way holds the read transaction open
  }
  return progress;
}

std::string progress_query(int format) {
  return fmt::format("SELECT flushed_lsn, {}incarnation, {} FROM progress",
                     format >= 3 ? "logged_lsn, " : "",
                     format >= 2 ? "write_number, written_at_ms, checksum" : "0, 0");
}

Checkpoint read_records(Sqlite& database, int format) {
  Checkpoint checkpoint;
  checkpoint.job = read_job(database, format);
  checkpoint.tables = read_tables(database, format);
  checkpoint.labels = read_labels(database, format);
  SqliteStatement statement(database, progress_query(format));
  RecordWriter::Progress const progress = read_progress_row(database, statement, format);
  checkpoint.flushed_lsn = progress.flushed_lsn;
  checkpoint.logged_lsn = progress.logged_lsn;
  checkpoint.incarnation = progress.incarnation;
  checkpoint.write_number = progress.write_number;
  checkpoint.written_at_ms = progress.written_at_ms;
  checkpoint.format = format;
  return checkpoint;
}

} // namespace

std::string checkpoint_path(std::string const& folder) {
  return folder + "/checkpoint.db";
}

void remove_with_journal(std::string const& path) {
  for (char const* const suffix : {"", "-wal", "-shm", "-journal"})
    std::remove((path + suffix).c_str());
}

bool is_without_checkpoint(std::string const& folder) {
  std::string const path = checkpoint_path(folder);
  std::error_code error;
  if (std::filesystem::exists(path, error))
    return false;
  // Begun anew beside it, the newest records would be lost without a word.
  if (std::filesystem::exists(path + "-wal", error))
    throw damaged_checkpoint(path, "its journal is there, but the file itself is not");
  return true;
}

// Made under another name and renamed when it is complete: an empty or half-made checkpoint.db can
// only be a damaged one.
void create_checkpoint(std::string const& folder) {
  std::string const path = checkpoint_path(folder);
  std::string const fresh = path + ".new";
  remove_with_journal(fresh);
  {
    Sqlite database(fresh, Sqlite::Mode::create);
    database.execute("PRAGMA synchronous = FULL");
    SqliteTransaction transaction(database);
    database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                 kApplicationId, kNewestFormat));
    database.execute(kSchema);
    RecordWriter(database).write_progress({});
    transaction.commit();
  }
  std::error_code error;
  std::filesystem::rename(fresh, path, error);
  if (error)
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot create the checkpoint {}: {}", path, error.message()));
  sync_folder(folder);
}

int check_format(Sqlite& database) {
  if (database.integer("PRAGMA application_id") != kApplicationId)
    database.fail_damaged("the file is not a checkpoint of walrock");
  auto const version = database.integer("PRAGMA user_version");
  if (version > kNewestFormat) {
    Error error(ErrorCode::checkpoint_mismatch,
                fmt::format("the checkpoint {} has format {}, this walrock knows formats up to {}",
                            database.path(), version, kNewestFormat));
    error.set_advice("Run the newer walrock that wrote it.");
    throw error;
  }
  if (version < 1)
    database.fail_damaged(fmt::format("format {} never existed", version));
  if (auto const found = database.text("PRAGMA quick_check(1)"); found != "ok")
    database.fail_damaged(found);
  return static_cast<int>(version);
}

void upgrade_format(Sqlite& database, int from) {
  if (from == kNewestFormat)
    return;
  SqliteTransaction transaction(database);
  Checkpoint const old = read_records(database, from);
  database.execute("DROP TABLE job; DROP TABLE progress; DROP TABLE source_table; "
                   "DROP TABLE label");
  database.execute(kSchema);
  {
    RecordWriter writer(database);
    writer.write(everything_of(old));
    writer.write_progress(
        {old.flushed_lsn, old.logged_lsn, old.incarnation, old.write_number, old.written_at_ms});
  }
  database.execute(fmt::format("PRAGMA user_version = {}", kNewestFormat));
  transaction.commit();
}

Checkpoint read_all(Sqlite& database, int format) {
  // One read transaction: the parts belong to the same moment, also beside a writer.
  database.execute("BEGIN");
  Checkpoint checkpoint = read_records(database, format);
  database.execute("COMMIT");
  return checkpoint;
}

struct RecordWriter::Statements {
  explicit Statements(Sqlite& database)
      : job(database, "INSERT OR REPLACE INTO job VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        table(database, "INSERT OR REPLACE INTO source_table VALUES "
                        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        dropped_table(database, "DELETE FROM source_table WHERE oid = ?"),
        label(database, "INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        finished_label(database, "DELETE FROM label WHERE database = ? AND label = ?"),
        progress(database, progress_query(kNewestFormat)),
        new_progress(database, "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?, ?, ?, ?)") {}
  SqliteStatement job, table, dropped_table, label, finished_label, progress, new_progress;
};

RecordWriter::RecordWriter(Sqlite& database)
    : database_(database), statements_(std::make_unique<Statements>(database)) {}
RecordWriter::~RecordWriter() = default;

void RecordWriter::write(CheckpointUpdate const& update) {
  Statements& s = *statements_;
  if (update.job) {
    JobRecord const& j = *update.job;
    put(s.job, j.job_id, j.system_identifier, j.source_database, j.slot_name, j.publication_name,
        to_string(j.consistent_lsn), std::int64_t{j.timeline}, to_string(j.timeline_start),
        j.log_id);
  }
  for (TableRecord const& t : update.tables)
    put(s.table, std::int64_t{t.id.oid}, t.source.namespace_name, t.source.table_name,
        t.target.database, t.target.table, std::string(to_string(t.state)),
        to_string(t.applied_lsn), stored(t.copied_rows), std::int64_t{t.filenode}, t.layout,
        t.reason);
  for (RelationId const id : update.dropped_tables)
    s.dropped_table.bind(std::int64_t{id.oid}).run();
  for (LabelRecord const& l : update.labels)
    put(s.label, l.label.database, l.label.text, std::int64_t{l.table.oid}, stored(l.epoch),
        std::int64_t{l.part}, std::string(word_of(l.state)), to_string(l.end_lsn),
        stored(l.row_count), std::int64_t{l.reads_back});
  for (Label const& label : update.finished_labels)
    s.finished_label.bind(label.database, label.text).run();
}

RecordWriter::Progress RecordWriter::read_progress() {
  statements_->progress.bind();
  return read_progress_row(database_, statements_->progress, kNewestFormat);
}

void RecordWriter::write_progress(Progress const& progress) {
  put(statements_->new_progress, to_string(progress.flushed_lsn), to_string(progress.logged_lsn),
      stored(progress.incarnation), stored(progress.write_number), progress.written_at_ms);
}

} // namespace walrock
