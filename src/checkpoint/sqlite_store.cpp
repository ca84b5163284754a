// Why a WAL journal: a commit is one append and one fsync of the journal, where a rollback journal
// needs three or four; and `walrock status` can read while the owner writes.
//
// A write that fails leaves the state before: its frames in the journal count only once they are
// synced, and the next write puts its own in their place. That is also the cure for an fsync that
// failed: Linux may drop the pages it could not write and call the next fsync a success, so nothing
// may rest on pages that were written before it. The connection stays open, because a journal that
// is read anew would show them.
#include "checkpoint/sqlite_store.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "base/unix_time.h"
#include "checkpoint/folder.h"
#include "checkpoint/sqlite.h"
#include "checkpoint/sqlite_format.h"

namespace walrock {

namespace {

Sqlite::Mode opened(std::string const& folder) {
  make_checkpoint_folder(folder);
  if (is_without_checkpoint(folder))
    create_checkpoint(folder);
  return Sqlite::Mode::open;
}

} // namespace

// The connection and the statements of write(), prepared once.
struct SqliteStore::Database {
  explicit Database(std::string const& folder) : sqlite(checkpoint_path(folder), opened(folder)) {
    int const format = check_format(sqlite);
    if (auto const mode = sqlite.text("PRAGMA journal_mode = WAL"); mode != "wal")
      throw Error(ErrorCode::checkpoint_failed,
                  fmt::format("the checkpoint {} cannot use a WAL journal ({}): its folder must be "
                              "on a local disk",
                              sqlite.path(), mode));
    sqlite.execute("PRAGMA synchronous = FULL");
    upgrade_format(sqlite, format);
    writer = std::make_unique<RecordWriter>(sqlite);
    make_durable();
  }

  // A walrock that was killed may have left records that the disk does not have (see above): they
  // are written into the file and synced again before anything rests on them, and the first write
  // into the journal ends what the disk still has of the old one.
  void make_durable() {
    RecordWriter::Progress const progress = writer->read_progress();
    sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    SqliteTransaction transaction(sqlite);
    writer->write_progress(progress);
    transaction.commit();
  }

  Sqlite sqlite;
  std::unique_ptr<RecordWriter> writer;
  std::optional<std::uint64_t> incarnation; // once it was begun
};

SqliteStore::SqliteStore(std::string const& folder)
    : database_(std::make_unique<Database>(folder)) {}
SqliteStore::~SqliteStore() = default;

Checkpoint SqliteStore::read() {
  return read_all(database_->sqlite, kNewestFormat);
}

void SqliteStore::write(CheckpointUpdate const& update) {
  if (update.is_empty())
    return;
  SqliteTransaction transaction(database_->sqlite);
  RecordWriter& writer = *database_->writer;
  RecordWriter::Progress progress = writer.read_progress();
  if (database_->incarnation && progress.incarnation != *database_->incarnation)
    throw Error(ErrorCode::instance_running,
                fmt::format("another walrock has taken over the checkpoint {} (its incarnation is "
                            "{}, this one's {})",
                            database_->sqlite.path(), progress.incarnation,
                            *database_->incarnation));
  writer.write(update);
  if (update.flushed_lsn)
    progress.flushed_lsn = *update.flushed_lsn;
  if (update.logged_lsn)
    progress.logged_lsn = *update.logged_lsn;
  ++progress.write_number;
  progress.written_at_ms = unix_ms_now();
  writer.write_progress(progress);
  WALROCK_BEFORE(checkpoint_commit);
  transaction.commit();
  WALROCK_AFTER(checkpoint_commit);
}

std::uint64_t SqliteStore::begin_incarnation() {
  // At least the time in milliseconds: a checkpoint that is dropped and made again must not repeat
  // the labels of the one before.
  SqliteTransaction transaction(database_->sqlite);
  RecordWriter::Progress progress = database_->writer->read_progress();
  progress.incarnation =
      std::max(progress.incarnation + 1, static_cast<std::uint64_t>(unix_ms_now()));
  database_->writer->write_progress(progress);
  transaction.commit();
  database_->incarnation = progress.incarnation;
  return progress.incarnation;
}

std::optional<Checkpoint> read_checkpoint(std::string const& folder) {
  if (is_without_checkpoint(folder))
    return std::nullopt;
  Sqlite database(checkpoint_path(folder), Sqlite::Mode::read_only);
  int const format = check_format(database);
  return read_all(database, format);
}

bool remove_checkpoint(std::string const& folder) {
  std::string const path = checkpoint_path(folder);
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !std::filesystem::exists(path + "-wal", error))
    return false;
  remove_with_journal(path);
  if (std::filesystem::exists(path, error))
    throw Error(ErrorCode::checkpoint_failed, fmt::format("cannot remove the checkpoint {}", path));
  sync_folder(folder);
  return true;
}

} // namespace walrock
