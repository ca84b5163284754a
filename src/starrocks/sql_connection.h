// SQL to a StarRocks frontend over the MySQL protocol (text protocol). Connects at the first
// statement and again after the connection was lost; never repeats a statement by itself.
//
// Errors: 1045 or "Access denied for user" is target_login_refused; a connection that cannot be
// made or breaks is ConnectionLost target_unreachable, also AnswerTooLarge; missing rights are
// target_permission_denied; everything else is target_query_failed with the server's words.
// StarRocks sends 1064 for nearly everything, so texts are matched before numbers.
//
// Lives on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "starrocks/address.h"

namespace walrock {

struct SqlRows {
  using Row = std::vector<std::optional<std::string>>; // no value: NULL
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::uint64_t affected_rows = 0;

  // Position of a column, whatever the case of its name. SHOW statements grow columns between
  // versions, so they are read by name.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view column) const;
  // The value of a column in a row; nothing for NULL and for a column that is not there.
  [[nodiscard]] std::optional<std::string> value(Row const& row, std::string_view column) const;
};

// StarRocks sends a larger answer than is taken, of one statement or of one row. The connection is
// closed.
class AnswerTooLarge : public ConnectionLost {
public:
  using ConnectionLost::ConnectionLost;
};

class SqlConnection {
public:
  explicit SqlConnection(TargetAddress address);
  ~SqlConnection();
  SqlConnection(SqlConnection&&) noexcept;
  SqlConnection& operator=(SqlConnection&&) noexcept;

  // Connects when needed. Several statements in one text give the rows of the last.
  SqlRows query(std::string const& sql);
  // A question about rows that were just committed: a frontend that follows answers from its own
  // copy of the metadata, which may lag, so the leader is asked where the server can be told so
  // (2.5.20, 3.1.9 and later).
  SqlRows query_leader(std::string const& sql);
  // Connects now; throws as query() does.
  void open();
  void close() noexcept;

  [[nodiscard]] TargetAddress const& address() const;

private:
  struct Mysql;
  std::unique_ptr<Mysql> mysql_;
};

// Throws the error for what a server or libmariadb said. For query() and its tests.
[[noreturn]] void throw_sql_error(unsigned number, std::string_view sqlstate,
                                  std::string_view text);

} // namespace walrock
