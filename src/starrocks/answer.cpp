#include "starrocks/answer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walrock {

namespace {

using nlohmann::json;
using Kind = LoadOutcome::Kind;

constexpr std::size_t kExcerptBytes = 200;
constexpr std::size_t kMessageBytes = 2000;
constexpr int kDeepest = 4; // answers are flat

bool contains(std::string_view text, std::string_view wanted) {
  auto const same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same) != text.end();
}

bool contains_any(std::string_view text, auto const& list) {
  return std::any_of(list.begin(), list.end(),
                     [&](std::string_view wanted) { return contains(text, wanted); });
}

// Rows that cannot be loaded, by the words of the message. Bodies that are not JSON are here too:
// loading the same bytes again is of no use.
constexpr std::array<std::string_view, 10> kRowsRefused{
    "too many filtered rows",      "data quality issue",      "Invalid UTF-8",
    "illegal json started",        "Failed to iterate",       "Failed to parse",
    "This parser can't support",   "primary key size exceed", "beyond the JSON payload limit",
    "CSV line length exceed limit"};

// Limits that pass by themselves.
constexpr std::array<std::string_view, 17> kBusy{"current running txns",
                                                 "exceeds quota", // until it is raised
                                                 "larger than limit",
                                                 "too many versions",
                                                 "-235",
                                                 "mem limit",
                                                 "memory limit",
                                                 "memory exceed",
                                                 "memory of process",
                                                 "please try again later",
                                                 "please retry later",
                                                 "Service is shutting down",
                                                 "exceed http cuncurrent limit",
                                                 "too many tasks",
                                                 "schema change operation is in progress",
                                                 "state is not NORMAL",
                                                 "not in NORMAL state"};

// The table is gone, does not fit the columns sent, or may not be written.
constexpr std::array<std::string_view, 12> kTargetBroken{"unknown database",
                                                         "unknown table",
                                                         "Mapping column is not in table",
                                                         "Duplicate column",
                                                         "Column has no default value",
                                                         "unknown reference column",
                                                         "Only primary key table support",
                                                         "only support primary key table",
                                                         "not in partial update columns",
                                                         "Primary key table does not support",
                                                         "Access denied; you need",
                                                         "load op type"};

// "database D not exists", of the frontend; a label that does not exist is something else.
bool says_database_missing(std::string_view message) {
  return contains(message, "database ") && contains(message, "not exists") &&
         !contains(message, "label");
}

// Nobody there to take the load.
constexpr std::array<std::string_view, 3> kUnreachable{"No backend alive", "No alive backend",
                                                       "has no node"};

AnswerStatus status_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, AnswerStatus>, 15> kWords{{
      {"OK", AnswerStatus::ok},
      {"Success", AnswerStatus::ok},
      {"Publish Timeout", AnswerStatus::publish_timeout},
      {"PUBLISH_TIMEOUT", AnswerStatus::publish_timeout},
      {"LABEL_ALREADY_EXISTS", AnswerStatus::label_exists},
      {"Label Already Exists", AnswerStatus::label_exists},
      {"TXN_NOT_EXISTS", AnswerStatus::txn_missing},
      {"TXN_IN_PROCESSING", AnswerStatus::txn_in_processing},
      {"SERVICE_UNAVAILABLE", AnswerStatus::busy},
      {"RESOURCE_BUSY", AnswerStatus::busy},
      {"TOO_MANY_TASKS", AnswerStatus::busy},
      {"MEM_LIMIT_EXCEEDED", AnswerStatus::busy},
      {"SR_EAGAIN", AnswerStatus::busy},
      {"DATA_QUALITY_ERROR", AnswerStatus::rows_refused},
      {"FAILED", AnswerStatus::failed},
  }};
  for (auto const& [known, status] : kWords)
    if (known == word)
      return status;
  return AnswerStatus::failed;
}

std::string text_of(json const& object, char const* key) {
  auto const found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> count_of(json const& object, char const* key) {
  auto const found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned())
    return std::nullopt;
  return found->get<std::uint64_t>();
}

// Status, Message and the rest: made by a backend, or by a frontend for a prepared label.
void read_transaction_answer(json const& object, Answer& answer) {
  answer.message = text_of(object, "Message");
  answer.label = text_of(object, "Label");
  if (auto const id = object.find("TxnId"); id != object.end() && id->is_number_integer())
    answer.txn_id = id->get<std::int64_t>();
  answer.total_rows = count_of(object, "NumberTotalRows");
  answer.loaded_rows = count_of(object, "NumberLoadedRows");
  answer.filtered_rows = count_of(object, "NumberFilteredRows");
  answer.unselected_rows = count_of(object, "NumberUnselectedRows");
  answer.load_bytes = count_of(object, "LoadBytes");
  answer.error_url = text_of(object, "ErrorURL");
  answer.existing_job_status = text_of(object, "ExistingJobStatus");
}

// status, code, msg, message: label states, cancels, refused logins.
void read_rest_answer(json const& object, Answer& answer) {
  answer.message = text_of(object, "msg");
  if (answer.message.empty())
    answer.message = text_of(object, "message");
  answer.state = text_of(object, "state");
}

} // namespace

std::string excerpt(std::string_view text, std::size_t limit) {
  std::string out;
  for (char const c : text) {
    if (out.size() >= limit) {
      // Not within a UTF-8 sequence.
      if ((c & 0xC0) == 0x80) {
        while (!out.empty() && (out.back() & 0xC0) == 0x80)
          out.pop_back();
        if (!out.empty())
          out.pop_back();
      }
      return out + "...";
    }
    bool const is_blank = static_cast<unsigned char>(c) <= 0x20;
    if (!is_blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

Answer parse_answer(int http_status, std::string_view text) {
  Answer answer;
  answer.http_status = http_status;
  // Deeper values would take far more memory than their text.
  json const object = json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth < kDeepest; }, false);
  std::string const word = object.is_object() ? text_of(object, "Status") : "";
  std::string const rest_word = object.is_object() ? text_of(object, "status") : "";
  if (!word.empty())
    read_transaction_answer(object, answer);
  else if (!rest_word.empty())
    read_rest_answer(object, answer);
  answer.word = word.empty() ? rest_word : word;
  if (!answer.word.empty())
    answer.status = status_of(answer.word);
  answer.message = excerpt(answer.message, kMessageBytes);
  // Every outcome of a load comes with 200; OK under another status is somebody else's page.
  if (answer.word.empty() || (http_status != 200 && answer.status == AnswerStatus::ok)) {
    answer.status = AnswerStatus::not_understood;
    answer.message = fmt::format("HTTP {}, not an answer of StarRocks: \"{}\"", http_status,
                                 excerpt(text, kExcerptBytes));
  }
  return answer;
}

bool says_login_refused(Answer const& answer) {
  if (contains(answer.message, "Access denied; you need"))
    return false;
  return answer.http_status == 401 || contains(answer.message, "no valid Basic authorization") ||
         contains(answer.message, "Access denied for");
}

Kind kind_of_failure(Answer const& answer) {
  // A password that was changed while walrock runs is waited for like a server that is away.
  if (answer.status == AnswerStatus::not_understood || says_login_refused(answer) ||
      contains_any(answer.message, kUnreachable))
    return Kind::unreachable;
  if (answer.status == AnswerStatus::rows_refused || contains_any(answer.message, kRowsRefused))
    return Kind::rows_refused;
  if (answer.status == AnswerStatus::busy || contains_any(answer.message, kBusy))
    return Kind::busy;
  if (contains_any(answer.message, kTargetBroken) || says_database_missing(answer.message))
    return Kind::target_broken;
  return Kind::failed;
}

LabelState label_state_of(Answer const& answer) {
  static constexpr std::array<std::pair<std::string_view, LabelState>, 6> kStates{{
      {"UNKNOWN", LabelState::unknown},
      {"PREPARE", LabelState::prepare},
      {"PREPARED", LabelState::prepared},
      {"COMMITTED", LabelState::committed},
      {"VISIBLE", LabelState::visible},
      {"ABORTED", LabelState::aborted},
  }};
  if (answer.status == AnswerStatus::ok)
    for (auto const& [word, state] : kStates)
      if (word == answer.state)
        return state;
  // Its labels are gone with the database.
  if (answer.status == AnswerStatus::failed &&
      (contains(answer.message, "unknown database") || says_database_missing(answer.message)))
    return LabelState::unknown;
  return LabelState::unreachable;
}

bool says_aborted(Answer const& answer) {
  return answer.status == AnswerStatus::failed && contains(answer.message, "commit aborted");
}

std::string to_string(Answer const& answer) {
  if (answer.word.empty())
    return answer.message;
  return answer.message.empty() ? answer.word : answer.word + ": " + answer.message;
}

} // namespace walrock
