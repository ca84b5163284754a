// The one error type of walrock. A failure is thrown as an Error (or a subclass where a catcher
// differs); outcomes that a caller is meant to branch on are values, never exceptions.
//
// Code -> {blame, retry, advice} is one table (error.cpp); every code has advice for the operator.
// An Error never carries a secret or a value of a user's row, except where the row itself was
// refused by the target and the operator must see which one.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace walrock {

// Stable words: they appear in logs, in the API and in metrics. Add at the end of a group.
enum class ErrorCode {
  // the user's side
  usage,
  job_file_invalid,
  secret_missing,
  // PostgreSQL
  source_unreachable,
  source_login_refused,
  source_permission_denied,
  source_setting_wrong, // wal_level, max_replication_slots, max_wal_senders...
  source_query_failed,
  source_protocol_violation,
  slot_unknown, // exists, but no checkpoint of ours knows it
  slot_missing, // the checkpoint names it, the server does not have it
  slot_in_use,
  slot_invalidated,
  slot_moved,        // it stands beyond what is in the target: the changes between are gone
  source_replaced,   // another cluster answers: its system identifier differs
  source_rewound,    // the server's WAL ends before what is in the target
  timeline_switched, // the server was promoted while we ran: the start looks at it again
  timeline_diverged, // its history does not contain what is in the target
  publication_missing,
  publication_denied,
  table_not_found,
  replica_identity_missing,
  primary_key_missing,
  snapshot_lost,
  copy_needed,
  table_changed, // a schema change that walrock does not follow yet
  // StarRocks
  target_unreachable,
  target_login_refused,
  target_permission_denied,
  target_query_failed,
  target_protocol_violation,
  target_table_mismatch,
  target_table_missing,
  target_has_rows,
  target_model_unsupported,
  transactions_unsupported,
  load_rejected, // rows refused: values that the target cannot take
  quarantine_full,
  load_failed,    // anything else that failed a load; may be tried again
  label_in_doubt, // a commit whose outcome cannot be found out
  value_unsupported,
  // walrock itself
  checkpoint_failed,
  checkpoint_mismatch, // belongs to another job, server or format
  instance_running,    // a second walrock on one job
  spool_failed,
  spool_lost, // the durable spool lacks what was acknowledged because of it
  http_listen_failed,
  stopped,
  internal,
};

enum class Blame { source, target, config, engine };
enum class Retry { later, never };

// What is known about a code, whatever the place it is thrown from.
struct ErrorPolicy {
  std::string_view word; // the stable name, e.g. "slot_unknown"
  Blame blame;
  Retry retry;
  std::string_view advice; // one sentence for the operator
};

[[nodiscard]] ErrorPolicy const& error_policy(ErrorCode code);
[[nodiscard]] std::vector<ErrorCode> all_error_codes();

// Where an error was thrown. (clang 14 cannot use std::source_location with libstdc++ 12.)
struct Where {
  char const* file = "";
  int line = 0;
  static Where here(char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

class Error : public std::exception {
public:
  // what: one sentence, lower case, what happened and where in the user's world.
  explicit Error(ErrorCode code, std::string what, Where where = Where::here());

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] Blame blame() const { return error_policy(code_).blame; }
  [[nodiscard]] Retry retry() const { return retry_; }
  [[nodiscard]] std::string_view word() const { return error_policy(code_).word; }
  // The advice of this very error if one was given, else that of its code.
  [[nodiscard]] std::string_view advice() const;
  [[nodiscard]] std::vector<std::string> const& context() const { return context_; }
  [[nodiscard]] std::string const& sqlstate() const { return sqlstate_; }
  [[nodiscard]] Where where() const { return where_; }
  // what, then the context lines: "…; table public.orders".
  [[nodiscard]] char const* what() const noexcept override { return full_.c_str(); }
  [[nodiscard]] std::string const& message() const { return message_; }

  Error& add_context(std::string line);
  Error& set_advice(std::string advice);
  Error& set_sqlstate(std::string sqlstate);
  Error& set_retry(Retry retry);

private:
  void compose();

  ErrorCode code_;
  Retry retry_;
  std::string message_;
  std::string advice_;
  std::string sqlstate_;
  std::vector<std::string> context_;
  std::string full_;
  Where where_;
};

// The connection died or could not be made; whatever was under way is unknown.
class ConnectionLost : public Error {
public:
  explicit ConnectionLost(ErrorCode code, std::string what, Where where = Where::here())
      : Error(code, std::move(what), where) {}
};

// A peer sent bytes that its protocol does not allow.
class ProtocolViolation : public Error {
public:
  explicit ProtocolViolation(std::string what, Where where = Where::here())
      : Error(ErrorCode::source_protocol_violation, std::move(what), where) {}
};

// A stop was asked for while waiting.
class Stopped : public Error {
public:
  explicit Stopped(Where where = Where::here())
      : Error(ErrorCode::stopped, "stopped on request", where) {}
};

// The copyable form that crosses threads and becomes JSON.
struct ErrorReport {
  ErrorCode code = ErrorCode::internal;
  Retry retry = Retry::never;
  std::string message; // with context
  std::string advice;

  static ErrorReport of(Error const& error);
  // For foreign exceptions at a boundary.
  static ErrorReport of(std::exception const& error);
};

// A bug, never input: logs and aborts, also in release builds.
[[noreturn]] void assertion_failed(char const* condition, std::string_view why, Where where);
#define WALROCK_ASSERT(condition, why)                                                             \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ::walrock::assertion_failed(#condition, (why), ::walrock::Where::here());                    \
  } while (false)

} // namespace walrock
