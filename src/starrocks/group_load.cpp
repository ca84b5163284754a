#include "starrocks/group_load.h"

#include <cctype>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "starrocks/answer.h"
#include "starrocks/catalog.h"

namespace walrock {

namespace {

std::uint64_t number_of(std::optional<std::string> const& text) {
  std::uint64_t number = 0;
  if (text)
    std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

// The servers count the bytes of a body that they took.
bool has_every_byte(Answer const& answer, std::string_view bytes, Compression compression) {
  return !answer.load_bytes || compression != Compression::none ||
         *answer.load_bytes == bytes.size();
}

} // namespace

std::optional<std::size_t> culprit_of(std::string_view message,
                                      std::vector<Batch const*> const& batches) {
  constexpr std::string_view kSays = "Failed to load table ";
  std::size_t const at = message.find(kSays);
  if (at == std::string_view::npos)
    return std::nullopt;
  std::string_view const rest = message.substr(at + kSays.size());
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    std::string const& name = batches[i]->spec.target.table;
    bool const is_longer = !found || name.size() > batches[*found]->spec.target.table.size();
    bool const ends_there = rest.size() == name.size() ||
                            (rest.size() > name.size() &&
                             std::isalnum(static_cast<unsigned char>(rest[name.size()])) == 0 &&
                             rest[name.size()] != '_');
    if (rest.starts_with(name) && ends_there && is_longer)
      found = i;
  }
  return found;
}

GroupOutcome GroupLoad::run(GroupRequest const& request) {
  for (std::size_t i = 0; i < request.batches.size(); ++i)
    if (!fits_headers(request.label, request.batches[i]->spec))
      return {GroupOutcome::Kind::gone, LoadOutcome::Kind::target_broken, i,
              "a name with a line break or a zero byte cannot be loaded"};
  GroupOutcome outcome;
  WALROCK_BEFORE(group_begin);
  TransactionReply const begun = calls_.begin_group(request.label);
  WALROCK_AFTER(group_begin);
  bool const is_ours = begun.is_ok() || begun.was_repeated;
  if (begun.answer && begun.answer->status == AnswerStatus::label_exists && !is_ours)
    return {GroupOutcome::Kind::gone, LoadOutcome::Kind::label_exists, {}, begun.message()};
  if (!begun.is_ok())
    return given_up(std::move(outcome), begun, request.label);
  TransactionReply failed;
  try {
    for (std::size_t i = 0; i < request.batches.size(); ++i)
      if (!send_batch(request.label, *request.batches[i], failed)) {
        outcome.culprit = i;
        return given_up(std::move(outcome), failed, request.label);
      }
    if (!send_batch(request.label, *request.progress, failed))
      return given_up(std::move(outcome), failed, request.label);
  } catch (Error const&) {
    std::string message;
    (void)undo(request.label, message); // the spool cannot be read
    throw;
  }
  return commit(request);
}

bool GroupLoad::send_batch(Label const& label, Batch const& batch, TransactionReply& failed) {
  Compression const compression = usable_compression(batch.spec, batch.bodies.size(), options_);
  for (Body const& body : batch.bodies) {
    std::string const unspooled = body.spooled ? body.spooled->read() : std::string();
    std::string_view const bytes = body.spooled ? unspooled : body.bytes;
    WALROCK_BEFORE(group_load);
    TransactionReply reply = calls_.load_of_group(label, batch.spec, bytes, compression);
    WALROCK_AFTER(group_load);
    if (reply.is_ok() && !has_every_byte(*reply.answer, bytes, compression)) {
      reply.answer->status = AnswerStatus::failed;
      reply.answer->message = fmt::format("{} bytes were sent, StarRocks counted {}", bytes.size(),
                                          *reply.answer->load_bytes);
    }
    if (!reply.is_ok()) {
      failed = std::move(reply);
      return false;
    }
  }
  return true;
}

// OK does not say that it is visible: that is asked about, like everything else.
GroupOutcome GroupLoad::commit(GroupRequest const& request) {
  WALROCK_BEFORE(group_commit);
  TransactionReply const reply = calls_.commit_group(request.label);
  WALROCK_AFTER(group_commit);
  GroupOutcome outcome;
  outcome.message = reply.message();
  LabelState const state = state_of(request.label);
  if (state == LabelState::visible) {
    outcome.kind = GroupOutcome::Kind::committed;
    return outcome;
  }
  if (reply.answer && !reply.is_ok()) {
    outcome.cause = kind_of_failure(*reply.answer);
    outcome.culprit = culprit_of(reply.answer->message, request.batches);
  }
  if (state == LabelState::aborted)
    outcome.kind = GroupOutcome::Kind::gone;
  return outcome;
}

GroupOutcome GroupLoad::given_up(GroupOutcome outcome, TransactionReply const& reply,
                                 Label const& label) {
  outcome.message = reply.message();
  if (reply.answer)
    outcome.cause = kind_of_failure(*reply.answer);
  bool const is_understood = reply.answer && reply.answer->status != AnswerStatus::not_understood;
  // A frontend that refuses to begin has begun nothing.
  bool const is_begun = reply.call != "begin" || reply.was_repeated ||
                        (!is_understood && (reply.answer || reply.may_have_arrived));
  LabelState const state = is_begun ? undo(label, outcome.message) : LabelState::aborted;
  // Not known: a begin without an answer may still arrive, and nothing follows it. One that was
  // begun is known as long as the server remembers anything.
  bool const is_gone =
      state == LabelState::aborted || (state == LabelState::unknown && reply.call == "begin");
  outcome.kind = is_gone ? GroupOutcome::Kind::gone : GroupOutcome::Kind::unsettled;
  return outcome;
}

LabelState GroupLoad::undo(Label const& label, std::string& message) {
  TransactionReply const reply = calls_.rollback_group(label);
  if (!reply.is_ok())
    message += "; " + reply.message();
  LabelState const state = state_of(label);
  if (state != LabelState::prepare)
    return state;
  // A frontend that leads since then does not know it as one of several tables.
  TransactionReply const cancelled = calls_.cancel(label);
  if (!cancelled.is_ok())
    message += "; " + cancelled.message();
  return state_of(label);
}

LabelState GroupLoad::state_of(Label const& label) {
  TransactionReply const reply = calls_.label_state(label);
  return reply.answer ? label_state_of(*reply.answer) : LabelState::unreachable;
}

GroupVerdict GroupLoad::settle(Label const& label, std::string const& job_id) {
  GroupVerdict verdict;
  WALROCK_BEFORE(group_settle);
  LabelState const state = undo(label, verdict.message);
  WALROCK_AFTER(group_settle);
  switch (state) {
  case LabelState::aborted: verdict.kind = GroupVerdict::Kind::gone; return verdict;
  case LabelState::committed:
    verdict.message = "it is committed and not visible yet";
    return verdict;
  case LabelState::visible:
  case LabelState::unknown: break;
  case LabelState::prepare:
  case LabelState::prepared:
  case LabelState::unreachable: return verdict;
  }
  // Visible; or not known, and then only its row tells.
  try {
    verdict.tables = read_progress(label, job_id);
    if (!verdict.tables.empty())
      verdict.kind = GroupVerdict::Kind::committed;
    else if (state == LabelState::visible)
      fail_without_progress("has no row of it");
    else if (use_up(label, verdict.message))
      verdict.kind = GroupVerdict::Kind::gone;
  } catch (Error const& error) {
    verdict.message = error.what();
  }
  return verdict;
}

// Its rows came with those of the tables; nothing else tells which tables it committed.
void GroupLoad::fail_without_progress(std::string const& what) {
  throw Error(
      ErrorCode::target_table_missing,
      fmt::format("{} {}: what the transaction committed cannot be known", kProgressTable, what))
      .set_advice("Bring the table back as it was; or forget the job with walrock drop and start "
                  "again, which copies every table.");
}

// Not known is not over: some servers know of such a transaction only when its commit has written
// the first table, and a walrock that was overtaken may begin it yet. A label that was begun stays
// used for ever, so it is begun here: who comes late is refused, and what is under way shows.
bool GroupLoad::use_up(Label const& label, std::string& message) {
  TransactionReply const begun = calls_.begin_group(label);
  if (begun.is_ok()) {
    (void)calls_.rollback_group(label); // empty: else it times out
    return true;
  }
  message += (message.empty() ? "" : "; ") + begun.message();
  return begun.answer && begun.answer->status == AnswerStatus::label_exists &&
         begun.answer->existing_job_status == "CANCELLED";
}

std::vector<TableProgressRow> GroupLoad::read_progress(Label const& label,
                                                       std::string const& job_id) {
  TargetName const name{label.database, kProgressTable};
  if (!TargetCatalog(sql_).describe_table(name))
    fail_without_progress("is not there");
  SqlRows const found = sql_.query_leader(fmt::format(
      "SELECT `table_oid`, `end_lsn` FROM {} WHERE `job` = {} AND `label` = {}",
      quote_starrocks(name), quote_starrocks_literal(job_id), quote_starrocks_literal(label.text)));
  std::vector<TableProgressRow> rows;
  for (SqlRows::Row const& row : found.rows)
    rows.push_back({{static_cast<Oid>(number_of(found.value(row, "table_oid")))},
                    Lsn{number_of(found.value(row, "end_lsn"))}});
  return rows;
}

} // namespace walrock
