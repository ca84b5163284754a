// What StarRocks says to a call of the load transaction interface, read from its JSON, and what it
// means. Pure.
//
// Three shapes exist: the backend's and the frontend's transaction answer (Status, Message, ...),
// and the frontend's REST answer (status, code, msg) for label states, cancels and refused logins.
// The content type tells nothing. Success is a closed list; whatever is not understood is never
// success.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/load_target.h"

namespace walrock {

enum class AnswerStatus {
  ok,                // OK, Success
  publish_timeout,   // committed, not visible yet
  label_exists,      // LABEL_ALREADY_EXISTS, Label Already Exists
  txn_missing,       // TXN_NOT_EXISTS
  txn_in_processing, // another call holds the label for a moment
  busy,              // SERVICE_UNAVAILABLE, RESOURCE_BUSY, TOO_MANY_TASKS, MEM_LIMIT_EXCEEDED...
  rows_refused,      // DATA_QUALITY_ERROR
  failed,            // FAILED, Fail and every other word
  not_understood,    // not an answer of StarRocks at all
};

struct Answer {
  AnswerStatus status = AnswerStatus::not_understood;
  int http_status = 0;
  std::string word;    // the status as sent
  std::string message; // Message or msg; an excerpt of the text when not understood
  std::string label;
  std::int64_t txn_id = 0;
  // Only in answers to prepare and commit of an open transaction.
  std::optional<std::uint64_t> total_rows;
  std::optional<std::uint64_t> loaded_rows;
  std::optional<std::uint64_t> filtered_rows;
  std::optional<std::uint64_t> unselected_rows;
  std::optional<std::uint64_t> load_bytes; // of this call
  std::string error_url;
  std::string existing_job_status; // RUNNING, FINISHED
  std::string state;               // of get_load_state
};

[[nodiscard]] Answer parse_answer(int http_status, std::string_view text);

// Of an answer that is neither ok nor label_exists: what the caller of load() is told.
[[nodiscard]] LoadOutcome::Kind kind_of_failure(Answer const& answer);
// The server did not accept username and password.
[[nodiscard]] bool says_login_refused(Answer const& answer);
// get_load_state; unreachable when the answer does not tell.
[[nodiscard]] LabelState label_state_of(Answer const& answer);
// The server says that the transaction was thrown away.
[[nodiscard]] bool says_aborted(Answer const& answer);
// "INTERNAL_ERROR: too many filtered rows"
[[nodiscard]] std::string to_string(Answer const& answer);
// At most limit bytes on one line, control bytes as blanks: for messages.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t limit);

} // namespace walrock
