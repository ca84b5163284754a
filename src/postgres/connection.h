// One session with PostgreSQL, plain SQL or replication, with every setting that decides how values
// are printed pinned so that ALTER ROLE ... SET and ALTER DATABASE ... SET cannot change it, and
// with all session timeouts off. Owned by one thread; everything made from it belongs to that
// thread.
//
// Every wait ends when the stop token is asked (Stopped) or the deadline is over. A connection on
// which a wait was ended or that was lost is closed: only the destructor may follow.
//
// Failures: ConnectionLost (source_unreachable) when the session is gone, Error otherwise, with
// SQLSTATE. Their text never holds a password.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "postgres/address.h"

struct pg_conn;
struct pg_result;

namespace walrock {

struct PqFailure;

enum class ConnectionKind { sql, replication };

// The rows of one statement, copied out. A cell is nothing for NULL.
struct QueryResult {
  using Cell = std::optional<std::string>;
  std::vector<std::string> column_names;
  std::vector<std::vector<Cell>> rows;

  [[nodiscard]] bool empty() const { return rows.empty(); }
  // The cell, which must not be NULL (ProtocolViolation).
  [[nodiscard]] std::string const& text(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::int64_t number(std::size_t row, std::size_t column) const;
  [[nodiscard]] bool truth(std::size_t row, std::size_t column) const; // t or f
  [[nodiscard]] std::string text_or(std::size_t row, std::size_t column,
                                    std::string_view otherwise) const;
};

class Connection {
public:
  // Connects and logs in. deadline bounds all hosts together.
  Connection(SourceAddress const& address, ConnectionKind kind, std::stop_token const& stop = {},
             Deadline deadline = Deadline::never());
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // One statement; $1, $2... are params as text (not on a replication connection). At most one
  // result set is returned: the last.
  QueryResult query(std::string const& sql, std::vector<QueryResult::Cell> const& params = {},
                    std::stop_token const& stop = {}, Deadline deadline = Deadline::never());
  // Several statements in one round trip, separated by semicolons: one result each. The first that
  // fails ends it; a transaction that was begun is then left aborted.
  std::vector<QueryResult> query_all(std::string const& sql, std::stop_token const& stop = {},
                                     Deadline deadline = Deadline::never());

  // From here on no single wait without a nearer deadline is longer. For statements whose answer
  // begins at once: a peer that went away without a word is then noticed.
  void set_answer_timeout(Milliseconds timeout) { answer_timeout_ = timeout; }

  // server_version_num: 150018. Never 0.
  [[nodiscard]] int server_version() const { return server_version_; }
  [[nodiscard]] ConnectionKind kind() const { return kind_; }
  [[nodiscard]] std::string const& database() const { return database_; }
  [[nodiscard]] int backend_pid() const;
  // The database is SQL_ASCII: PostgreSQL does not know in what encoding its texts are.
  [[nodiscard]] bool is_unencoded() const;
  // How the database prints 1234567 and -1234567 of money: what a change of its lc_monetary, of
  // that locale or of the server's C library would change.
  [[nodiscard]] std::string const& money_sample() const { return money_sample_; }
  // Host and port that answered, for messages.
  [[nodiscard]] std::string peer() const;
  // Reads what has arrived without waiting; false once the session is gone.
  [[nodiscard]] bool is_alive() noexcept;
  [[nodiscard]] int socket() const;

  // The parts below are for this folder.
  struct ClearResult {
    void operator()(pg_result* result) const noexcept;
  };
  using ResultPtr = std::unique_ptr<pg_result, ClearResult>;
  enum class WaitFor { read, write };

  [[nodiscard]] pg_conn* raw() const { return conn_.get(); }
  // Sends a statement whose results are fetched with next_result until it gives nothing.
  void send(std::string const& sql);
  ResultPtr next_result(std::stop_token const& stop, Deadline deadline = Deadline::never());
  // Waits until the socket is ready. Throws Stopped or ConnectionLost (deadline).
  void wait(WaitFor what, std::stop_token const& stop, Deadline deadline = Deadline::never());
  // Sends all that is buffered.
  void flush(std::stop_token const& stop, Deadline deadline = Deadline::never());
  // PQconsumeInput: reads what has arrived, 1 MB at most. False: see failure_of().
  [[nodiscard]] bool consume() noexcept;
  // libpq holds a message until it is whole, however long it says it is. To be called when it gave
  // none (is_complete: it gave one); throws once more than the limit came since the last one.
  void bound_message(bool is_complete);
  // Asks the server to cancel what runs; a best effort, only on one that answers.
  void cancel() noexcept;

private:
  struct Close {
    void operator()(pg_conn* conn) const noexcept;
  };

  std::optional<PqFailure> connect(SourceAddress const& address, SourceHost const& host,
                                   std::stop_token const& stop, Deadline deadline);
  void pin_settings(SourceAddress const& address, std::stop_token const& stop, Deadline deadline);
  void pin_money(FoundLocale& found, std::stop_token const& stop, Deadline deadline);
  void set_time_zone(std::string const& zone, std::stop_token const& stop, Deadline deadline);
  std::vector<QueryResult> collect(std::string_view action, std::stop_token const& stop,
                                   Deadline deadline);

  std::unique_ptr<pg_conn, Close> conn_;
  ConnectionKind kind_;
  std::string database_;
  std::string money_sample_;
  int server_version_ = 0;
  std::optional<Milliseconds> answer_timeout_;
  std::uint64_t message_limit_ = 0;
  std::optional<std::uint64_t> incomplete_from_; // bytes received when the message was begun
};

} // namespace walrock
