#include "postgres/pq_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace walrock {

namespace {

std::string one_line(std::string_view text) {
  std::string out;
  for (char const c : text) {
    bool const is_blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!is_blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

std::string field(pg_result const* result, char code) {
  char const* text =
      result == nullptr ? nullptr : PQresultErrorField(result, static_cast<unsigned char>(code));
  return text == nullptr ? std::string() : std::string(text);
}

bool is_lost(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P");
}

// DETAIL and HINT explain limits and prerequisites; in other classes DETAIL may quote a row.
bool may_show_detail(std::string_view sqlstate) {
  return sqlstate.starts_with("53") || sqlstate.starts_with("55") || sqlstate.starts_with("42") ||
         sqlstate.starts_with("28");
}

void refine(PqFailure& failure) {
  failure.code = code_of_sqlstate(failure.sqlstate);
  failure.is_connection_lost = failure.is_connection_lost || is_lost(failure.sqlstate);
  if (failure.is_connection_lost)
    failure.code = ErrorCode::source_unreachable;
  if (failure.sqlstate == "3D000")
    failure.advice = "Check source database-name against the databases of the server.";
  if (failure.sqlstate == "53300")
    failure.advice = "The server has no connection left: raise max_connections or, for "
                     "replication, max_wal_senders, or lower source.max-connections.";
  // Out of resources, cancelled, serialization: the same statement may work later.
  std::string_view const state = failure.sqlstate;
  if (failure.code == ErrorCode::source_query_failed &&
      (state.starts_with("53") || state == "57014" || state.starts_with("40") || state == "55P03"))
    failure.retry = Retry::later;
}

// ":  28P01: password..." in a message of verbosity VERBOSE.
std::string sqlstate_in(std::string_view text) {
  auto const is_state = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  for (auto at = text.find(":  "); at != text.npos; at = text.find(":  ", at + 1)) {
    std::string_view const state = text.substr(at + 3, 5);
    if (state.size() == 5 && std::all_of(state.begin(), state.end(), is_state) &&
        text.substr(at + 8, 2) == ": ")
      return std::string(state);
  }
  return {};
}

// Without "28P01: " and without the source place that VERBOSE adds.
std::string without_verbosity(std::string text, std::string const& sqlstate) {
  if (!sqlstate.empty())
    if (auto const at = text.find(sqlstate + ": "); at != std::string::npos)
      text.erase(at, sqlstate.size() + 2);
  // The last line of the server's message; its first word is translated with lc_messages.
  for (std::string_view const mark : {"\nLOCATION:", ".c:"}) {
    auto const at = text.find(mark);
    if (at == std::string::npos)
      continue;
    auto const line = mark.front() == '\n' ? at : text.rfind('\n', at);
    if (line != std::string::npos)
      text.erase(line, text.find('\n', line + 1) - line);
  }
  return text;
}

} // namespace

ErrorCode code_of_sqlstate(std::string_view sqlstate) {
  static constexpr std::array<std::pair<std::string_view, ErrorCode>, 9> kCodes{{
      {"28P01", ErrorCode::source_login_refused}, // wrong password
      {"28000", ErrorCode::source_login_refused}, // pg_hba.conf, unknown role, no LOGIN
      {"3D000", ErrorCode::source_login_refused}, // unknown database
      {"42501", ErrorCode::source_permission_denied},
      {"42P01", ErrorCode::table_not_found},
      {"3F000", ErrorCode::table_not_found},
      {"53300", ErrorCode::source_unreachable},   // too many connections
      {"53400", ErrorCode::source_setting_wrong}, // all replication slots are in use
      {"55006", ErrorCode::slot_in_use},          // slot is active for another process
  }};
  for (auto const& [state, code] : kCodes)
    if (sqlstate == state)
      return code;
  return is_lost(sqlstate) ? ErrorCode::source_unreachable : ErrorCode::source_query_failed;
}

PqFailure failure_of(pg_conn* conn, pg_result const* result, std::string_view action) {
  PqFailure out;
  out.sqlstate = field(result, PG_DIAG_SQLSTATE);
  std::string text = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (may_show_detail(out.sqlstate))
    for (char const code : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT})
      if (std::string const more = field(result, code); !more.empty())
        text += "; " + more;
  // libpq makes a result of its own, without SQLSTATE, when the connection breaks.
  if (text.empty())
    text = result == nullptr ? PQerrorMessage(conn) : PQresultErrorMessage(result);
  out.is_connection_lost = PQstatus(conn) != CONNECTION_OK;
  refine(out);
  out.message = fmt::format("{}: PostgreSQL: {}", action, one_line(text));
  return out;
}

PqFailure connect_failure_of(pg_conn* conn, std::string_view where) {
  PqFailure out;
  std::string const text = conn == nullptr ? "out of memory" : PQerrorMessage(conn);
  out.sqlstate = sqlstate_in(text);
  out.is_connection_lost = out.sqlstate.empty() || out.sqlstate == "53300";
  refine(out);
  if (conn != nullptr && PQconnectionNeedsPassword(conn) != 0) {
    out.code = ErrorCode::source_login_refused;
    out.is_connection_lost = false;
  }
  out.message = fmt::format("cannot connect to PostgreSQL at {}: {}", where,
                            one_line(without_verbosity(text, out.sqlstate)));
  return out;
}

void raise(PqFailure failure, Where where) {
  auto const complete = [&](Error& error) {
    error.set_sqlstate(std::move(failure.sqlstate));
    if (!failure.advice.empty())
      error.set_advice(std::move(failure.advice));
    if (failure.retry)
      error.set_retry(*failure.retry);
  };
  if (failure.is_connection_lost) {
    ConnectionLost error(failure.code, std::move(failure.message), where);
    complete(error);
    throw error;
  }
  Error error(failure.code, std::move(failure.message), where);
  complete(error);
  throw error;
}

} // namespace walrock
