#include "starrocks/sql_connection.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <numeric>
#include <utility>

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <sys/socket.h>

#include "base/error.h"
#include "starrocks/url.h"

namespace walrock {

namespace {

using Clock = std::chrono::steady_clock;

// A connection that was idle for longer is asked whether it is alive before a statement goes out.
constexpr Milliseconds kPingAfter{30'000};
// Of one result, and of one packet of it, which is a row. The catalog of many thousand columns
// stays below, and so does any one value but for an ARRAY: StarRocks has JSON of up to 16 MB, texts
// of up to 1 MB, and bytes that are twice that in hexadecimal digits. Rows have no limit.
constexpr std::size_t kMostResultBytes = 32U << 20U;
constexpr unsigned long kMostPacketBytes = kMostResultBytes;

bool contains(std::string_view text, std::string_view wanted) {
  return text.find(wanted) != std::string_view::npos;
}

bool is_login_refused(unsigned number, std::string_view text) {
  return number == 1045 || number == CR_AUTH_PLUGIN_CANNOT_LOAD ||
         contains(text, "Access denied for user");
}

// Numbers 2000 to 2999 are made by the client library.
bool is_connection_error(unsigned number) {
  return number >= 2000 && number < 3000;
}

bool is_permission_error(unsigned number, std::string_view text) {
  static constexpr std::array<unsigned, 5> kNumbers{1227, 1252, 1253, 5203, 5204};
  return std::find(kNumbers.begin(), kNumbers.end(), number) != kNumbers.end() ||
         contains(text, "Access denied; you need");
}

// Another schema change of the table; it ends by itself.
bool is_passing(std::string_view text) {
  return contains(text, "schema change operation is in progress") ||
         contains(text, "state is not NORMAL") || contains(text, "not in NORMAL state");
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

unsigned seconds_of(Milliseconds duration) {
  return static_cast<unsigned>(std::max<std::int64_t>(1, (duration.count() + 999) / 1000));
}

using Result = std::unique_ptr<MYSQL_RES, decltype([](MYSQL_RES* r) { mysql_free_result(r); })>;

// Reads the rows as they come; more than the limit is not an answer that was asked for. Ends at the
// first error, which mysql_errno() tells.
SqlRows rows_of(MYSQL* handle, MYSQL_RES* result) {
  SqlRows rows;
  std::size_t bytes = 0;
  unsigned const count = mysql_num_fields(result);
  MYSQL_FIELD const* const fields = mysql_fetch_fields(result);
  for (unsigned i = 0; i < count; ++i)
    rows.columns.emplace_back(fields[i].name, fields[i].name_length);
  while (MYSQL_ROW const row = mysql_fetch_row(result)) {
    unsigned long const* const lengths = mysql_fetch_lengths(result);
    SqlRows::Row values(count);
    for (unsigned i = 0; i < count; ++i)
      if (row[i] != nullptr)
        values[i].emplace(row[i], lengths[i]);
    bytes += std::accumulate(lengths, lengths + count, count * sizeof(SqlRows::Row::value_type));
    rows.rows.push_back(std::move(values));
    if (bytes > kMostResultBytes) {
      // Else libmariadb would read the rest before it lets go.
      ::shutdown(mysql_get_socket(handle), SHUT_RDWR);
      throw AnswerTooLarge(
          ErrorCode::target_unreachable,
          fmt::format("StarRocks sends a result of more than {} bytes", kMostResultBytes));
    }
  }
  return rows;
}

} // namespace

void throw_sql_error(unsigned number, std::string_view sqlstate, std::string_view text) {
  if (is_login_refused(number, text))
    throw Error(ErrorCode::target_login_refused, fmt::format("StarRocks: {}", text));
  if (number == CR_NET_PACKET_TOO_LARGE)
    throw AnswerTooLarge(
        ErrorCode::target_unreachable,
        fmt::format("StarRocks sends a row of more than {} bytes: {}", kMostPacketBytes, text));
  if (is_connection_error(number))
    throw ConnectionLost(ErrorCode::target_unreachable,
                         fmt::format("the connection to StarRocks is lost: {}", text));
  ErrorCode const code = is_permission_error(number, text) ? ErrorCode::target_permission_denied
                                                           : ErrorCode::target_query_failed;
  Error error(code, fmt::format("StarRocks: {}", text));
  error.set_sqlstate(std::string(sqlstate));
  if (is_passing(text))
    error.set_retry(Retry::later);
  throw error;
}

std::optional<std::size_t> SqlRows::find(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (same_name(columns[i], column))
      return i;
  return std::nullopt;
}

std::optional<std::string> SqlRows::value(Row const& row, std::string_view column) const {
  auto const at = find(column);
  return at && *at < row.size() ? row[*at] : std::nullopt;
}

struct SqlConnection::Mysql {
  explicit Mysql(TargetAddress target) : address(std::move(target)), nodes(address.sql_nodes) {
    if (nodes.empty())
      for (Frontend const& frontend : address.frontends)
        nodes.push_back({frontend.host, address.mysql_port});
  }
  ~Mysql() { close(); }
  Mysql(Mysql const&) = delete;
  Mysql& operator=(Mysql const&) = delete;

  void close() noexcept {
    if (handle != nullptr)
      mysql_close(std::exchange(handle, nullptr));
  }

  void open();
  void try_open(SqlNode const& node);
  void set_options();
  SqlRows next_rows(); // of the statement that is under way
  [[noreturn]] void fail();

  TargetAddress address;
  std::vector<SqlNode> nodes; // beginning with the one that answered last
  MYSQL* handle = nullptr;
  std::size_t current_frontend = 0; // the one that answered last
  Clock::time_point used_at;
  std::optional<bool> can_ask_leader; // of this connection; not known until it is needed
};

void SqlConnection::Mysql::set_options() {
  unsigned const connect_seconds = seconds_of(address.connect_timeout);
  unsigned const read_seconds = seconds_of(address.query_timeout);
  unsigned const write_seconds = seconds_of(address.call_timeout);
  my_bool const on = 1;
  my_bool const off = 0;
  mysql_optionsv(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
  mysql_optionsv(handle, MYSQL_OPT_READ_TIMEOUT, &read_seconds);
  mysql_optionsv(handle, MYSQL_OPT_WRITE_TIMEOUT, &write_seconds);
  mysql_optionsv(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_optionsv(handle, MYSQL_DEFAULT_AUTH, "mysql_native_password");
  mysql_optionsv(handle, MYSQL_OPT_RECONNECT, &off);
  mysql_optionsv(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &kMostPacketBytes);
  unsigned const no_files = 0;
  mysql_optionsv(handle, MYSQL_OPT_LOCAL_INFILE, &no_files);
  if (!address.tls.enabled)
    return;
  auto const path = [](std::string const& text) { return text.empty() ? nullptr : text.c_str(); };
  mysql_ssl_set(handle, path(address.tls.key_file), path(address.tls.certificate_file),
                path(address.tls.ca_file), nullptr, nullptr);
  mysql_optionsv(handle, MYSQL_OPT_SSL_ENFORCE, &on);
  mysql_optionsv(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, address.tls.verify ? &on : &off);
}

void SqlConnection::Mysql::try_open(SqlNode const& node) {
  static int const library = mysql_server_init(0, nullptr, nullptr);
  handle = library == 0 ? mysql_init(nullptr) : nullptr;
  if (handle == nullptr)
    throw Error(ErrorCode::internal, "libmariadb cannot be started");
  set_options();
  can_ask_leader.reset();
  if (mysql_real_connect(handle, node.host.c_str(), address.username.c_str(),
                         address.password.reveal().c_str(), nullptr,
                         static_cast<unsigned>(node.port), nullptr, 0) != nullptr)
    return;
  unsigned const number = mysql_errno(handle);
  std::string const text = mysql_error(handle);
  close();
  std::string const place = host_port(node.host, node.port);
  if (is_login_refused(number, text))
    throw Error(ErrorCode::target_login_refused, fmt::format("StarRocks at {}: {}", place, text));
  throw ConnectionLost(ErrorCode::target_unreachable,
                       fmt::format("cannot connect to StarRocks at {}: {}", place, text));
}

void SqlConnection::Mysql::open() {
  if (handle != nullptr && Clock::now() - used_at > kPingAfter && mysql_ping(handle) != 0)
    close();
  if (handle != nullptr)
    return;
  std::size_t const count = nodes.size();
  for (std::size_t tried = 0; tried < count; ++tried) {
    try {
      try_open(nodes[current_frontend % count]);
      return;
    } catch (ConnectionLost&) {
      current_frontend = (current_frontend + 1) % count;
      if (tried + 1 == count)
        throw;
    }
  }
  throw Error(ErrorCode::target_unreachable, "no frontend of StarRocks is configured");
}

void SqlConnection::Mysql::fail() {
  // libmariadb tells of a packet beyond the limit as of a lost connection; the network it notes
  // as 2.
  constexpr char kNotOfTheNetwork = 1;
  bool const is_too_large =
      mysql_errno(handle) == CR_SERVER_LOST && handle->net.error == kNotOfTheNetwork;
  unsigned const number = is_too_large ? CR_NET_PACKET_TOO_LARGE : mysql_errno(handle);
  std::string const sqlstate = mysql_sqlstate(handle);
  std::string const text = mysql_error(handle);
  if (is_connection_error(number))
    close();
  throw_sql_error(number, sqlstate, text);
}

SqlRows SqlConnection::Mysql::next_rows() {
  SqlRows rows;
  bool has_rows = false;
  try {
    if (Result const result(mysql_use_result(handle)); result) {
      has_rows = true;
      rows = rows_of(handle, result.get());
    }
  } catch (ConnectionLost const&) { // it sends too much
    close();
    throw;
  }
  if (has_rows ? mysql_errno(handle) != 0 : mysql_field_count(handle) != 0)
    fail();
  return has_rows ? std::move(rows) : SqlRows{{}, {}, mysql_affected_rows(handle)};
}

SqlConnection::SqlConnection(TargetAddress address)
    : mysql_(std::make_unique<Mysql>(std::move(address))) {}
SqlConnection::~SqlConnection() = default;
SqlConnection::SqlConnection(SqlConnection&&) noexcept = default;
SqlConnection& SqlConnection::operator=(SqlConnection&&) noexcept = default;

void SqlConnection::open() {
  mysql_->open();
}
void SqlConnection::close() noexcept {
  mysql_->close();
}
TargetAddress const& SqlConnection::address() const {
  return mysql_->address;
}

SqlRows SqlConnection::query(std::string const& sql) {
  Mysql& mysql = *mysql_;
  mysql.open();
  mysql.used_at = Clock::now();
  if (mysql_real_query(mysql.handle, sql.data(), static_cast<unsigned long>(sql.size())) != 0)
    mysql.fail();
  SqlRows rows;
  for (;;) {
    rows = mysql.next_rows();
    int const next = mysql_next_result(mysql.handle);
    if (next > 0)
      mysql.fail();
    if (next < 0)
      break;
  }
  mysql.used_at = Clock::now();
  return rows;
}

SqlRows SqlConnection::query_leader(std::string const& sql) {
  mysql_->open();
  if (!mysql_->can_ask_leader)
    mysql_->can_ask_leader =
        !query("SHOW VARIABLES LIKE 'follower_query_forward_mode'").rows.empty();
  return query(*mysql_->can_ask_leader ? "SET follower_query_forward_mode = 'leader'; " + sql
                                       : sql);
}

} // namespace walrock
