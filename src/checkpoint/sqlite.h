// SQLite as this folder uses it: one connection, statements that are prepared once, and its codes
// as Errors. Lives on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace walrock {

class Sqlite;

// A prepared statement. Bind all parameters, then step until it says false; binding again starts
// the next run.
class SqliteStatement {
public:
  SqliteStatement(Sqlite& database, std::string_view sql); // database must outlive this
  ~SqliteStatement();
  SqliteStatement(SqliteStatement const&) = delete;
  SqliteStatement& operator=(SqliteStatement const&) = delete;

  // Parameters in their order. Texts are copied.
  template <typename... Values> SqliteStatement& bind(Values const&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }
  // True: a row is there. False: done.
  bool step();
  // For statements without rows.
  void run() {
    while (step()) {
    }
  }

  // Columns from 0. Throw checkpoint_failed when the value has another type: the file is damaged.
  [[nodiscard]] std::string text(int column);
  [[nodiscard]] std::int64_t integer(int column);

private:
  void reset();
  void bind_one(int index, std::string const& value);
  void bind_one(int index, std::int64_t value);

  Sqlite& database_;
  sqlite3_stmt* statement_ = nullptr;
};

class Sqlite {
public:
  enum class Mode { create, open, read_only };
  Sqlite(std::string path, Mode mode);
  ~Sqlite();
  Sqlite(Sqlite const&) = delete;
  Sqlite& operator=(Sqlite const&) = delete;

  // Several statements without rows.
  void execute(std::string const& sql);
  // The first value of the first row.
  [[nodiscard]] std::int64_t integer(std::string const& sql);
  [[nodiscard]] std::string text(std::string const& sql);

  // Throws the Error for a code of SQLite: damaged_checkpoint(), or checkpoint_failed with what the
  // system said.
  [[noreturn]] void fail(int code, std::string_view doing) const;
  [[noreturn]] void fail_damaged(std::string_view why) const;
  [[nodiscard]] std::string const& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() const { return handle_; }

private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

// The file cannot be used, and trying again is useless.
[[nodiscard]] Error damaged_checkpoint(std::string const& path, std::string_view why);

// Rolls back unless it was committed.
class SqliteTransaction {
public:
  explicit SqliteTransaction(Sqlite& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
  }
  ~SqliteTransaction();
  SqliteTransaction(SqliteTransaction const&) = delete;
  SqliteTransaction& operator=(SqliteTransaction const&) = delete;
  void commit() {
    database_.execute("COMMIT");
    is_open_ = false;
  }

private:
  Sqlite& database_;
  bool is_open_ = true;
};

} // namespace walrock
