// Transactions of several tables. Part of Target.
#include <algorithm>

#include "simulation/target.h"

namespace walrock::simulation {

namespace {

using Kind = GroupOutcome::Kind;
using Cause = LoadOutcome::Kind;

GroupOutcome gone(Cause cause, std::optional<std::size_t> culprit, std::string message) {
  return {Kind::gone, cause, culprit, std::move(message)};
}

GroupOutcome unsettled(std::string message) {
  return {Kind::unsettled, Cause::unreachable, {}, std::move(message)};
}

} // namespace

std::optional<GroupOutcome>
Target::load_group(Label const& label, std::vector<SentLoad> const& loads, bool is_sender_alive) {
  end_overdue();
  if (is_away_ || dice_.chance(faults_.request_lost))
    return unsettled("nobody answers");
  if (dice_.chance(faults_.load_busy) || unfinished_labels().size() >= faults_.running_limit)
    return gone(Cause::busy, {}, "current running txns on db larger than limit");
  if (find(label) != nullptr)
    throw Violation("a label of several tables is used again: " + label.text);
  Transaction& transaction = labels_[label];
  transaction.label = label;
  transaction.ends_at = timeline_.now() + faults_.prepare_timeout;
  if (!is_sender_alive)
    return unsettled("the connection was cut");
  std::size_t const table_count = loads.size() - 1;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    SentLoad const& sent = loads[i];
    if (!tables_.contains(sent.spec.target) ||
        unknown_column(sent.spec, columns_of(sent.spec)) != nullptr) {
      abort(transaction);
      return gone(Cause::target_broken, i < table_count ? std::optional(i) : std::nullopt,
                  "unknown table or column");
    }
    transaction.pieces.push_back({sent, tables_.at(sent.spec.target).id, 0});
    if (dice_.chance(faults_.load_half_done / static_cast<double>(loads.size())))
      return unsettled("the connection was cut");
  }
  if (dice_.chance(faults_.load_failed)) {
    abort(transaction);
    std::size_t const culprit = dice_.below(loads.size());
    return gone(Cause::failed, culprit < table_count ? std::optional(culprit) : std::nullopt,
                "the load failed");
  }
  if (dice_.chance(faults_.answer_lost))
    return unsettled("the answer was lost");
  return std::nullopt;
}

GroupOutcome Target::commit_group(Label const& label) {
  if (is_away_ || dice_.chance(faults_.request_lost))
    return unsettled("nobody answers");
  if (dice_.chance(faults_.request_late)) {
    timeline_.in(Milliseconds(dice_.between(50, 3000)), [this, label] {
      trace_.say("target: the commit of {} arrives late", label.text);
      (void)take_group_commit(label);
    });
    return unsettled("no answer in time");
  }
  GroupOutcome outcome = take_group_commit(label);
  return dice_.chance(faults_.answer_lost) ? unsettled("the answer was lost") : outcome;
}

// The rows are written now: this is when the server finds out what it cannot take.
GroupOutcome Target::take_group_commit(Label const& label) {
  end_overdue();
  Transaction* const transaction = find(label);
  if (transaction == nullptr)
    return unsettled("the transaction does not exist");
  switch (transaction->stage) {
  case Stage::aborted: return gone(Cause::failed, {}, "the transaction is cancelled");
  case Stage::prepared: throw Violation("a transaction of several tables is prepared");
  case Stage::committed: return unsettled("has already committed");
  case Stage::visible: return {Kind::committed, Cause::prepared, {}, "has already committed"};
  case Stage::prepare: break;
  }
  if (auto refused = refuse_group(*transaction))
    return *refused;
  for (Piece& piece : transaction->pieces)
    if (Table const* const table = find_table(piece.table_id))
      piece.truncations = table->truncations;
  if (!become_committed(*transaction).is_visible)
    return unsettled("Publish Timeout");
  return {Kind::committed, Cause::prepared, {}, ""};
}

std::optional<GroupOutcome> Target::refuse_group(Transaction& transaction) {
  std::size_t const table_count = transaction.pieces.size() - 1;
  if (transaction.is_lost || dice_.chance(faults_.prepared_aborted)) {
    abort(transaction);
    return gone(Cause::failed, {}, "the backend was restarted");
  }
  for (std::size_t i = 0; i < table_count; ++i)
    if (!refusals(transaction.pieces[i].sent).empty()) {
      abort(transaction);
      return gone(Cause::rows_refused, dice_.chance(0.8) ? std::optional(i) : std::nullopt,
                  "too many filtered rows");
    }
  return std::nullopt;
}

GroupVerdict Target::settle_group(Label const& label) {
  end_overdue();
  GroupVerdict lost;
  if (is_away_ || dice_.chance(faults_.request_lost))
    return lost;
  Transaction* const transaction = find(label);
  if (transaction != nullptr && transaction->stage == Stage::prepare) {
    trace_.say("target: {} is rolled back", label.text);
    abort(*transaction);
  }
  if (dice_.chance(faults_.answer_lost))
    return lost;
  GroupVerdict verdict;
  switch (label_state_silently(label)) {
  case LabelState::aborted: verdict.kind = GroupVerdict::Kind::gone; return verdict;
  case LabelState::visible:
  case LabelState::unknown: break;
  default: return lost; // not visible yet
  }
  if (dice_.chance(faults_.statement_lost))
    return lost;
  verdict.tables = progress_of(label);
  verdict.kind = verdict.tables.empty() ? GroupVerdict::Kind::gone : GroupVerdict::Kind::committed;
  return verdict;
}

GroupVerdict Target::settle_group_silently(Label const& label) {
  if (label_state_silently(label) == LabelState::committed)
    publish(label);
  TargetFaults const faults = std::exchange(faults_, well(faults_));
  bool const was_away = std::exchange(is_away_, false);
  GroupVerdict verdict = settle_group(label);
  faults_ = faults;
  is_away_ = was_away;
  return verdict;
}

std::vector<TableProgressRow> Target::progress_of(Label const& label) const {
  std::vector<TableProgressRow> out;
  for (TargetRow const& row : rows({label.database, kProgressTable}))
    if (row.at("label") == label.text)
      out.push_back({{static_cast<Oid>(std::stoul(row.at("table_oid")))},
                     Lsn{std::stoull(row.at("end_lsn"))}});
  return out;
}

} // namespace walrock::simulation
