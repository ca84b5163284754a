#include "pipeline/committer_bench_test.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace walrock {
namespace {

TEST(Committer, ALabelIsIntendedBeforeItIsBegunAndRecordedBeforeItIsCommitted) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const load = b.only<StartLoad>();
  ASSERT_EQ(b.labels.count(load.label.text), 1u);
  EXPECT_EQ(b.labels[load.label.text].state, LabelRecord::State::intended);
  EXPECT_TRUE(b.take<SendCommit>().empty());
  b.loaded(load);
  EXPECT_EQ(b.labels[load.label.text].state, LabelRecord::State::recorded);
  EXPECT_EQ(b.labels[load.label.text].end_lsn, Lsn{200});
  EXPECT_FALSE(b.labels[load.label.text].reads_back);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
  b.later();
  EXPECT_TRUE(b.labels.empty());
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{200});
}

TEST(Committer, WhatTheLogHasIsAcknowledgedOnceTheCheckpointNamesIt) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.restore({}, Lsn{100}, Lsn{150});
  b.committer.on_stream_started(Lsn{100});
  EXPECT_EQ(b.committer.acknowledged_lsn(), Lsn{150}) << "PostgreSQL was told so";
  b.committer.on_logged(Lsn{300});
  EXPECT_EQ(b.committer.acknowledged_lsn(), Lsn{150}) << "no checkpoint has it yet";
  CommitterActions actions;
  TimePoint const now{};
  b.committer.finish_turn(now, actions);
  b.committer.finish_turn(now + Milliseconds(1000), actions);
  ASSERT_EQ(std::count_if(actions.begin(), actions.end(),
                          [](CommitterAction const& action) {
                            auto const* const write = std::get_if<WriteCheckpoint>(&action);
                            return write != nullptr && write->update.logged_lsn == Lsn{300};
                          }),
            1);
  EXPECT_EQ(b.committer.acknowledged_lsn(), Lsn{300});
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.committer.on_logged(Lsn{200});
  EXPECT_EQ(b.committer.acknowledged_lsn(), Lsn{300}) << "it never goes back";
}

TEST(Committer, FlushedIsTheLowestPositionStillNeeded) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.add(2, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  for (std::uint64_t epoch = 1; epoch <= 2; ++epoch) {
    std::vector<TableEpoch> tables;
    Lsn const after{epoch * 100};
    Lsn const end{epoch * 100 + 100};
    tables.push_back(Bench::part_of(1, epoch, after, end));
    tables.push_back(Bench::part_of(2, epoch, after, end));
    b.epoch(epoch, end, std::move(tables));
  }
  b.turn();
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 4u);
  for (StartLoad const& load : loads)
    if (load.label.database == "demo" && b.labels[load.label.text].table.oid == 1)
      b.loaded(load);
  while (true) {
    auto const commits = b.take<SendCommit>();
    if (commits.empty())
      break;
    for (SendCommit const& commit : commits)
      b.committed(commit);
  }
  // Table 1 is at 300, table 2 still needs everything from 100.
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  for (StartLoad const& load : loads)
    if (b.labels.contains(load.label.text) && b.labels[load.label.text].table.oid == 2)
      b.loaded(load);
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{300});
}

TEST(Committer, OneTableWaitsWhileTheOthersGoOn) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.add(2, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables.push_back(Bench::part_of(2, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2u);
  b.loaded(loads[0], LoadOutcome::Kind::busy);
  b.loaded(loads[1]);
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.state_of(2), TableState::ready);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
}

TEST(Committer, PartsCommitInOrderEachAfterTheOneBeforeIsAnswered) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}, 3));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 3u);
  b.loaded(loads[2]);
  b.loaded(loads[1]);
  EXPECT_TRUE(b.take<SendCommit>().empty()) << "all labels of a unit are prepared first";
  b.loaded(loads[0]);
  for (int part = 0; part < 3; ++part) {
    auto const commit = b.only<SendCommit>();
    EXPECT_EQ(commit.label.text, loads[static_cast<std::size_t>(part)].label.text);
    b.committed(commit);
  }
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(Committer, AFailedLoadIsRolledBackAndSentAgainUnderANewLabel) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const first = b.only<StartLoad>();
  b.loaded(first, LoadOutcome::Kind::unreachable);
  auto const rollback = b.only<SendRollback>();
  EXPECT_EQ(rollback.label, first.label);
  b.later();
  EXPECT_TRUE(b.take<StartLoad>().empty()) << "the old label must be gone first";
  b.rolled_back(rollback);
  EXPECT_FALSE(b.committer.progress().at(0).trouble.empty()) << "the load still waits";
  b.later();
  auto const second = b.only<StartLoad>();
  EXPECT_NE(second.label, first.label);
  EXPECT_EQ(second.batch->bodies.size(), 1u) << "the bytes are kept until they are prepared";
  b.loaded(second);
  EXPECT_TRUE(b.committer.progress().at(0).trouble.empty());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(Committer, ACommitInDoubtIsAskedAndNeverLoadedAgain) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::unreachable);
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::prepared);
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::visible);
  EXPECT_TRUE(b.take<StartLoad>().empty());
  EXPECT_TRUE(b.take<SendRollback>().empty());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

// Two labels of a table without a key, in parts: the first is committed, then the second is gone.
TableState state_after_half(bool takes_ranks, bool is_partial = false) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}, 2));
  tables[0].reads_back = takes_ranks;
  tables[0].needs_record = takes_ranks || is_partial;
  tables[0].parts[0].batches[0].spec.partial_update = is_partial;
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  for (StartLoad const& load : b.take<StartLoad>())
    b.loaded(load);
  b.committed(b.only<SendCommit>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::aborted);
  EXPECT_EQ(b.take<FollowFrom>().size(), takes_ranks || is_partial ? 0u : 1u);
  return b.state_of(1);
}

TEST(Committer, DeletesByRankThatMayBeHalfDoneMeanACopy) {
  EXPECT_EQ(state_after_half(true), TableState::init);
  EXPECT_EQ(state_after_half(false), TableState::ready) << "the same rows again change nothing";
}

// The part behind it may have deleted the row that keeps the values.
TEST(Committer, PartialUpdatesThatMayBeHalfDoneMeanACopy) {
  EXPECT_EQ(state_after_half(false, true), TableState::init);
}

// Of more labels than the budget, which are not recorded, a dead walrock may have committed some.
TEST(Committer, ALabelOfPartialUpdatesThatCannotBeRolledBackMeansACopy) {
  for (bool const cannot_come_again : {true, false}) {
    Bench b;
    b.add(1, TableState::ready, Lsn{100});
    LabelRecord intended;
    intended.label = {"demo", "l"};
    intended.table = {1};
    intended.reads_back = cannot_come_again;
    b.committer.restore({intended}, Lsn{100});
    b.committer.on_stream_started(Lsn{100});
    b.turn();
    b.committer.on_rolled_back(b.only<SendRollback>().call,
                               {CallOutcome::Kind::refused, "it is visible"}, b.now);
    b.turn();
    EXPECT_EQ(b.state_of(1), cannot_come_again ? TableState::init : TableState::ready);
  }
}

// Rows that do not say where they came from: whether they are there is asked, never guessed.
TEST(Committer, AForgottenLabelOfAnAppendOnlyTableIsAQuestion) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.record.state = TableState::ready;
  entry.record.applied_lsn = Lsn{100};
  entry.is_append_only = true;
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::unknown);
  EXPECT_EQ(b.state_of(1), TableState::errored);
  EXPECT_TRUE(b.tables[1].reason.starts_with("label_in_doubt: StarRocks has forgotten label"))
      << b.tables[1].reason;
  EXPECT_TRUE(b.take<FollowFrom>().empty());
}

TEST(Committer, HalfAnEpochOfAnAppendOnlyTableIsAQuestion) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.record.state = TableState::ready;
  entry.record.applied_lsn = Lsn{100};
  entry.is_append_only = true;
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}, 2));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  for (StartLoad const& load : b.take<StartLoad>())
    b.loaded(load);
  b.committed(b.only<SendCommit>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::aborted);
  EXPECT_EQ(b.state_of(1), TableState::errored);
  EXPECT_TRUE(b.tables[1].reason.starts_with("label_in_doubt:")) << b.tables[1].reason;
}

// Four layouts of an append-only table in one epoch; what is behind it may hold half the room.
TEST(Committer, AUnitOfManyLabelsOfAnAppendOnlyTableDoesNotWaitForWhatIsBehindIt) {
  CommitterSettings settings;
  settings.label_budget = 4;
  Bench b(settings);
  TableEntry entry = Bench::entry_of(1);
  entry.record.state = TableState::ready;
  entry.record.applied_lsn = Lsn{100};
  entry.is_append_only = entry.has_origin = true;
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}, 4));
  tables[0].added_columns = {{"extra", "INT", true, {}, {}}};
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  b.add(2, TableState::ready, Lsn{100});
  tables.clear();
  tables.push_back(Bench::part_of(2, 2, Lsn{100}, Lsn{200}));
  b.epoch(2, Lsn{200}, std::move(tables));
  b.turn();
  EXPECT_EQ(b.take<StartLoad>().size(), 1U) << "of the other table, which is not answered";
  b.called(b.only<SendAddColumns>().call);
  EXPECT_EQ(b.take<StartLoad>().size(), 4U);
}

// StarRocks keeps about a thousand finished labels: the one in doubt must not be pushed out.
TEST(Committer, WhileACommitIsInDoubtTheOthersOfItsDatabaseAreHeldBack) {
  CommitterSettings settings;
  settings.commits_in_doubt = 2;
  Bench b(settings);
  for (Oid const oid : {1U, 2U, 3U, 4U})
    b.add(oid, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  auto const hand_over = [&](Oid oid) {
    std::vector<TableEpoch> tables;
    tables.push_back(Bench::part_of(oid, oid, Lsn{100}, Lsn{200}));
    b.epoch(oid, Lsn{200}, std::move(tables));
    b.turn();
    b.loaded(b.only<StartLoad>());
  };
  hand_over(1);
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
  for (Oid const oid : {2U, 3U}) {
    hand_over(oid);
    b.committed(b.only<SendCommit>());
  }
  hand_over(4);
  EXPECT_TRUE(b.take<SendCommit>().empty()) << "two were sent since";
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::visible);
  b.only<SendCommit>();
}

TEST(Committer, DeletesByRankWhoseLabelIsForgottenMeanACopy) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables[0].reads_back = true;
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::unknown);
  EXPECT_EQ(b.state_of(1), TableState::init);
  EXPECT_TRUE(b.take<FollowFrom>().empty());
}

TEST(Committer, TheCheckpointTellsWhetherAForgottenLabelMayBeReadAgain) {
  for (bool const reads_back : {true, false}) {
    Bench b;
    b.add(1, TableState::ready, Lsn{100});
    LabelRecord recorded;
    recorded.label = {"demo", "l"};
    recorded.table = {1};
    recorded.epoch = 1;
    recorded.state = LabelRecord::State::recorded;
    recorded.end_lsn = Lsn{200};
    recorded.reads_back = reads_back;
    b.committer.restore({recorded}, Lsn{100});
    b.committer.on_stream_started(Lsn{100});
    b.turn();
    b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
    b.later();
    b.state(b.only<AskLabelState>(), LabelState::unknown);
    EXPECT_EQ(b.state_of(1), reads_back ? TableState::init : TableState::ready);
    EXPECT_EQ(b.take<FollowFrom>().size(), reads_back ? 0u : 1u);
  }
}

TEST(Committer, AnAbortedLabelSendsOnlyItsTableBack) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  for (std::uint64_t epoch = 1; epoch <= 2; ++epoch) {
    std::vector<TableEpoch> tables;
    tables.push_back(Bench::part_of(1, epoch, Lsn{epoch * 100}, Lsn{epoch * 100 + 100}));
    b.epoch(epoch, Lsn{epoch * 100 + 100}, std::move(tables));
  }
  b.turn();
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2u);
  b.loaded(loads[0]);
  b.loaded(loads[1]);
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::aborted);
  auto const follow = b.only<FollowFrom>();
  EXPECT_EQ(follow.from, Lsn{100});
  auto const rollbacks = b.take<SendRollback>();
  EXPECT_EQ(rollbacks.size(), 2u) << "later labels are rolled back, too";
  for (SendRollback const& rollback : rollbacks)
    b.rolled_back(rollback);
  // What the stream handed over before it went back is not wanted.
  std::vector<TableEpoch> stale;
  stale.push_back(Bench::part_of(1, 3, Lsn{300}, Lsn{400}));
  b.epoch(3, Lsn{400}, std::move(stale));
  b.turn();
  EXPECT_TRUE(b.take<StartLoad>().empty());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  b.committer.on_followed({1}, follow.generation);
  std::vector<TableEpoch> again;
  again.push_back(Bench::part_of(1, 4, Lsn{100}, Lsn{400}));
  again.back().generation = follow.generation;
  b.epoch(4, Lsn{400}, std::move(again));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{400});
}

TEST(Committer, ACommittedLabelIsNeverRolledBack) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}, 2));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const loads = b.take<StartLoad>();
  for (StartLoad const& load : loads)
    b.loaded(load);
  b.committed(b.only<SendCommit>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::aborted);
  for (SendRollback const& rollback : b.take<SendRollback>())
    EXPECT_NE(rollback.label, loads[0].label);
}

TEST(Committer, ARestartCommitsWhatIsRecordedAndRollsBackTheRest) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  LabelRecord recorded;
  recorded.label = {"demo", "recorded"};
  recorded.table = {1};
  recorded.epoch = 5;
  recorded.state = LabelRecord::State::recorded;
  recorded.end_lsn = Lsn{200};
  LabelRecord intended = recorded;
  intended.label.text = "intended";
  intended.epoch = 6;
  intended.state = LabelRecord::State::intended;
  intended.end_lsn = Lsn{300};
  b.committer.restore({recorded, intended}, Lsn{100});
  EXPECT_EQ(b.committer.follow_position({1}), Lsn{200}) << "its rows are not loaded again";
  b.turn();
  EXPECT_EQ(b.only<SendRollback>().label.text, "intended");
  auto const commit = b.only<SendCommit>();
  EXPECT_EQ(commit.label.text, "recorded");
  b.committed(commit);
  b.committer.on_stream_started(Lsn{100});
  b.later();
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{200});
}

TEST(Committer, TheReasonNamesTheRefusedRowsKeyColumnAndWhy) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  LoadOutcome outcome;
  outcome.kind = LoadOutcome::Kind::rows_refused;
  outcome.message = "too many filtered rows";
  outcome.refused_rows = 1;
  outcome.refusals = {{{{"id", "5"}}, "what", "String 'abcdef'(length=6) is too long", "[5]"}};
  b.committer.on_loaded(b.only<StartLoad>().call, outcome, b.now);
  b.turn();
  EXPECT_EQ(b.tables[1].reason.find("load_rejected: 1 of 3 rows refused: row id=5, column "
                                    "what: String 'abcdef'(length=6) is too long. "),
            0U)
      << b.tables[1].reason;
}

TEST(Committer, ARefusedRowSetsItsTableAside) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.add(2, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables.push_back(Bench::part_of(2, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const loads = b.take<StartLoad>();
  b.loaded(loads[0], LoadOutcome::Kind::rows_refused);
  EXPECT_EQ(b.state_of(1), TableState::errored);
  EXPECT_NE(b.tables[1].reason.find("load_rejected"), std::string::npos);
  b.only<Unfollow>();
  b.loaded(loads[1]);
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200}) << "a table set aside holds nothing back";
}

TEST(Committer, ATruncateWaitsUntilNothingOfTheTableIsOpen) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  std::vector<TableEpoch> second;
  second.push_back(Bench::part_of(1, 2, Lsn{200}, Lsn{300}));
  second.back().is_truncated = true;
  b.epoch(2, Lsn{300}, std::move(second));
  b.turn();
  auto const load = b.only<StartLoad>();
  EXPECT_TRUE(b.take<SendTruncate>().empty());
  b.loaded(load);
  EXPECT_TRUE(b.take<SendTruncate>().empty());
  b.committed(b.only<SendCommit>());
  auto const truncate = b.only<SendTruncate>();
  EXPECT_TRUE(b.take<StartLoad>().empty()) << "rows behind it wait";
  b.called(truncate.call);
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{300});
}

TEST(Committer, ChangesWaitForTheCopyAndThenCatchUp) {
  Bench b;
  b.add(1, TableState::init);
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.turn();
  auto const follow = b.only<FollowFrom>();
  EXPECT_EQ(follow.from, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  b.committer.on_followed({1}, follow.generation);
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables.back().generation = follow.generation;
  b.epoch(1, Lsn{200}, std::move(tables));
  b.on_copied_batch(Bench::batch(50));
  b.turn();
  auto const copy = b.only<StartLoad>();
  b.loaded(copy);
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.state_of(1), TableState::copying);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.on_copy_read();
  b.turn();
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{100});
  EXPECT_EQ(b.tables[1].copied_rows, 50u);
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.state_of(1), TableState::ready);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(Committer, ACopyThatBrokeIsEmptiedAfterItsLabelsAreGone) {
  Bench b;
  b.add(1, TableState::init);
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.on_copied_batch(Bench::batch(5));
  b.on_copied_batch(Bench::batch(5));
  b.turn();
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2u);
  b.loaded(loads[0]);
  b.committed(b.only<SendCommit>());
  b.on_copy_failed({ErrorCode::snapshot_lost, Retry::later, "gone", ""}, b.now);
  b.turn();
  b.later(); // beyond the pause before the next try
  EXPECT_TRUE(b.take<SendTruncate>().empty()) << "a load is still under way";
  b.loaded(loads[1]);
  b.rolled_back(b.only<SendRollback>());
  b.later();
  auto const truncate = b.only<SendTruncate>();
  b.called(truncate.call);
  b.only<NeedCopy>();
  EXPECT_EQ(b.state_of(1), TableState::init);
}

TEST(Committer, ARoundThatFailsBeforeItsSnapshotIsAskedForAgain) {
  Bench b;
  b.add(1, TableState::init);
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.turn();
  b.on_copy_failed({ErrorCode::snapshot_lost, Retry::later, "truncated", ""}, b.now);
  b.turn();
  b.later();
  b.called(b.only<SendTruncate>().call);
  b.only<NeedCopy>();
  for (int i = 0; i < 3; ++i) { // the copier met no server: nothing of this round has begun
    b.on_copy_failed({ErrorCode::source_unreachable, Retry::later, "away", ""}, b.now);
    b.turn();
    b.later();
    for (SendTruncate const& truncate : b.take<SendTruncate>())
      b.called(truncate.call);
    b.later();
    b.only<NeedCopy>();
  }
}

TEST(Committer, WhatAnswersAnEarlierRequestForACopyAnswersNothing) {
  Bench b;
  b.add(1, TableState::init);
  b.turn();
  CopyRequest const first = b.only<NeedCopy>().request;
  ErrorReport const changed{ErrorCode::copy_needed, Retry::later, "its row filter changed", ""};
  ErrorReport const cut{ErrorCode::snapshot_lost, Retry::later, "cut", ""};
  b.committer.on_set_aside({1}, changed);
  b.turn();
  b.later();
  b.called(b.only<SendTruncate>().call);
  b.only<NeedCopy>();
  b.committer.on_snapshot({first}, Lsn{100});
  b.committer.on_copied_batch(first, Bench::batch(5));
  b.committer.on_copy_read(first);
  b.committer.on_copy_failed(first, cut, b.now);
  b.later();
  EXPECT_EQ(b.state_of(1), TableState::init);
  EXPECT_TRUE(b.take<StartLoad>().empty());
  EXPECT_TRUE(b.take<SendTruncate>().empty());
  EXPECT_TRUE(b.take<NeedCopy>().empty()) << "the second is still to be answered";
  b.on_snapshot(Lsn{200});
  b.turn();
  b.committer.on_copied_batch(first, Bench::batch(5));
  b.committer.on_copy_read(first);
  b.committer.on_copy_failed(first, cut, b.now);
  b.later();
  EXPECT_EQ(b.state_of(1), TableState::copying);
  EXPECT_TRUE(b.take<StartLoad>().empty());
  EXPECT_TRUE(b.take<NeedCopy>().empty());
  b.on_copied_batch(Bench::batch(7));
  b.on_copy_read();
  b.turn();
  auto const load = b.only<StartLoad>();
  EXPECT_EQ(load.batch->row_count, 7u);
  b.loaded(load);
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.tables[1].copied_rows, 7u);
}

TEST(Committer, HowATableIsPublishedIsKept) {
  Bench b;
  b.add(1, TableState::ready);
  b.committer.on_published({1}, {{16400}, {1, 2}, {3}, "(w > 10)"});
  b.committer.on_published({1}, {{16401}, {1, 2}, {3}, "(w > 5)"});
  b.turn();
  b.later();
  auto const writes = b.take<WriteCheckpoint>();
  ASSERT_FALSE(writes.empty());
  auto const kept = published_of(writes.back().update.tables.back().layout);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->filter, "(w > 5)");
}

TEST(Committer, LabelsStayWithinTheBudget) {
  CommitterSettings settings;
  settings.label_budget = 3;
  Bench b(settings);
  std::vector<TableEpoch> tables;
  for (Oid oid = 1; oid <= 10; ++oid) {
    b.add(oid, TableState::ready, Lsn{100});
    tables.push_back(Bench::part_of(oid, 1, Lsn{100}, Lsn{200}));
  }
  b.committer.on_stream_started(Lsn{100});
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  std::size_t done = 0;
  for (int step = 0; step < 100 && done < 10; ++step) {
    auto const loads = b.take<StartLoad>();
    EXPECT_LE(loads.size(), 3u);
    for (StartLoad const& load : loads)
      b.loaded(load);
    for (SendCommit const& commit : b.take<SendCommit>()) {
      b.committed(commit);
      ++done;
    }
  }
  EXPECT_EQ(done, 10u);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(Committer, AtLeastOnceCommitsWithoutRecordingButRecordsWhatDoesNotConverge) {
  CommitterSettings settings;
  settings.is_at_least_once = true;
  Bench b(settings);
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const plain = b.only<StartLoad>();
  b.loaded(plain);
  EXPECT_EQ(b.labels[plain.label.text].state, LabelRecord::State::intended);
  b.committed(b.only<SendCommit>());
  std::vector<TableEpoch> second;
  second.push_back(Bench::part_of(1, 2, Lsn{200}, Lsn{300}));
  second.back().needs_record = true;
  b.epoch(2, Lsn{300}, std::move(second));
  b.turn();
  auto const partial = b.only<StartLoad>();
  b.loaded(partial);
  EXPECT_EQ(b.labels[partial.label.text].state, LabelRecord::State::recorded);
}

TEST(Committer, NothingToDoMeansNoDeadline) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  b.later();
  b.later();
  EXPECT_EQ(b.committer.next_deadline(b.now), TimePoint::max());
}

std::vector<TableEpoch> one(TableEpoch table) {
  std::vector<TableEpoch> out;
  out.push_back(std::move(table));
  return out;
}

std::vector<LabelRecord> kept(Bench const& bench) {
  std::vector<LabelRecord> out;
  for (auto const& [text, label] : bench.labels)
    out.push_back(label);
  return out;
}

TEST(Committer, AnEpochIsNotRecordedBeforeTheOneInFrontOfIt) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  b.epoch(1, Lsn{200}, one(Bench::part_of(1, 1, Lsn{100}, Lsn{200})));
  b.epoch(2, Lsn{300}, one(Bench::part_of(1, 2, Lsn{200}, Lsn{300})));
  b.turn();
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2u);
  b.loaded(loads[1]); // a crash here must not leave epoch 2 recorded without epoch 1
  Bench restarted;
  restarted.add(1, TableState::ready, Lsn{100});
  restarted.committer.restore(kept(b), Lsn{100});
  EXPECT_EQ(restarted.committer.follow_position({1}), Lsn{100});
  b.loaded(loads[0]);
  b.committed(b.only<SendCommit>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{300});
}

TEST(Committer, AUnitWithMoreLabelsThanTheBudgetGoesThroughPartByPart) {
  CommitterSettings settings;
  settings.label_budget = 10;
  Bench b(settings);
  b.add(1, TableState::ready, Lsn{100});
  b.add(2, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}, 25));
  tables.push_back(Bench::part_of(2, 1, Lsn{100}, Lsn{200}));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  std::size_t committed = 0;
  for (int step = 0; step < 200; ++step) {
    for (StartLoad const& load : b.take<StartLoad>())
      b.loaded(load);
    for (SendCommit const& commit : b.take<SendCommit>()) {
      b.committed(commit);
      ++committed;
    }
  }
  EXPECT_EQ(committed, 26u);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(Committer, UnitsOfSeveralLabelsDoNotHoldTheBudgetHalfPrepared) {
  CommitterSettings settings;
  settings.label_budget = 6;
  Bench b(settings);
  std::vector<TableEpoch> tables;
  for (Oid oid = 1; oid <= 12; ++oid) {
    b.add(oid, TableState::ready, Lsn{100});
    tables.push_back(Bench::part_of(oid, 1, Lsn{100}, Lsn{200}, 2));
  }
  b.committer.on_stream_started(Lsn{100});
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  for (int step = 0; step < 200; ++step) {
    for (StartLoad const& load : b.take<StartLoad>())
      b.loaded(load);
    for (SendCommit const& commit : b.take<SendCommit>())
      b.committed(commit);
  }
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(Committer, ChangesUnderAnOldSnapshotAreNotLoadedOverANewOne) {
  Bench b;
  b.add(1, TableState::init);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.turn();
  auto const follow = b.only<FollowFrom>();
  b.committer.on_followed({1}, follow.generation);
  b.turn();
  b.on_copy_failed({ErrorCode::snapshot_lost, Retry::later, "x", ""}, b.now);
  b.turn();
  auto stale = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  stale.generation = follow.generation;
  b.epoch(1, Lsn{200}, one(std::move(stale)));
  b.turn();
  b.later();
  for (SendTruncate const& truncate : b.take<SendTruncate>())
    b.called(truncate.call);
  b.later();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{500});
  b.turn();
  b.on_copy_read();
  b.turn();
  b.later();
  EXPECT_TRUE(b.take<StartLoad>().empty());
}

TEST(Committer, NothingIsSpooledThatWasDiscardedInTheSameTurn) {
  Bench b;
  b.add(1, TableState::init);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.on_snapshot(Lsn{100});
  b.turn();
  auto table = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  table.generation = b.only<FollowFrom>().generation;
  table.parts[0].batches[0].bodies[0].bytes = std::string(1 << 20, 'x');
  b.epoch(1, Lsn{200}, one(std::move(table)));
  b.committer.on_set_aside({1}, {ErrorCode::table_changed, Retry::never, "x", ""});
  b.turn();
  EXPECT_TRUE(b.take<SpoolBody>().empty());
}

TEST(Committer, ALargeBodyThatWaitsForTheCopyLeavesMemory) {
  Bench b;
  b.add(1, TableState::init);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.on_snapshot(Lsn{100});
  b.turn();
  auto table = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  table.generation = b.only<FollowFrom>().generation;
  table.parts[0].batches[0].bodies[0].bytes = std::string(1 << 20, 'x');
  b.epoch(1, Lsn{200}, one(std::move(table)));
  b.turn();
  EXPECT_EQ(b.take<SpoolBody>().size(), 1u);
}

TEST(Committer, WhatDoesNotFitWhileATableIsCopiedIsReadAgainAfterwards) {
  CommitterSettings settings;
  settings.waiting_memory = 100;
  Bench b(settings);
  b.add(1, TableState::init);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.on_snapshot(Lsn{100});
  b.turn();
  auto const first = b.only<FollowFrom>();
  b.committer.on_followed({1}, first.generation);
  auto table = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  table.generation = first.generation;
  table.parts[0].batches[0].bodies[0].bytes = std::string(1000, 'x');
  b.epoch(1, Lsn{200}, one(std::move(table)));
  b.turn();
  b.on_copy_read();
  b.turn();
  auto const again = b.only<FollowFrom>();
  EXPECT_EQ(again.from, Lsn{100});
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100}) << "WAL is the durable copy: it must stay";
  EXPECT_TRUE(b.take<StartLoad>().empty());
}

// Units of 1,000 bytes each of table 1, of which one may wait.
struct HeldUp {
  static CommitterSettings settings() {
    CommitterSettings out;
    out.waiting_memory = 1500;
    return out;
  }
  HeldUp() {
    b.add(1, TableState::ready, Lsn{100});
    b.add(2, TableState::ready, Lsn{100});
    b.committer.on_stream_started(Lsn{100});
  }
  void epoch(std::uint64_t number, Oid oid = 1) {
    auto table = Bench::part_of(oid, number, Lsn{number * 100}, Lsn{number * 100 + 100});
    table.parts[0].batches[0].bodies[0].bytes = std::string(1000, 'x');
    b.epoch(number, Lsn{number * 100 + 100}, one(std::move(table)));
    b.turn();
  }
  void refuse_the_first(LoadOutcome::Kind kind) {
    epoch(1);
    b.loaded(b.only<StartLoad>(), kind);
    b.rolled_back(b.only<SendRollback>());
    for (std::uint64_t number = 2; number <= 7; ++number)
      epoch(number);
  }
  Bench b{settings()};
};

TEST(Committer, WhatWaitsBehindARefusedLoadIsLetGoAndReadAgain) {
  HeldUp held;
  Bench& b = held.b;
  held.refuse_the_first(LoadOutcome::Kind::busy);
  EXPECT_TRUE(b.take<FollowFrom>().empty()) << "not before it goes on";
  for (StartLoad const& load : b.take<StartLoad>())
    b.loaded(load, LoadOutcome::Kind::busy);
  for (SendRollback const& rollback : b.take<SendRollback>())
    b.rolled_back(rollback);
  held.epoch(8, 2); // another table goes on
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  for (int i = 0; i < 3; ++i) {
    b.later();
    for (StartLoad const& load : b.take<StartLoad>())
      b.loaded(load);
    for (SendCommit const& commit : b.take<SendCommit>())
      b.committed(commit);
  }
  auto const again = b.only<FollowFrom>();
  EXPECT_EQ(again.table, RelationId{1});
  EXPECT_EQ(again.from, Lsn{400}) << "three were in flight";
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{400}) << "WAL is the durable copy: it must stay";
  b.committer.on_followed({1}, again.generation);
  auto table = Bench::part_of(1, 9, Lsn{400}, Lsn{900});
  table.generation = again.generation;
  b.epoch(9, Lsn{1000}, one(std::move(table)));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{1000});
}

TEST(Committer, WhereStarRocksIsAwayTheStreamWaitsInstead) {
  HeldUp held;
  held.refuse_the_first(LoadOutcome::Kind::unreachable);
  held.b.later();
  EXPECT_EQ(held.b.committer.flushed_lsn(), Lsn{100});
  for (int i = 0; i < 9; ++i) {
    for (StartLoad const& load : held.b.take<StartLoad>())
      held.b.loaded(load);
    for (SendCommit const& commit : held.b.take<SendCommit>())
      held.b.committed(commit);
  }
  EXPECT_TRUE(held.b.take<FollowFrom>().empty()) << "everything was kept";
  EXPECT_EQ(held.b.committer.flushed_lsn(), Lsn{800});
}

TEST(Committer, RestoredLabelsCommitInTheOrderOfTheirPositions) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  LabelRecord older;
  older.label = {"demo", "older"};
  older.table = {1};
  older.epoch = 7; // of the incarnation before
  older.state = LabelRecord::State::recorded;
  older.end_lsn = Lsn{200};
  LabelRecord newer = older;
  newer.label.text = "newer";
  newer.epoch = 3;
  newer.end_lsn = Lsn{300};
  b.committer.restore({newer, older}, Lsn{100});
  b.turn();
  EXPECT_EQ(b.take<SendCommit>().at(0).label.text, "older");
  EXPECT_EQ(b.committer.follow_position({1}), Lsn{300});
}

TEST(Committer, LabelsThatAreRolledBackAreNotRecordedAnyMore) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  b.epoch(1, Lsn{200}, one(Bench::part_of(1, 1, Lsn{100}, Lsn{200})));
  b.epoch(2, Lsn{300}, one(Bench::part_of(1, 2, Lsn{200}, Lsn{300})));
  b.turn();
  auto const loads = b.take<StartLoad>();
  b.loaded(loads[0]);
  b.loaded(loads[1]);
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::aborted);
  auto const rollbacks = b.take<SendRollback>();
  ASSERT_EQ(rollbacks.size(), 2u);
  b.rolled_back(rollbacks[0]);
  b.later(); // a crash before the other rollback
  Bench restarted;
  restarted.add(1, TableState::ready, Lsn{100});
  restarted.committer.restore(kept(b), Lsn{100});
  restarted.turn();
  EXPECT_TRUE(restarted.take<SendCommit>().empty());
  EXPECT_EQ(restarted.committer.follow_position({1}), Lsn{100});
}

TEST(Committer, ATableWithTroubleDoesNotSetThePaceOfTheOthers) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.add(2, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  for (std::uint64_t i = 1; i <= 8; ++i) {
    std::vector<TableEpoch> tables;
    if (i == 1)
      tables.push_back(Bench::part_of(1, i, Lsn{i * 100}, Lsn{i * 100 + 100}));
    tables.push_back(Bench::part_of(2, i, Lsn{i * 100}, Lsn{i * 100 + 100}));
    b.epoch(i, Lsn{i * 100 + 100}, std::move(tables));
    b.turn();
    for (StartLoad const& load : b.take<StartLoad>())
      b.loaded(load, b.labels[load.label.text].table.oid == 1 ? LoadOutcome::Kind::busy
                                                              : LoadOutcome::Kind::prepared);
    for (SendCommit const& commit : b.take<SendCommit>())
      b.committed(commit);
  }
  EXPECT_EQ(b.committer.pace().epochs_in_flight, 0u);
}

TEST(Committer, ColumnsOfADroppedEpochAreStillAdded) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  b.epoch(1, Lsn{200}, one(Bench::part_of(1, 1, Lsn{100}, Lsn{200})));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::aborted);
  auto const follow = b.only<FollowFrom>();
  for (SendRollback const& rollback : b.take<SendRollback>())
    b.rolled_back(rollback);
  auto old = Bench::part_of(1, 2, Lsn{200}, Lsn{300});
  old.added_columns.push_back({"n", "INT", true, {}, {}});
  b.epoch(2, Lsn{300}, one(std::move(old)));
  b.turn();
  b.committer.on_followed({1}, follow.generation);
  auto again = Bench::part_of(1, 3, Lsn{100}, Lsn{300});
  again.generation = follow.generation;
  b.epoch(3, Lsn{300}, one(std::move(again)));
  b.later();
  EXPECT_EQ(b.take<SendAddColumns>().size(), 1u);
}

TEST(Committer, NothingIsLoadedBesideACommitWithoutAnswer) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  auto table = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  table.parts[0].batches.push_back(Bench::batch(3));
  table.counts.changes = table.counts.sent += 3;
  b.epoch(1, Lsn{200}, one(std::move(table)));
  b.turn();
  for (StartLoad const& load : b.take<StartLoad>())
    b.loaded(load);
  auto const commits = b.take<SendCommit>();
  ASSERT_EQ(commits.size(), 2u);
  b.committed(commits[0], CommitOutcome::Kind::aborted); // the other is under way
  auto const follow = b.only<FollowFrom>();
  for (SendRollback const& rollback : b.take<SendRollback>())
    b.rolled_back(rollback);
  auto again = Bench::part_of(1, 2, Lsn{100}, Lsn{400});
  again.generation = follow.generation;
  b.epoch(2, Lsn{400}, one(std::move(again)));
  b.later();
  EXPECT_TRUE(b.take<StartLoad>().empty());
}

NewDesign design_of(Oid oid) {
  NewDesign design;
  design.target.name = {"demo", "t" + std::to_string(oid)};
  design.target.columns = {{"id", "BIGINT", false, {}, {}}};
  design.shape.filenode = 77;
  design.shape.columns = {{1, "id", 20, -1, 700}};
  return design;
}

// What the target cannot follow: a twin of another design, swapped in when the copy is complete.
TEST(Committer, ATableIsMadeAnewBesideTheOneThatIsThere) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables[0].added_columns = {{"extra", "INT", true, {}, {}}};
  b.epoch(1, Lsn{200}, std::move(tables));
  NewDesign const design = design_of(1);
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "it was renamed", ""},
                           &design);
  b.turn();
  EXPECT_EQ(b.tables[1].state, TableState::init);
  EXPECT_EQ(b.tables[1].reason, "made anew because it was renamed");
  EXPECT_EQ(b.tables[1].layout, "1:id\nshape 77 1,20,-1,700\n");
  EXPECT_EQ(b.tables[1].filenode, 77U);
  auto const make = b.only<SendMakeTwin>();
  EXPECT_EQ(make.twin.table, "t1_walrock_copy_7");
  ASSERT_TRUE(make.design);
  EXPECT_EQ(make.design->target.name.table, "t1_walrock_copy_7");
  EXPECT_TRUE(b.take<SendAddColumns>().empty()) << "the twin has what was owed";
  b.called(make.call);
  EXPECT_TRUE(b.only<NeedCopy>().design);
  b.on_snapshot(Lsn{300});
  b.on_copied_batch(Bench::batch(4));
  b.on_copy_read();
  b.turn();
  auto const load = b.only<StartLoad>();
  b.loaded(load);
  b.committed(b.only<SendCommit>());
  EXPECT_TRUE(b.take<SendTruncate>().empty()) << "the rows that are there stay until the swap";
  b.called(b.only<SendSwap>().call);
  b.later();
  EXPECT_EQ(b.tables[1].reason, "");
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{300});
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "another reason", ""});
  b.turn();
  b.later();
  EXPECT_FALSE(b.only<SendMakeTwin>().design) << "it is like the table by now";
}

TEST(Committer, ADesignThatComesDuringACopyReplacesItsTwin) {
  Bench b;
  b.add(1, TableState::init);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.on_copied_batch(Bench::batch(4));
  b.on_copy_read();
  b.turn();
  auto const load = b.only<StartLoad>();
  NewDesign const design = design_of(1);
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "its type changed", ""},
                           &design);
  b.turn();
  EXPECT_TRUE(b.take<SendMakeTwin>().empty()) << "a load of the old copy is under way";
  EXPECT_TRUE(b.tables[1].reason.starts_with("made anew because")) << "also of a first copy";
  b.loaded(load);
  b.rolled_back(b.only<SendRollback>());
  b.later();
  auto const make = b.only<SendMakeTwin>();
  EXPECT_TRUE(make.design);
  b.called(make.call);
  EXPECT_TRUE(b.only<NeedCopy>().design);
}

// An empty table is being emptied when the design comes: that it is empty says nothing of the twin.
TEST(Committer, AnAnswerAboutTheTableBeforeIsNoneAboutTheTwin) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  auto const truncate = b.only<SendTruncate>();
  NewDesign const design = design_of(1);
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "its type changed", ""},
                           &design);
  b.turn();
  EXPECT_TRUE(b.take<SendMakeTwin>().empty()) << "the statement is under way";
  b.called(truncate.call);
  b.later();
  EXPECT_TRUE(b.only<SendMakeTwin>().design);
  EXPECT_TRUE(b.take<NeedCopy>().empty());
}

// deletes: soft: rows of the target go into the twin of every copy but the first.
TEST(Committer, RowsThatStayGoIntoTheTwinOfALaterCopy) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.kept = KeptRows::marked;
  entry.twin = TargetName{"demo", "t1_walrock_copy"};
  entry.owed_columns = {{"_walrock_deleted", "BOOLEAN", true, {}, {}}};
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  auto const add = b.only<SendAddColumns>();
  EXPECT_EQ(add.target.table, "t1") << "the twin is made like it";
  b.called(add.call);
  auto const first = b.only<SendMakeTwin>();
  EXPECT_FALSE(first.kept);
  b.called(first.call);
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.on_copy_read();
  b.turn();
  b.called(b.only<SendSwap>().call);
  b.later();
  EXPECT_EQ(b.state_of(1), TableState::ready);
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "somebody said so", ""});
  b.turn();
  auto const again = b.only<SendMakeTwin>();
  EXPECT_EQ(again.kept, KeptRows::marked);
  b.committer.on_called(again.call, {CallOutcome::Kind::unreachable, "the answer was lost"}, b.now);
  b.later();
  EXPECT_EQ(b.only<SendMakeTwin>().kept, KeptRows::marked) << "made and filled anew";
  EXPECT_TRUE(b.take<SendTruncate>().empty());
}

TEST(Committer, ATruncateThatMarksComesBetweenWhatWasBeforeItAndBehind) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  std::vector<TableEpoch> tables;
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{100}));
  tables.push_back(Bench::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables.back().is_truncated = true;
  tables.back().deletion_marks = {{"_walrock_deleted", "1"}};
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const before = b.only<StartLoad>();
  b.loaded(before);
  EXPECT_TRUE(b.take<SendMarkDeleted>().empty());
  b.committed(b.only<SendCommit>());
  b.later();
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{100}) << "a crash repeats it";
  b.called(b.only<SendMarkDeleted>().call);
  auto const behind = b.only<StartLoad>();
  EXPECT_NE(behind.label.text, before.label.text);
  b.loaded(behind);
  b.committed(b.only<SendCommit>());
  b.later();
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{200});
}

TEST(Committer, ACopyIsSwappedInWhenItIsComplete) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.is_known_empty = true;
  entry.twin = TargetName{"demo", "t1_walrock_copy"};
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.on_copied_batch(Bench::batch(5));
  b.on_copy_read();
  b.turn();
  b.loaded(b.only<StartLoad>());
  EXPECT_TRUE(b.take<SendSwap>().empty());
  b.committed(b.only<SendCommit>());
  auto const swap = b.only<SendSwap>();
  EXPECT_EQ(swap.twin.table, "t1_walrock_copy");
  EXPECT_EQ(b.state_of(1), TableState::copying);
  b.called(swap.call);
  EXPECT_EQ(b.state_of(1), TableState::ready);
}

// The answer to the swap is lost: the twin may be gone, and what it had that the table lacks with
// it.
TEST(Committer, AfterASwapInDoubtTheCopyGoesIntoANewTwin) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.is_known_empty = true;
  entry.twin = TargetName{"demo", "t1_twin"};
  entry.twin_columns = {{"extra", "INT", true, std::nullopt, ""}};
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.on_copy_read();
  b.turn();
  b.committer.on_called(b.only<SendSwap>().call, {CallOutcome::Kind::unreachable, "cut"}, b.now);
  b.later();
  auto const make = b.only<SendMakeTwin>();
  EXPECT_EQ(make.twin.table, "t1_twin");
  b.called(make.call);
  auto const add = b.only<SendAddColumns>();
  EXPECT_EQ(add.target.table, "t1_twin");
  ASSERT_EQ(add.columns.size(), 1u);
  b.called(add.call);
  b.only<NeedCopy>();
}

// The twin that has them goes away before the answer comes.
TEST(Committer, ColumnsOfATwinThatIsMadeAgainAreAddedAgain) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.is_known_empty = true;
  entry.twin = TargetName{"demo", "t1_twin"};
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.committer.on_columns_wanted({1}, {{"extra", "INT", true, std::nullopt, ""}});
  b.turn();
  auto const add = b.only<SendAddColumns>();
  EXPECT_EQ(add.target.table, "t1_twin");
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "a partition came", ""});
  b.turn();
  b.called(add.call);
  b.called(b.only<SendMakeTwin>().call);
  auto const again = b.only<SendAddColumns>();
  EXPECT_EQ(again.target.table, "t1_twin");
  ASSERT_EQ(again.columns.size(), 1u);
  b.called(again.call);
  b.only<NeedCopy>();
}

// What was swapped in is as old as what it replaced.
TEST(Committer, ACopyThatIsWantedAnewWhileItIsSwappedInIsMadeAgain) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.is_known_empty = true;
  entry.twin = TargetName{"demo", "t1_twin"};
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.on_copy_read();
  b.turn();
  auto const swap = b.only<SendSwap>();
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "a partition came", ""});
  b.turn();
  EXPECT_TRUE(b.take<SendMakeTwin>().empty()) << "the swap may not have arrived yet";
  b.called(swap.call);
  EXPECT_NE(b.state_of(1), TableState::ready);
  b.called(b.only<SendMakeTwin>().call);
  b.only<NeedCopy>();
}

// A start tells by the reason whether what the target has was copied by walrock.
TEST(Committer, AFirstCopyThatIsBegunAnewIsNoLaterOne) {
  Bench b;
  b.add(1, TableState::init);
  b.committer.on_stream_started(Lsn{100});
  b.turn();
  b.only<NeedCopy>();
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "a partition came", ""});
  b.turn();
  EXPECT_EQ(b.committer.progress().at(0).reason, "");
}

// Where it is wanted in every epoch, say: neither server may be kept busy by it.
TEST(Committer, ATableThatIsCopiedAgainAndAgainWaitsLongerEachTime) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.turn();
  std::vector<std::int64_t> waits;
  for (std::uint64_t i = 1; i <= 18; ++i) {
    auto const wanted_at = b.now;
    b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "a key changed", ""});
    b.turn();
    auto truncate = b.take<SendTruncate>();
    if (truncate.empty()) {
      auto const until = b.committer.progress().at(0).copy_waits_until.value();
      EXPECT_LE(b.committer.next_deadline(b.now), until);
      EXPECT_EQ(b.committer.progress().at(0).reason, "copied again because a key changed");
      b.committer.on_epoch(Epoch{i, Lsn{100 * i}, {}}, b.now);
      b.turn();
      EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100 * i}) << "it holds nothing back";
      b.later(std::chrono::duration_cast<Ms>(until - b.now));
      truncate = b.take<SendTruncate>();
    }
    ASSERT_EQ(truncate.size(), 1u);
    waits.push_back(std::chrono::duration_cast<Ms>(b.now - wanted_at).count());
    b.called(truncate.front().call);
    b.only<NeedCopy>();
    b.later(Ms(500));
    b.on_snapshot(Lsn{100 * i});
    b.on_copy_read();
    b.turn();
    EXPECT_EQ(b.state_of(1), TableState::ready);
  }
  EXPECT_EQ(std::vector(waits.begin(), waits.begin() + 5),
            (std::vector<std::int64_t>{0, 500, 1000, 2000, 4000}));
  EXPECT_EQ(waits.back(), 600'000);
  b.later(Ms(3'600'001));
  b.committer.on_set_aside({1}, {ErrorCode::copy_needed, Retry::later, "a key changed", ""});
  b.turn();
  b.only<SendTruncate>();
}

ErrorReport const kCopyNeeded{ErrorCode::copy_needed, Retry::later, "a reason", ""};

// A TRUNCATE of the stream that comes late would empty what was copied after it.
TEST(Committer, ACopyIsNotBegunAgainBeforeATruncateHasAnAnswer) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  auto truncated = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  truncated.is_truncated = true;
  b.epoch(1, Lsn{200}, one(std::move(truncated)));
  b.turn();
  auto const truncate = b.only<SendTruncate>();
  b.committer.on_set_aside({1}, kCopyNeeded);
  b.later();
  EXPECT_TRUE(b.take<SendTruncate>().empty());
  b.called(truncate.call);
  b.called(b.only<SendTruncate>().call); // that of the copy
  b.only<NeedCopy>();
}

// The stream cannot go back to where such a snapshot stands.
TEST(Committer, ASnapshotFromBeforeWhatWasLetGoIsNotCopied) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{9000});
  b.turn();
  b.committer.on_set_aside({1}, kCopyNeeded);
  b.turn();
  b.called(b.only<SendTruncate>().call);
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{100});
  b.turn();
  EXPECT_TRUE(b.take<FollowFrom>().empty());
  b.only<NeedCopy>();
  b.on_snapshot(Lsn{9000});
  b.turn();
  b.only<FollowFrom>();
}

// What the rows are completed with stands under other keys once a part of it is committed.
TEST(Committer, AUnitThatReadsBackIsCopiedRatherThanReadAgain) {
  Bench b;
  b.add(1, TableState::ready, Lsn{100});
  b.committer.on_stream_started(Lsn{100});
  auto moved = Bench::part_of(1, 1, Lsn{100}, Lsn{200});
  moved.reads_back = moved.needs_record = true;
  b.epoch(1, Lsn{200}, one(std::move(moved)));
  b.turn();
  b.loaded(b.only<StartLoad>());
  b.committed(b.only<SendCommit>(), CommitOutcome::Kind::in_doubt);
  b.later();
  b.state(b.only<AskLabelState>(), LabelState::unknown);
  EXPECT_TRUE(b.take<FollowFrom>().empty());
  EXPECT_EQ(b.state_of(1), TableState::init);
}

// Rows that are deleted while it is copied are in no later message.
TEST(Committer, WithKeptRowsACopyBegunAgainEmptiesTheTarget) {
  Bench b;
  TableEntry entry = Bench::entry_of(1);
  entry.record.state = TableState::ready;
  entry.record.applied_lsn = Lsn{100};
  entry.is_emptied_before_copy = false; // existing-rows: keep
  b.committer.add_table(entry, b.now);
  b.committer.on_stream_started(Lsn{100});
  b.committer.on_set_aside({1}, kCopyNeeded);
  b.turn();
  b.called(b.only<SendTruncate>().call);
  b.only<NeedCopy>();
}

// ---------------------------------------------------------------- quarantine

TEST(Committer, WhatComesWhileTheTargetIsEmptiedForTheFirstSnapshotIsNotAcknowledged) {
  Bench bench;
  TableEntry entry = Bench::entry_of(1);
  entry.record.state = TableState::init;
  bench.committer.add_table(entry, bench.now); // its target has rows: existing-rows: truncate
  bench.committer.restore({}, Lsn{100});
  bench.committer.on_stream_started(Lsn{100});
  bench.turn();
  auto const truncate = bench.only<SendTruncate>();
  bench.epoch(1, Lsn{500}, {}); // changes of the table are in it, and went by
  bench.turn();
  EXPECT_EQ(bench.committer.flushed_lsn(), Lsn{100}) << "the slot's snapshot is as of 100";
  bench.called(truncate.call);
  EXPECT_EQ(bench.take<NeedCopy>().size(), 1U);
}

struct QuarantineBench : Bench {
  void add(TableState state) {
    TableEntry entry;
    entry.record.id = {1};
    entry.record.source = {"public", "t1"};
    entry.record.target = {"demo", "t1"};
    entry.record.state = state;
    entry.record.applied_lsn = Lsn{100};
    entry.is_known_empty = true;
    entry.quarantine_limit = 10;
    committer.add_table(entry, now);
  }
  void read(QuarantinedKeys keys) {
    committer.on_quarantine_read(only<ReadQuarantine>().call,
                                 {{CallOutcome::Kind::done, ""}, std::move(keys)}, now);
    turn();
  }
  // A table that is ready from 100, with nothing in quarantine; its generation.
  std::uint64_t follow() {
    add(TableState::ready);
    committer.restore({}, Lsn{100});
    turn();
    read({});
    return only<FollowFrom>().generation;
  }
  void refused(StartLoad const& load, std::vector<RefusedRow> rows, std::uint64_t count = 1) {
    LoadOutcome outcome;
    outcome.kind = LoadOutcome::Kind::rows_refused;
    outcome.refused_rows = count;
    outcome.refusals = std::move(rows);
    committer.on_loaded(load.call, outcome, now);
    turn();
  }
  void epoch_of(std::uint64_t generation, std::uint64_t number, Lsn after, Lsn end) {
    std::vector<TableEpoch> parts;
    parts.push_back(part_of(1, number, after, end));
    parts.back().generation = generation;
    epoch(number, end, std::move(parts));
  }
};

TEST(Quarantine, ATableIsFollowedWhenItIsKnownWhatIsThere) {
  QuarantineBench bench;
  bench.add(TableState::ready);
  bench.committer.restore({}, Lsn{100});
  EXPECT_FALSE(bench.committer.is_following({1}));
  bench.turn();
  bench.read({{"k", 1}});
  auto const follow = bench.only<FollowFrom>();
  EXPECT_EQ(follow.from, Lsn{100});
  EXPECT_EQ(follow.keys, (QuarantinedKeys{{"k", 1}}));
  EXPECT_EQ(bench.committer.progress()[0].quarantined_rows, 1U);
}

TEST(Quarantine, ItIsReadAfterWhatWasRecordedIsCommitted) {
  QuarantineBench bench;
  bench.add(TableState::ready);
  LabelRecord recorded;
  recorded.label = {"demo", "old"};
  recorded.table = {1};
  recorded.state = LabelRecord::State::recorded;
  recorded.end_lsn = Lsn{200};
  bench.committer.restore({recorded}, Lsn{100});
  bench.turn();
  EXPECT_TRUE(bench.take<ReadQuarantine>().empty());
  bench.committed(bench.only<SendCommit>());
  bench.read({});
  EXPECT_EQ(bench.only<FollowFrom>().from, Lsn{200});
}

TEST(Quarantine, ARefusedUnitIsReadAgainWithItsRowsKnownWhenWhatIsBeforeItIsApplied) {
  QuarantineBench bench;
  std::uint64_t const generation = bench.follow();
  bench.epoch_of(generation, 1, Lsn{100}, Lsn{200});
  bench.epoch_of(generation, 2, Lsn{200}, Lsn{300});
  bench.turn();
  auto const loads = bench.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2U);
  bench.refused(loads[1], {{{}, "v", "too long", "", 77}});
  EXPECT_TRUE(bench.take<FollowFrom>().empty()) << "the unit before it is not applied yet";
  bench.loaded(loads[0]);
  bench.committed(bench.only<SendCommit>());
  auto const follow = bench.only<FollowFrom>();
  EXPECT_EQ(follow.from, Lsn{200});
  ASSERT_EQ(follow.refused.size(), 1U);
  EXPECT_EQ(follow.refused[0].hash, 77U);
  EXPECT_EQ(bench.state_of(1), TableState::ready);
}

TEST(Quarantine, MoreRefusedRowsThanTheLimitStopTheTable) {
  QuarantineBench bench;
  std::uint64_t const generation = bench.follow();
  bench.epoch_of(generation, 1, Lsn{100}, Lsn{200});
  bench.turn();
  bench.refused(bench.only<StartLoad>(), {{{}, "v", "too long", "", 77}}, 11);
  EXPECT_EQ(bench.state_of(1), TableState::errored);
  EXPECT_NE(bench.tables.at(1).reason.find("quarantine_full"), std::string::npos);
}

TEST(Quarantine, ARefusalWithoutAKnownRowStopsTheTable) {
  QuarantineBench bench;
  std::uint64_t const generation = bench.follow();
  bench.epoch_of(generation, 1, Lsn{100}, Lsn{200});
  bench.turn();
  bench.refused(bench.only<StartLoad>(), {{{}, "", "who knows", "", 0}});
  EXPECT_EQ(bench.state_of(1), TableState::errored);
  EXPECT_NE(bench.tables.at(1).reason.find("load_rejected"), std::string::npos);
}

TEST(Quarantine, IsEmptiedBeforeACopyAndTakesItsRefusedRows) {
  QuarantineBench bench;
  bench.add(TableState::init);
  bench.committer.restore({}, Lsn{100});
  bench.turn();
  EXPECT_TRUE(bench.take<NeedCopy>().empty());
  bench.called(bench.only<EmptyQuarantine>().call);
  bench.only<NeedCopy>();
  bench.on_snapshot(Lsn{100});
  Batch batch;
  batch.spec = {{"demo", "t1"}, LoadFormat::csv, "`id`,`v`,`__op`", false, {"id"}};
  Body body;
  body.bytes = "1\x01good\x01"
               "0\x02"
               "2\x01"
               "bad\x01"
               "0\x02";
  batch.bodies.push_back(std::move(body));
  batch.row_count = 2;
  std::uint64_t const hash = row_hash(batch.spec, "2\x01"
                                                  "bad\x01"
                                                  "0");
  bench.on_copied_batch(std::move(batch));
  bench.on_copy_read();
  bench.turn();
  bench.refused(bench.only<StartLoad>(), {{{}, "v", "too long", "", hash}});
  for (SendRollback const& rollback : bench.take<SendRollback>())
    bench.rolled_back(rollback);
  bench.later();
  auto const loads = bench.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2U);
  EXPECT_EQ(loads[0].batch->row_count, 1U);
  EXPECT_TRUE(is_quarantine(loads[1].batch->spec));
  for (StartLoad const& load : loads)
    bench.loaded(load);
  for (SendCommit const& commit : bench.take<SendCommit>())
    bench.committed(commit);
  auto const follows = bench.take<FollowFrom>();
  EXPECT_EQ(follows.back().keys.size(), 1U) << "read again, knowing what the copy left there";
  EXPECT_EQ(bench.tables.at(1).copied_rows, 1U);
}

} // namespace
} // namespace walrock
