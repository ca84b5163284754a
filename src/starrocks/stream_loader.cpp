// What an answer means: the closed list of successes, and what is done about everything else.
#include "starrocks/stream_loader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "model/label_origin.h"
#include "model/pg_time.h"
#include "model/table_plan.h"
#include "starrocks/catalog.h"
#include "starrocks/error_log.h"
#include "starrocks/field_reader.h"
#include "starrocks/group_load.h"
#include "starrocks/kept_rows.h"
#include "starrocks/quarantine_rows.h"
#include "starrocks/refused_row_search.h"

namespace walrock {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSearchedBytes = 32 << 20; // more is not loaded again to name a row

LoadOutcome outcome_of(LoadOutcome::Kind kind, std::string message) {
  LoadOutcome outcome;
  outcome.kind = kind;
  outcome.message = std::move(message);
  return outcome;
}

bool knows_a_row(LoadOutcome const& outcome) {
  return std::any_of(outcome.refusals.begin(), outcome.refusals.end(),
                     [](RefusedRow const& row) { return row.hash != 0; });
}

bool names_a_row(LoadOutcome const& outcome) {
  return std::any_of(outcome.refusals.begin(), outcome.refusals.end(),
                     [](RefusedRow const& row) { return !row.key.empty(); });
}

CallOutcome statement_outcome(auto const& statement) {
  try {
    statement();
    return {CallOutcome::Kind::done, {}};
  } catch (Error const& error) {
    bool const is_away = error.code() == ErrorCode::target_unreachable ||
                         error.code() == ErrorCode::target_login_refused ||
                         error.code() == ErrorCode::stopped || error.retry() == Retry::later;
    return {is_away ? CallOutcome::Kind::unreachable : CallOutcome::Kind::refused, error.what()};
  }
}

} // namespace

StreamLoader::StreamLoader(TargetAddress const& address, TargetAddress const& ddl,
                           LoadOptions const& options, std::stop_token stop)
    : calls_(address, options, stop), sql_(ddl), options_(options), stop_(std::move(stop)) {}

LoadOutcome StreamLoader::load(LoadRequest const& request) {
  auto const started = Clock::now();
  LoadOutcome outcome = load_and_prepare(request);
  if (outcome.kind == LoadOutcome::Kind::rows_refused) {
    outcome.refused_at = pg_now();
    if (!names_a_row(outcome) || (options_.finds_refused_rows && !knows_a_row(outcome)))
      search(request, outcome);
  }
  outcome.took = std::chrono::duration_cast<Milliseconds>(Clock::now() - started);
  return outcome;
}

// The error log could not be read, or says nothing of a key: the batch is halved. The parts go out
// under the same label, one after the other, each rolled back: the label is free again, and a
// restart knows it.
void StreamLoader::search(LoadRequest const& request, LoadOutcome& outcome) {
  if (request.batch->spec.key.empty())
    return;
  std::string reason = outcome.refusals.empty() ? outcome.message : outcome.refusals[0].reason;
  std::string column = outcome.refusals.empty() ? "" : outcome.refusals[0].column;
  auto found = search_refused_rows(
      *request.batch, kSearchedBytes, options_.finds_refused_rows ? kErrorLogLines : 1,
      [&](Batch const& rows) -> Probe {
        LoadOutcome const part = load_and_prepare({request.label, &rows});
        if (part.kind == LoadOutcome::Kind::rows_refused)
          return Probe::refused;
        bool const is_undone = part.kind == LoadOutcome::Kind::prepared &&
                               rollback(request.label).kind == CallOutcome::Kind::done;
        return is_undone ? Probe::taken : Probe::unknown;
      });
  if (found.empty())
    return;
  for (RefusedRow& row : found) {
    row.reason = reason;
    row.column = column;
  }
  outcome.refusals = std::move(found);
}

LoadOutcome StreamLoader::load_and_prepare(LoadRequest const& request) {
  Batch const& batch = *request.batch;
  WALROCK_ASSERT(!batch.bodies.empty(), "a label has rows: StarRocks refuses an empty one");
  if (!fits_headers(request.label, batch.spec))
    return outcome_of(LoadOutcome::Kind::target_broken,
                      "a name with a line break or a zero byte cannot be loaded");
  bool const is_copy = are_failpoints_armed() && is_of_copy(request.label);
  FailStep const begin = is_quarantine(batch.spec) ? FailStep::quarantine_begin
                         : is_copy                 ? FailStep::copy_begin
                                                   : FailStep::stream_begin;
  reach_failpoint(begin, FailSide::before);
  TransactionReply const begun = calls_.begin(request.label, batch.spec);
  reach_failpoint(begin, FailSide::after);
  bool const exists = begun.answer && begun.answer->status == AnswerStatus::label_exists;
  if (exists && !begun.was_repeated)
    return outcome_of(LoadOutcome::Kind::label_exists, begun.message());
  if (!begun.is_ok())
    return given_up(request, begun);
  Compression const compression =
      usable_compression(batch.spec, batch.bodies.size() + (batch.reads_back() ? 1 : 0), options_);
  try {
    for (Body const& body : batch.bodies) {
      std::string const unspooled = body.spooled ? body.spooled->read() : std::string();
      std::optional<TransactionReply> failed;
      auto const send = [&](std::string_view bytes) {
        reach_failpoint(is_copy ? FailStep::copy_load : FailStep::stream_load, FailSide::before);
        TransactionReply loaded =
            calls_.load(request.label, batch.spec, bytes, compression, begun.server);
        reach_failpoint(is_copy ? FailStep::copy_load : FailStep::stream_load, FailSide::after);
        if (!loaded.is_ok())
          failed = std::move(loaded);
        return !failed;
      };
      std::string_view const bytes = body.spooled ? unspooled : body.bytes;
      if (!body.reads_back())
        (void)send(bytes);
      else if (auto unread = fill_and_send(batch.spec, body, bytes, send)) {
        (void)rollback(request.label);
        return *std::move(unread);
      }
      if (failed)
        return given_up(request, *failed);
    }
  } catch (Error const&) {
    (void)rollback(request.label); // the spool cannot be read
    throw;
  }
  return prepare(request, begun.server);
}

// Nothing, or why the values that only the target has cannot be told.
std::optional<LoadOutcome>
StreamLoader::fill_and_send(LoadSpec const& spec, Body const& body, std::string_view bytes,
                            std::function<bool(std::string_view)> const& send) {
  auto const places = [&](std::span<RankedRow const> wanted) {
    WALROCK_BEFORE(stream_read_back);
    std::vector<RowPlace> found = read_places(sql_, spec, wanted);
    WALROCK_AFTER(stream_read_back);
    return found;
  };
  auto const values = [&](std::span<WantedRow const> wanted) {
    WALROCK_BEFORE(stream_read_back);
    std::optional<FieldValues> found = read_fields(sql_, spec, wanted);
    WALROCK_AFTER(stream_read_back);
    return found;
  };
  try {
    if (body.has_ranked_rows)
      (void)send(place_ranked_rows(bytes, places));
    else
      fill_references(bytes, body.references, values, send);
    return std::nullopt;
  } catch (Error const& error) {
    if (error.code() == ErrorCode::spool_failed)
      throw;
    bool const is_gone =
        error.code() == ErrorCode::copy_needed || error.code() == ErrorCode::value_unsupported;
    CallOutcome const call = statement_outcome([&] { throw error; });
    return outcome_of(is_gone                                       ? LoadOutcome::Kind::unreadable
                      : call.kind == CallOutcome::Kind::unreachable ? LoadOutcome::Kind::unreachable
                                                                    : LoadOutcome::Kind::failed,
                      error.what());
  }
}

LoadOutcome StreamLoader::prepare(LoadRequest const& request, std::string const& server) {
  bool const is_copy = are_failpoints_armed() && is_of_copy(request.label);
  FailStep const step = is_quarantine(request.batch->spec) ? FailStep::quarantine_prepare
                        : is_copy                          ? FailStep::copy_prepare
                                                           : FailStep::stream_prepare;
  reach_failpoint(step, FailSide::before);
  TransactionReply const prepared = calls_.prepare(request.label, request.batch->spec, server);
  reach_failpoint(step, FailSide::after);
  if (!prepared.is_ok())
    return given_up(request, prepared);
  LoadOutcome outcome = check_counts(request, *prepared.answer);
  if (outcome.kind != LoadOutcome::Kind::prepared)
    (void)rollback(request.label);
  return outcome;
}

// OK is not enough: a row that never arrived, or arrived twice, is only seen in the counts.
LoadOutcome StreamLoader::check_counts(LoadRequest const& request, Answer const& answer) {
  LoadOutcome outcome;
  outcome.loaded_rows = answer.loaded_rows.value_or(0);
  outcome.txn_id = answer.txn_id;
  std::uint64_t const sent = request.batch->row_count;
  if (answer.filtered_rows.value_or(0) > 0 || answer.unselected_rows.value_or(0) > 0) {
    outcome.kind = LoadOutcome::Kind::rows_refused;
    tell(answer, *request.batch, outcome);
  } else if (!answer.loaded_rows || !answer.filtered_rows || *answer.loaded_rows != sent) {
    outcome.kind = LoadOutcome::Kind::failed;
    outcome.message =
        fmt::format("prepare: {} rows were sent, StarRocks counted {}", sent,
                    answer.loaded_rows ? std::to_string(*answer.loaded_rows) : std::string("none"));
  } else if (!answer.label.empty() && answer.label != request.label.text) {
    outcome.kind = LoadOutcome::Kind::failed;
    outcome.message = fmt::format("prepare: the answer is about the label {}", answer.label);
  } else {
    outcome.kind = LoadOutcome::Kind::prepared;
  }
  return outcome;
}

LoadOutcome StreamLoader::given_up(LoadRequest const& request, TransactionReply const& reply) {
  Label const& label = request.label;
  LoadOutcome outcome;
  outcome.message = reply.message();
  bool const is_understood = reply.answer && reply.answer->status != AnswerStatus::not_understood;
  if (is_understood) {
    outcome.kind = kind_of_failure(*reply.answer);
    tell(*reply.answer, *request.batch, outcome);
    outcome.message = reply.call + ": " + outcome.message;
    outcome.txn_id = reply.answer->txn_id;
  }
  // A frontend or backend that refuses to begin has begun nothing.
  bool const is_begun =
      reply.call != "begin" ||
      (reply.answer ? !is_understood || reply.was_repeated : reply.may_have_arrived);
  CallOutcome const undone = is_begun ? rollback(label) : CallOutcome{CallOutcome::Kind::done, {}};
  if (undone.kind != CallOutcome::Kind::done)
    outcome.message += "; rollback: " + undone.message;
  if (!is_understood)
    outcome.kind = !is_begun || undone.kind == CallOutcome::Kind::unreachable
                       ? LoadOutcome::Kind::unreachable
                       : LoadOutcome::Kind::failed;
  return outcome;
}

// What the answer says, and which rows StarRocks refused, when it says so.
void StreamLoader::tell(Answer const& answer, Batch const& batch, LoadOutcome& outcome) {
  outcome.message = to_string(answer);
  outcome.refused_rows = answer.filtered_rows.value_or(0) + answer.unselected_rows.value_or(0);
  if (answer.error_url.empty())
    return;
  std::string const log = calls_.error_log(answer.error_url);
  auto const entries = parse_error_log(log);
  outcome.refusals = refused_rows(entries, batch);
  if (options_.finds_refused_rows)
    find_hashes(entries, batch, outcome.refusals);
  // An answer that fails the load does not count; a log that is not full does.
  if (outcome.refused_rows == 0 && outcome.refusals.size() < kErrorLogLines &&
      log.size() < kErrorLogBytes)
    outcome.refused_rows = outcome.refusals.size();
  if (outcome.refusals.empty())
    outcome.message += "; see " + answer.error_url;
}

CommitOutcome StreamLoader::commit(Label const& label) {
  using Kind = CommitOutcome::Kind;
  FailStep const step =
      are_failpoints_armed() && is_of_copy(label) ? FailStep::copy_commit : FailStep::stream_commit;
  reach_failpoint(step, FailSide::before);
  TransactionReply const reply = calls_.commit(label);
  reach_failpoint(step, FailSide::after);
  if (!reply.answer)
    return {Kind::in_doubt, false, reply.message()};
  switch (reply.answer->status) {
  case AnswerStatus::ok:
    // "has already committed" does not say whether it is visible.
    if (reply.answer->message.empty() || reply.answer->message == "OK")
      return {Kind::committed, true, {}};
    if (label_state(label) == LabelState::visible)
      return {Kind::committed, true, reply.answer->message};
    return {Kind::committed, false, reply.answer->message};
  case AnswerStatus::publish_timeout: return {Kind::committed, false, reply.message()};
  case AnswerStatus::failed:
    if (says_aborted(*reply.answer))
      return {Kind::aborted, false, reply.message()};
    break;
  case AnswerStatus::label_exists:
  case AnswerStatus::txn_missing:
  case AnswerStatus::txn_in_processing:
  case AnswerStatus::busy:
  case AnswerStatus::rows_refused:
  case AnswerStatus::not_understood: break;
  }
  // FAILED may be "publish timeout" of a commit that happened.
  return settled_by_state(label, reply.message());
}

CommitOutcome StreamLoader::settled_by_state(Label const& label, std::string message) {
  using Kind = CommitOutcome::Kind;
  switch (label_state(label)) {
  case LabelState::visible: return {Kind::committed, true, std::move(message)};
  case LabelState::committed: return {Kind::committed, false, std::move(message)};
  case LabelState::aborted: return {Kind::aborted, false, std::move(message)};
  case LabelState::unknown:
  case LabelState::prepare:
  case LabelState::prepared:
  case LabelState::unreachable: break;
  }
  return {Kind::in_doubt, false, std::move(message)};
}

CallOutcome StreamLoader::rollback(Label const& label) {
  WALROCK_BEFORE(rollback);
  TransactionReply const reply = calls_.rollback(label);
  WALROCK_AFTER(rollback);
  if (reply.is_ok())
    return {CallOutcome::Kind::done, {}};
  return rolled_back_by_state(label, reply.message(), true);
}

// A rollback that did not say OK. A backend that was restarted or is away has lost the pipe while
// the frontend still holds the label: that is cancelled at the frontend.
CallOutcome StreamLoader::rolled_back_by_state(Label const& label, std::string message,
                                               bool may_cancel) {
  using Kind = CallOutcome::Kind;
  switch (label_state(label)) {
  case LabelState::unknown:
  case LabelState::aborted: return {Kind::done, {}};
  // Its rows are yet to appear: who empties the table now would find them there afterwards.
  case LabelState::committed: return {Kind::unreachable, "it is committed and not visible yet"};
  case LabelState::visible: return {Kind::refused, "it is committed; " + message};
  case LabelState::prepare: {
    if (!may_cancel)
      break;
    WALROCK_BEFORE(cancel);
    TransactionReply const cancelled = calls_.cancel(label);
    WALROCK_AFTER(cancel);
    if (cancelled.is_ok())
      return {Kind::done, {}};
    return rolled_back_by_state(label, message + "; " + cancelled.message(), false);
  }
  case LabelState::prepared:
  case LabelState::unreachable: break;
  }
  return {Kind::unreachable, std::move(message)};
}

LabelState StreamLoader::label_state(Label const& label) {
  WALROCK_BEFORE(label_state);
  TransactionReply const reply = calls_.label_state(label);
  WALROCK_AFTER(label_state);
  return reply.answer ? label_state_of(*reply.answer) : LabelState::unreachable;
}

GroupOutcome StreamLoader::load_group(GroupRequest const& request) {
  return GroupLoad(calls_, sql_, options_).run(request);
}

GroupVerdict StreamLoader::settle_group(Label const& label, std::string const& job_id) {
  return GroupLoad(calls_, sql_, options_).settle(label, job_id);
}

CallOutcome StreamLoader::truncate(TargetName const& target) {
  return statement_outcome([&] {
    WALROCK_BEFORE(truncate);
    TargetCatalog(sql_).truncate(target);
    WALROCK_AFTER(truncate);
  });
}

CallOutcome StreamLoader::cut(TargetName const& target, Lsn from) {
  return statement_outcome([&] {
    WALROCK_BEFORE(cut);
    TargetCatalog(sql_).execute(fmt::format("DELETE FROM {} WHERE {} >= {}",
                                            quote_starrocks(target), quote_starrocks(kLsnColumn),
                                            from.value));
    WALROCK_AFTER(cut);
  });
}

CallOutcome StreamLoader::mark_deleted(TargetName const& target,
                                       std::vector<ColumnValue> const& values) {
  return statement_outcome([&] { walrock::mark_deleted(sql_.address(), target, values); });
}

CallOutcome StreamLoader::make_twin(TargetName const& target, TargetName const& twin,
                                    std::optional<KeptRows> const& kept,
                                    std::string const& create_sql) {
  return statement_outcome([&] {
    WALROCK_BEFORE(copy_empty_twin);
    TargetCatalog(sql_).make_twin(target, twin, create_sql);
    WALROCK_AFTER(copy_empty_twin);
    if (kept)
      keep_rows(sql_.address(), target, twin, *kept);
  });
}

CallOutcome StreamLoader::swap_in(TargetName const& target, TargetName const& twin) {
  return statement_outcome([&] {
    TargetCatalog catalog(sql_);
    WALROCK_BEFORE(copy_swap);
    catalog.swap(target, twin);
    WALROCK_AFTER(copy_swap);
    WALROCK_BEFORE(copy_twin_drop);
    catalog.drop_table(twin);
    WALROCK_AFTER(copy_twin_drop);
  });
}

QuarantineOutcome StreamLoader::read_quarantine(TargetName const& target) {
  QuarantineOutcome out;
  out.call = statement_outcome([&] {
    WALROCK_BEFORE(quarantine_read);
    out.keys = QuarantineRows(sql_, target.database).keys_of(target.table);
    WALROCK_AFTER(quarantine_read);
  });
  return out;
}

CallOutcome StreamLoader::empty_quarantine(TargetName const& target) {
  return statement_outcome([&] {
    WALROCK_BEFORE(quarantine_empty);
    QuarantineRows(sql_, target.database).remove_table(target.table);
    WALROCK_AFTER(quarantine_empty);
  });
}

CallOutcome StreamLoader::add_columns(TargetName const& target,
                                      std::vector<TargetColumn> const& columns) {
  return statement_outcome([&] {
    WALROCK_BEFORE(add_columns);
    TargetCatalog(sql_).add_columns(target, columns, Deadline::in(options_.alter_timeout), stop_);
    WALROCK_AFTER(add_columns);
  });
}

} // namespace walrock
