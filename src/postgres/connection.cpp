#include "postgres/connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/log.h"
#include "model/names.h"
#include "postgres/pq_error.h"
#include "postgres/read_quota.h"
#include "postgres/stop_signal.h"

namespace walrock {

namespace {

// Sent with the login, so they outrank ALTER ROLE ... SET and ALTER DATABASE ... SET. All of them
// exist from 12 on. row_security=off makes a read that a policy would thin out fail instead.
constexpr char kPinnedSettings[] =
    "-c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC -c bytea_output=hex "
    "-c extra_float_digits=3 -c xmlbinary=base64 -c search_path=pg_catalog "
    "-c standard_conforming_strings=on -c row_security=off -c jit=off "
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0";

// Again once logged in: PGDATESTYLE and PGTZ in our environment outrank the options above.
constexpr char kPinnedAgain[] = "SET DateStyle = 'ISO'";

// Money is a whole number of the smallest unit of the currency that lc_monetary names, and only
// that tells how many of them are one: under another locale the same amount is another. So it must
// be that of those who write: what ALTER DATABASE says, else ALTER ROLE ALL, else the
// configuration. What our own role says outranks all of them and counts only where there is nothing
// else to see.
constexpr char kTakeMonetary[] = R"(SELECT set_config('lc_monetary', coalesce(
  (SELECT substr(c, length('lc_monetary=') + 1)
   FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
   WHERE s.setrole = 0 AND starts_with(c, 'lc_monetary=') AND s.setdatabase IN
     (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
   ORDER BY s.setdatabase DESC LIMIT 1), current_setting('lc_monetary')), false))";
constexpr char kMoneySample[] = "; SELECT 1234567::money::text || ' ' || (-1234567)::money::text";

constexpr std::string_view kInvalidParameterValue = "22023";
constexpr Milliseconds kLongestPoll{3'600'000};
constexpr std::size_t kReadAtOnce = 1 << 20;
constexpr Milliseconds kDeafPoll{200};

void log_notice(void* /*unused*/, char const* text) noexcept {
  try {
    std::string_view line = text;
    while (line.ends_with('\n'))
      line.remove_suffix(1);
    log::debug("notice from postgresql: {}", line);
  } catch (...) { // out of memory: a notice may be lost, nothing else
    return;
  }
}

// Keyword and value arrays as PQconnectStartParams takes them. Texts must outlive it.
struct ConnectParameters {
  std::vector<char const*> keywords;
  std::vector<char const*> values;
  void add(char const* keyword, char const* value) {
    keywords.push_back(keyword);
    values.push_back(value);
  }
  void add_if_set(char const* keyword, std::string const& value) {
    if (!value.empty())
      add(keyword, value.c_str());
  }
};

pg_conn* start_connect(SourceAddress const& address, SourceHost const& host, ConnectionKind kind) {
  std::string const port = std::to_string(host.port);
  ConnectParameters parameters;
  parameters.add("host", host.host.c_str());
  parameters.add("port", port.c_str());
  parameters.add_if_set("user", address.username);
  parameters.add_if_set("password", address.password.reveal());
  parameters.add_if_set("dbname", address.database);
  parameters.add_if_set("sslmode", address.sslmode);
  parameters.add_if_set("sslrootcert", address.sslrootcert);
  parameters.add_if_set("sslcert", address.sslcert);
  parameters.add_if_set("sslkey", address.sslkey);
  parameters.add_if_set("application_name", address.application_name);
  parameters.add("client_encoding", "UTF8");
  parameters.add("options", kPinnedSettings);
  parameters.add("keepalives", "1");
  parameters.add("keepalives_idle", "30");
  parameters.add("keepalives_interval", "10");
  parameters.add("keepalives_count", "3");
  parameters.add("tcp_user_timeout", "60000");
  if (!address.session_attrs.empty())
    parameters.add("target_session_attrs", address.session_attrs.c_str());
  else if (address.hosts.size() > 1)
    parameters.add("target_session_attrs", "read-write");
  if (kind == ConnectionKind::replication)
    parameters.add("replication", "database");
  parameters.add(nullptr, nullptr);
  return PQconnectStartParams(parameters.keywords.data(), parameters.values.data(), 0);
}

enum class PollOutcome { ready, stopped, timed_out };

PollOutcome poll_socket(int socket, short events, std::stop_token const& stop, Deadline deadline) {
  StopSignal const signal(stop);
  std::array<pollfd, 2> fds{{{socket, events, 0}, {signal.fd(), POLLIN, 0}}};
  while (true) {
    if (stop.stop_requested())
      return PollOutcome::stopped;
    auto const now = std::chrono::steady_clock::now();
    bool const is_deaf = stop.stop_possible() && signal.fd() < 0; // no file descriptor was left
    auto const left = deadline.left(now, is_deaf ? kDeafPoll : kLongestPoll);
    int const ready = ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    if (ready > 0 && fds[0].revents != 0)
      return PollOutcome::ready;
    if (ready == 0 && deadline.is_over(std::chrono::steady_clock::now()))
      return PollOutcome::timed_out;
  }
}

QueryResult copied(pg_result const* result) {
  QueryResult out;
  int const columns = PQnfields(result);
  int const rows = PQntuples(result);
  for (int c = 0; c < columns; ++c)
    out.column_names.emplace_back(PQfname(result, c));
  out.rows.resize(static_cast<std::size_t>(rows));
  for (int r = 0; r < rows; ++r) {
    auto& row = out.rows[static_cast<std::size_t>(r)];
    row.reserve(static_cast<std::size_t>(columns));
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) != 0)
        row.emplace_back();
      else
        row.emplace_back(std::string(PQgetvalue(result, r, c),
                                     static_cast<std::size_t>(PQgetlength(result, r, c))));
    }
  }
  return out;
}

// The beginning of a statement, for messages.
std::string shortened(std::string_view sql) {
  constexpr std::size_t kShown = 100;
  std::string out;
  for (char const c : sql.substr(0, kShown))
    out += c == '\n' ? ' ' : c;
  return sql.size() > kShown ? out + "..." : out;
}

} // namespace

std::string const& QueryResult::text(std::size_t row, std::size_t column) const {
  Cell const& cell = rows.at(row).at(column);
  if (!cell)
    throw ProtocolViolation("PostgreSQL's catalog has no value for " + column_names.at(column));
  return *cell;
}

std::int64_t QueryResult::number(std::size_t row, std::size_t column) const {
  std::string const& cell = text(row, column);
  std::int64_t out = 0;
  auto const [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), out);
  if (error != std::errc() || end != cell.data() + cell.size())
    throw ProtocolViolation("PostgreSQL sent \"" + cell + "\" where a number is expected, for " +
                            column_names.at(column));
  return out;
}

bool QueryResult::truth(std::size_t row, std::size_t column) const {
  return text(row, column) == "t";
}

std::string QueryResult::text_or(std::size_t row, std::size_t column,
                                 std::string_view otherwise) const {
  Cell const& cell = rows.at(row).at(column);
  return cell ? *cell : std::string(otherwise);
}

void Connection::Close::operator()(pg_conn* conn) const noexcept {
  PQfinish(conn);
}
void Connection::ClearResult::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Connection::Connection(SourceAddress const& address, ConnectionKind kind,
                       std::stop_token const& stop, Deadline deadline)
    : kind_(kind), database_(address.database), message_limit_(address.message_limit) {
  std::optional<PqFailure> failure;
  for (SourceHost const& host : address.hosts) {
    auto next = connect(address, host, stop, deadline);
    if (!next) {
      Deadline const at_once = Deadline::in(address.connect_timeout);
      pin_settings(address, stop, {std::min(deadline.at, at_once.at)});
      return;
    }
    // What one server says of us is worth more than another one's silence.
    if (!failure || !next->is_connection_lost)
      failure = std::move(next);
  }
  if (!failure)
    throw Error(ErrorCode::job_file_invalid, "no source host is named");
  raise(std::move(*failure));
}

std::optional<PqFailure> Connection::connect(SourceAddress const& address, SourceHost const& host,
                                             std::stop_token const& stop, Deadline deadline) {
  std::string const where = fmt::format("{}:{}/{}", host.host, host.port, address.database);
  Deadline const until{std::min(deadline.at, Deadline::in(address.connect_timeout).at)};
  conn_.reset(start_connect(address, host, kind_));
  if (conn_ == nullptr || PQstatus(raw()) == CONNECTION_BAD)
    return connect_failure_of(raw(), where);
  PQsetErrorVerbosity(raw(), PQERRORS_VERBOSE); // the text then holds the SQLSTATE
  PQsetNoticeProcessor(raw(), log_notice, nullptr);
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
       state = PQconnectPoll(raw())) {
    if (state == PGRES_POLLING_FAILED)
      return connect_failure_of(raw(), where);
    short const events = state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    switch (poll_socket(PQsocket(raw()), events, stop, until)) {
    case PollOutcome::ready: break;
    case PollOutcome::stopped: throw Stopped();
    case PollOutcome::timed_out: {
      PqFailure failure;
      failure.code = ErrorCode::source_unreachable;
      failure.message = fmt::format("cannot connect to PostgreSQL at {}: no answer in {} s", where,
                                    address.connect_timeout.count() / 1000);
      failure.is_connection_lost = true;
      return failure;
    }
    }
  }
  PQsetErrorVerbosity(raw(), PQERRORS_DEFAULT);
  PQsetnonblocking(raw(), 1);
  server_version_ = PQserverVersion(raw());
  return std::nullopt;
}

bool Connection::is_unencoded() const {
  char const* const encoding = PQparameterStatus(raw(), "server_encoding");
  return encoding != nullptr && std::string_view(encoding) == "SQL_ASCII";
}

void Connection::set_time_zone(std::string const& zone, std::stop_token const& stop,
                               Deadline deadline) try {
  (void)query_all("SET TimeZone = " + quote_pg_literal(zone), stop, deadline);
} catch (Error const& error) {
  if (error.sqlstate() != kInvalidParameterValue)
    throw;
  throw Error(ErrorCode::job_file_invalid,
              fmt::format("sink.starrocks.time-zone: {} knows no zone {}", peer(), zone))
      .set_advice("SELECT name FROM pg_timezone_names lists those it knows.");
}

// A locale that the server lost, or that another server of the same data never had, is no reason to
// stand still: money is then printed as in C, and its tables notice.
void Connection::pin_money(FoundLocale& found, std::stop_token const& stop, Deadline deadline) try {
  auto const known = found.get();
  auto const results =
      query_all((known ? "SELECT set_config('lc_monetary', " + quote_pg_literal(*known) + ", false)"
                       : std::string(kTakeMonetary)) +
                    kMoneySample,
                stop, deadline);
  if (!known)
    found.set(results.at(0).text(0, 0));
  money_sample_ = results.at(1).text(0, 0);
} catch (Error const& error) {
  if (error.sqlstate() != kInvalidParameterValue)
    throw;
  log::warning("money is printed as in the locale C: {}", error.what());
  money_sample_ = query_all(std::string("SET lc_monetary = 'C'") + kMoneySample, stop, deadline)
                      .at(1)
                      .text(0, 0);
}

// Settings that older servers do not know cannot go with the login: it would be refused.
void Connection::pin_settings(SourceAddress const& address, std::stop_token const& stop,
                              Deadline deadline) {
  if (server_version_ < 120000)
    throw Error(ErrorCode::source_setting_wrong,
                fmt::format("{} runs PostgreSQL {}; 12 is the oldest that walrock supports", peer(),
                            server_version_ / 10000))
        .set_advice("Upgrade the source to PostgreSQL 12 or later.");
  set_time_zone(address.time_zone, stop, deadline);
  pin_money(*address.lc_monetary, stop, deadline);
  std::string sql = kPinnedAgain;
  // Asked for UTF8 it would refuse to send what is not, and the stream would never get past it.
  if (is_unencoded())
    sql += "; SET client_encoding = 'SQL_ASCII'";
  if (server_version_ >= 140000)
    sql += "; SET idle_session_timeout = 0";
  if (server_version_ >= 170000)
    sql += "; SET transaction_timeout = 0";
  (void)query_all(sql, stop, deadline);
}

QueryResult Connection::query(std::string const& sql, std::vector<QueryResult::Cell> const& params,
                              std::stop_token const& stop, Deadline deadline) {
  if (params.empty()) {
    auto results = query_all(sql, stop, deadline);
    return results.empty() ? QueryResult() : std::move(results.back());
  }
  std::vector<char const*> values;
  values.reserve(params.size());
  for (QueryResult::Cell const& param : params)
    values.push_back(param ? param->c_str() : nullptr);
  if (PQsendQueryParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) == 0)
    raise(failure_of(raw(), nullptr, shortened(sql)));
  auto results = collect(shortened(sql), stop, deadline);
  return results.empty() ? QueryResult() : std::move(results.back());
}

std::vector<QueryResult> Connection::query_all(std::string const& sql, std::stop_token const& stop,
                                               Deadline deadline) {
  send(sql);
  return collect(shortened(sql), stop, deadline);
}

void Connection::send(std::string const& sql) {
  if (raw() == nullptr || PQsendQuery(raw(), sql.c_str()) == 0)
    raise(failure_of(raw(), nullptr, shortened(sql)));
}

std::vector<QueryResult> Connection::collect(std::string_view action, std::stop_token const& stop,
                                             Deadline deadline) {
  std::vector<QueryResult> out;
  std::optional<PqFailure> failure; // the first; the results behind it are still read
  while (ResultPtr const result = next_result(stop, deadline)) {
    switch (PQresultStatus(result.get())) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY: out.push_back(copied(result.get())); break;
    default:
      if (!failure)
        failure = failure_of(raw(), result.get(), action);
    }
    if (PQstatus(raw()) != CONNECTION_OK)
      break;
  }
  if (failure)
    raise(std::move(*failure));
  return out;
}

Connection::ResultPtr Connection::next_result(std::stop_token const& stop, Deadline deadline) {
  flush(stop, deadline);
  bound_message(true);
  while (PQisBusy(raw()) != 0) {
    bound_message(false);
    wait(WaitFor::read, stop, deadline);
    if (!consume())
      raise(failure_of(raw(), nullptr, "wait for an answer"));
  }
  bound_message(true);
  return ResultPtr(PQgetResult(raw()));
}

bool Connection::consume() noexcept {
  ReadQuota const quota(kReadAtOnce);
  return PQconsumeInput(raw()) != 0;
}

void Connection::flush(std::stop_token const& stop, Deadline deadline) {
  while (true) {
    int const outcome = PQflush(raw());
    if (outcome == 0)
      return;
    if (outcome < 0)
      raise(failure_of(raw(), nullptr, "send to the server"));
    wait(WaitFor::write, stop, deadline);
    // A server that is writing to us may have stopped reading: make room on both sides.
    if (!consume())
      raise(failure_of(raw(), nullptr, "send to the server"));
  }
}

void Connection::wait(WaitFor what, std::stop_token const& stop, Deadline deadline) {
  short const events = what == WaitFor::write ? POLLOUT | POLLIN : POLLIN;
  if (answer_timeout_)
    deadline.at = std::min(deadline.at, Deadline::in(*answer_timeout_).at);
  switch (poll_socket(socket(), events, stop, deadline)) {
  case PollOutcome::ready: return;
  case PollOutcome::stopped:
    cancel();
    conn_.reset();
    throw Stopped();
  case PollOutcome::timed_out: {
    // Not cancelled: libpq would wait without limit for a server that has fallen silent.
    std::string const where = peer();
    conn_.reset();
    throw ConnectionLost(ErrorCode::source_unreachable,
                         "PostgreSQL at " + where + " did not answer in the time allowed");
  }
  }
}

namespace {

// Bytes that came over a TCP connection so far; nothing for a unix socket.
std::optional<std::uint64_t> received_bytes(int socket) {
  tcp_info now{};
  socklen_t size = sizeof now;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &now, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_received) + sizeof now.tcpi_bytes_received)
    return std::nullopt;
  return now.tcpi_bytes_received;
}

// PQcancel waits for the server without limit, so one that is silent must not be asked.
bool answers_now(pg_conn* conn) {
  char const* const keywords[] = {"host", "port", "user", "dbname", "connect_timeout", nullptr};
  char const* const values[] = {PQhost(conn), PQport(conn), PQuser(conn), PQdb(conn), "2", nullptr};
  return PQpingParams(keywords, values, 0) == PQPING_OK;
}

} // namespace

void Connection::bound_message(bool is_complete) {
  if (is_complete) {
    incomplete_from_.reset();
    return;
  }
  auto const received = message_limit_ == 0 ? std::nullopt : received_bytes(socket());
  if (!received)
    return;
  incomplete_from_ = incomplete_from_.value_or(*received);
  if (*received - *incomplete_from_ <= message_limit_)
    return;
  Error error(ErrorCode::source_protocol_violation,
              fmt::format("PostgreSQL at {} sends a message of more than {} bytes", peer(),
                          message_limit_));
  error.set_advice(
      "A row of that size needs more memory: raise walrock.memory, of which one message "
      "may take a third.");
  throw error;
}

void Connection::cancel() noexcept {
  if (!answers_now(raw()))
    return;
  PGcancel* const cancel = PQgetCancel(raw());
  if (cancel == nullptr)
    return;
  std::array<char, 256> refusal{};
  (void)PQcancel(cancel, refusal.data(), static_cast<int>(refusal.size()));
  PQfreeCancel(cancel);
}

bool Connection::is_alive() noexcept {
  if (raw() == nullptr)
    return false;
  // Twice: the first may read the server's farewell, the second the end of the stream.
  (void)consume();
  (void)PQisBusy(raw());
  (void)consume();
  return PQstatus(raw()) == CONNECTION_OK;
}

int Connection::backend_pid() const {
  return PQbackendPID(raw());
}
int Connection::socket() const {
  return PQsocket(raw());
}

std::string Connection::peer() const {
  if (raw() == nullptr || PQhost(raw()) == nullptr)
    return "the server";
  return fmt::format("{}:{}", PQhost(raw()), PQport(raw()));
}

} // namespace walrock
