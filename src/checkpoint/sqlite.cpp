#include "checkpoint/sqlite.h"

#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/error.h"

namespace walrock {

namespace {
// For a reader that meets the writer in its last step of closing.
constexpr int kBusyMilliseconds = 5000;
} // namespace

SqliteStatement::SqliteStatement(Sqlite& database, std::string_view sql) : database_(database) {
  int const code = sqlite3_prepare_v3(database_.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK)
    database_.fail(code, "prepare a statement on");
}

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(statement_);
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_);
}

bool SqliteStatement::step() {
  int const code = sqlite3_step(statement_);
  if (code == SQLITE_ROW)
    return true;
  // Reset at once: a statement that is not would keep its transaction open.
  sqlite3_reset(statement_);
  if (code != SQLITE_DONE)
    database_.fail(code, "use");
  return false;
}

void SqliteStatement::bind_one(int index, std::string const& value) {
  int const code = sqlite3_bind_text64(statement_, index, value.data(), value.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK)
    database_.fail(code, "bind a value for");
}

void SqliteStatement::bind_one(int index, std::int64_t value) {
  int const code = sqlite3_bind_int64(statement_, index, value);
  if (code != SQLITE_OK)
    database_.fail(code, "bind a value for");
}

std::string SqliteStatement::text(int column) {
  if (sqlite3_column_type(statement_, column) != SQLITE_TEXT)
    database_.fail_damaged(fmt::format("column {} is not a text", column));
  auto const* const bytes = reinterpret_cast<char const*>(sqlite3_column_text(statement_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t SqliteStatement::integer(int column) {
  if (sqlite3_column_type(statement_, column) != SQLITE_INTEGER)
    database_.fail_damaged(fmt::format("column {} is not a number", column));
  return sqlite3_column_int64(statement_, column);
}

Sqlite::Sqlite(std::string path, Mode mode) : path_(std::move(path)) {
  int flags = SQLITE_OPEN_NOMUTEX;
  switch (mode) {
  case Mode::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
  case Mode::open: flags |= SQLITE_OPEN_READWRITE; break;
  case Mode::read_only: flags |= SQLITE_OPEN_READONLY; break;
  }
  int const code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    // A failed open leaves a handle that must be closed; fail() reads its message first.
    std::string const message = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
    sqlite3_close(handle_);
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot open the checkpoint {}: {}", path_, message));
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
}

Sqlite::~Sqlite() {
  sqlite3_close(handle_);
}

void Sqlite::execute(std::string const& sql) {
  int const code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    fail(code, "use");
}

std::int64_t Sqlite::integer(std::string const& sql) {
  SqliteStatement statement(*this, sql);
  if (!statement.step())
    fail_damaged(fmt::format("no answer to {}", sql));
  std::int64_t const value = statement.integer(0);
  statement.run();
  return value;
}

std::string Sqlite::text(std::string const& sql) {
  SqliteStatement statement(*this, sql);
  if (!statement.step())
    fail_damaged(fmt::format("no answer to {}", sql));
  std::string value = statement.text(0);
  statement.run();
  return value;
}

void Sqlite::fail(int code, std::string_view doing) const {
  int const primary = code & 0xFF;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    fail_damaged(sqlite3_errmsg(handle_));
  int const system_error = sqlite3_system_errno(handle_);
  bool const is_of_system =
      system_error != 0 &&
      (primary == SQLITE_FULL || primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);
  Error error(ErrorCode::checkpoint_failed,
              fmt::format("cannot {} the checkpoint {}: {} ({}){}", doing, path_,
                          sqlite3_errmsg(handle_), sqlite3_errstr(code),
                          is_of_system ? fmt::format(": {}", std::strerror(system_error)) : ""));
  switch (primary) {
  case SQLITE_FULL: error.set_advice("Free space on the disk of the checkpoint folder."); break;
  case SQLITE_READONLY:
    error.set_advice("Make the disk and the folder of the checkpoint writable again.");
    break;
  case SQLITE_IOERR:
    error.set_advice("Look at the disk of the checkpoint folder: it refuses to write or to sync.");
    break;
  default: break; // that of the code
  }
  throw error;
}

void Sqlite::fail_damaged(std::string_view why) const {
  throw damaged_checkpoint(path_, why);
}

Error damaged_checkpoint(std::string const& path, std::string_view why) {
  Error error(ErrorCode::checkpoint_failed,
              fmt::format("the checkpoint {} is damaged: {}", path, why));
  error.set_retry(Retry::never);
  error.set_advice("Restore the checkpoint folder from a copy, or run `walrock drop JOB` and copy "
                   "the tables again.");
  return error;
}

SqliteTransaction::~SqliteTransaction() {
  // An error during COMMIT may have rolled back already; then this one fails, harmlessly.
  if (is_open_)
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

} // namespace walrock
