// Turns what libpq and PostgreSQL say into walrock's errors: the one place that does. For this
// folder. Server messages may name tables and columns; their DETAIL is left out where it could hold
// values of rows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct pg_conn;
struct pg_result;

namespace walrock {

struct PqFailure {
  ErrorCode code = ErrorCode::source_query_failed;
  std::string message; // "PostgreSQL refused to ...: ..."
  std::string sqlstate;
  std::string advice;         // empty: that of the code
  std::optional<Retry> retry; // nothing: that of the code
  bool is_connection_lost = false;
};

// What a SQLSTATE means wherever it appears.
[[nodiscard]] ErrorCode code_of_sqlstate(std::string_view sqlstate);

// result: a failed one, or nullptr when the connection itself failed. action: "create slot \"s\"".
[[nodiscard]] PqFailure failure_of(pg_conn* conn, pg_result const* result, std::string_view action);
// A connection that could not be made; libpq keeps its SQLSTATE only in the (verbose) text.
[[nodiscard]] PqFailure connect_failure_of(pg_conn* conn, std::string_view where);

[[noreturn]] void raise(PqFailure failure, Where where = Where::here());

} // namespace walrock
