// For tests of the committer: drives one by hand.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/committer.h"

namespace walrock {

using Ms = Milliseconds;

// Drives a Committer by hand: keeps what it asked for, answers on request, keeps the checkpoint.
class Bench {
public:
  explicit Bench(CommitterSettings settings = {}) : committer(with_names(std::move(settings))) {}

  static CommitterSettings with_names(CommitterSettings settings) {
    settings.label_prefix = "test";
    settings.job_id = "job";
    settings.incarnation = 7;
    return settings;
  }

  static TableEntry entry_of(Oid oid) {
    TableEntry entry;
    entry.record.id = {oid};
    entry.record.source = {"public", "t" + std::to_string(oid)};
    entry.record.target = {"demo", "t" + std::to_string(oid)};
    return entry;
  }

  void add(Oid oid, TableState state, Lsn applied = {}) {
    TableEntry entry = entry_of(oid);
    entry.record.state = state;
    entry.record.applied_lsn = applied;
    entry.is_known_empty = state == TableState::init;
    committer.add_table(entry, now);
  }

  static Batch batch(std::uint64_t rows) {
    Batch out;
    out.row_count = rows;
    Body body;
    body.bytes = std::string(rows, 'x');
    out.bodies.push_back(std::move(body));
    return out;
  }

  static TableEpoch part_of(Oid oid, std::uint64_t epoch, Lsn after, Lsn end, int parts = 1) {
    TableEpoch out;
    out.table = {oid};
    out.epoch = epoch;
    out.after_lsn = after;
    out.end_lsn = end;
    for (int i = 0; i < parts; ++i) {
      Part part;
      part.batches.push_back(batch(3));
      out.counts.changes = out.counts.sent += 3;
      out.parts.push_back(std::move(part));
    }
    return out;
  }

  void epoch(std::uint64_t number, Lsn end, std::vector<TableEpoch> of_tables) {
    Epoch out;
    out.number = number;
    out.end_lsn = end;
    out.tables = std::move(of_tables);
    committer.on_epoch(std::move(out), now);
  }

  // Ends the turn; later calls see what it asked for.
  void turn() {
    CommitterActions made;
    committer.finish_turn(now, made);
    for (CommitterAction& action : made) {
      if (auto* write = std::get_if<WriteCheckpoint>(&action))
        keep(write->update);
      if (auto const* const needed = std::get_if<NeedCopy>(&action))
        copy = needed->request;
      actions.push_back(std::move(action));
    }
  }

  void keep(CheckpointUpdate const& update) {
    for (TableRecord const& table : update.tables)
      tables[table.id.oid] = table;
    for (LabelRecord const& label : update.labels)
      labels[label.label.text] = label;
    for (Label const& label : update.finished_labels)
      labels.erase(label.text);
  }

  template <typename Action> std::vector<Action> take() {
    std::vector<Action> out;
    for (auto it = actions.begin(); it != actions.end();) {
      if (auto* found = std::get_if<Action>(&*it)) {
        out.push_back(std::move(*found));
        it = actions.erase(it);
      } else {
        ++it;
      }
    }
    return out;
  }
  template <typename Action> Action only() {
    auto all = take<Action>();
    EXPECT_EQ(all.size(), 1u);
    if (all.empty())
      throw std::runtime_error("nothing was asked for");
    return std::move(all.front());
  }

  void loaded(StartLoad const& load, LoadOutcome::Kind kind = LoadOutcome::Kind::prepared) {
    LoadOutcome outcome;
    outcome.kind = kind;
    outcome.loaded_rows = kind == LoadOutcome::Kind::prepared ? load.batch->row_count : 0;
    outcome.message = "said so";
    committer.on_loaded(load.call, outcome, now);
    turn();
  }
  void committed(SendCommit const& commit,
                 CommitOutcome::Kind kind = CommitOutcome::Kind::committed) {
    CommitOutcome outcome;
    outcome.kind = kind;
    outcome.is_visible = true;
    committer.on_committed(commit.call, outcome, now);
    turn();
  }
  void rolled_back(SendRollback const& rollback) {
    committer.on_rolled_back(rollback.call, {CallOutcome::Kind::done, ""}, now);
    turn();
  }
  void group_loaded(StartGroup const& group, GroupOutcome const& outcome) {
    committer.on_group_loaded(group.call, outcome, now);
    turn();
  }
  void group_committed(StartGroup const& group) {
    group_loaded(group, {GroupOutcome::Kind::committed, LoadOutcome::Kind::prepared, {}, ""});
  }
  void settled(SettleGroup const& settle, GroupVerdict::Kind kind) {
    committer.on_group_settled(settle.call, {kind, {}, "said so"}, now);
    turn();
  }
  void called(CallId call) {
    committer.on_called(call, {CallOutcome::Kind::done, ""}, now);
    turn();
  }
  void state(AskLabelState const& ask, LabelState state) {
    committer.on_label_state(ask.call, state, now);
    turn();
  }
  void later(Ms time = Ms(10'000)) {
    now += time;
    turn();
  }
  // Answers to the newest request for a copy.
  void on_snapshot(Lsn at) { committer.on_snapshot({copy}, at); }
  void on_copied_batch(Batch batch) { committer.on_copied_batch(copy, std::move(batch)); }
  void on_copy_read() { committer.on_copy_read(copy); }
  void on_copy_failed(ErrorReport const& report, TimePoint at) {
    committer.on_copy_failed(copy, report, at);
  }
  TableState state_of(Oid oid) {
    for (TableProgress const& table : committer.progress())
      if (table.id.oid == oid)
        return table.state;
    return TableState::init;
  }

  TimePoint now = TimePoint{} + std::chrono::hours(1);
  Committer committer;
  CopyRequest copy; // the newest
  CommitterActions actions;
  std::map<Oid, TableRecord> tables;
  std::map<std::string, LabelRecord> labels; // as durable
};

} // namespace walrock
