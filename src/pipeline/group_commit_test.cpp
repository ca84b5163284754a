#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "pipeline/committer_bench_test.h"

namespace walrock {
namespace {

using Cause = LoadOutcome::Kind;
using Verdict = GroupVerdict::Kind;

CommitterSettings across_tables() {
  CommitterSettings settings;
  settings.is_across_tables = true;
  return settings;
}

class Group : public Bench {
public:
  explicit Group(CommitterSettings settings = across_tables(),
                 std::vector<Oid> const& oids = {1, 2})
      : Bench(std::move(settings)) {
    for (Oid const oid : oids)
      add(oid, TableState::ready, Lsn{100});
    committer.on_stream_started(Lsn{100});
  }

  // Of one label of each table, from 100 * number to 100 more.
  void epoch_of(std::uint64_t number, std::vector<Oid> const& oids) {
    std::vector<TableEpoch> of_tables;
    for (Oid const oid : oids)
      of_tables.push_back(part_of(oid, number, Lsn{number * 100}, Lsn{number * 100 + 100}));
    epoch(number, Lsn{number * 100 + 100}, std::move(of_tables));
    turn();
  }

  static GroupOutcome gone(Cause cause, std::optional<std::size_t> culprit = {}) {
    return {GroupOutcome::Kind::gone, cause, culprit, "said so"};
  }
  static GroupOutcome unsettled() {
    return {GroupOutcome::Kind::unsettled, Cause::unreachable, {}, "nobody answers"};
  }

  Lsn applied(Oid oid) {
    for (TableProgress const& table : committer.progress())
      if (table.id.oid == oid)
        return table.applied_lsn;
    return {};
  }
};

std::string bytes_of(Batch const& batch) {
  return batch.bodies.at(0).bytes;
}

TEST(GroupCommit, TheTablesOfAnEpochAreOneTransactionThatSaysSo) {
  Group b;
  b.epoch_of(1, {1, 2});
  EXPECT_TRUE(b.take<StartLoad>().empty());
  auto const group = b.only<StartGroup>();
  ASSERT_EQ(group.batches.size(), 2u);
  EXPECT_EQ(group.label.text, "test_job_7_02583f6928750a9a_g1_0_1");
  EXPECT_EQ(group.progress->spec.target, (TargetName{"demo", "_walrock_progress"}));
  EXPECT_EQ(group.progress->row_count, 2u);
  EXPECT_EQ(bytes_of(*group.progress), "job\x01"
                                       "1\x01" +
                                           group.label.text +
                                           "\x01"
                                           "200\x02" +
                                           "job\x01"
                                           "2\x01" +
                                           group.label.text +
                                           "\x01"
                                           "200\x02");
  ASSERT_EQ(b.labels.count(group.label.text), 1u) << "intended before it is begun";
  EXPECT_EQ(b.labels[group.label.text].table, kSeveralTables);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.group_committed(group);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
  b.later();
  EXPECT_TRUE(b.labels.empty());
  EXPECT_EQ(b.tables[1].applied_lsn, Lsn{200});
  EXPECT_EQ(b.tables[2].applied_lsn, Lsn{200});
  EXPECT_TRUE(b.committer.is_drained());
}

TEST(GroupCommit, OneIsUnderWayAtATimeInTheOrderOfTheEpochs) {
  Group b;
  b.epoch_of(1, {1, 2});
  b.epoch_of(2, {2});
  auto const first = b.only<StartGroup>();
  EXPECT_TRUE(b.take<StartLoad>().empty()) << "one table waits for its turn as well";
  b.group_committed(first);
  auto const second = b.only<StartGroup>();
  EXPECT_EQ(second.batches.size(), 1u);
  b.group_committed(second);
  EXPECT_EQ(b.applied(1), Lsn{200});
  EXPECT_EQ(b.applied(2), Lsn{300});
}

TEST(GroupCommit, TheLabelIsForgottenInTheWriteThatAppliesItsTables) {
  Group b;
  b.epoch_of(1, {1, 2});
  b.group_committed(b.only<StartGroup>());
  b.later();
  std::size_t writes = 0;
  for (WriteCheckpoint const& write : b.take<WriteCheckpoint>()) {
    if (write.update.finished_labels.empty())
      continue;
    ++writes;
    std::set<Oid> tables;
    for (TableRecord const& table : write.update.tables)
      if (table.applied_lsn == Lsn{200})
        tables.insert(table.id.oid);
    EXPECT_EQ(tables, (std::set<Oid>{1, 2}));
  }
  EXPECT_EQ(writes, 1u);
}

TEST(GroupCommit, InDoubtItIsAskedAndNeverLoadedAgain) {
  Group b;
  b.epoch_of(1, {1, 2});
  auto const group = b.only<StartGroup>();
  b.group_loaded(group, Group::unsettled());
  EXPECT_FALSE(b.committer.is_drained());
  EXPECT_FALSE(b.committer.progress().at(0).trouble.empty());
  for (int i = 0; i < 3; ++i) {
    b.later();
    auto const settle = b.only<SettleGroup>();
    EXPECT_EQ(settle.label, group.label);
    b.settled(settle, Verdict::unreachable);
    EXPECT_TRUE(b.take<StartGroup>().empty());
  }
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{100});
  b.later();
  b.settled(b.only<SettleGroup>(), Verdict::committed);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
  EXPECT_TRUE(b.take<StartGroup>().empty());
  EXPECT_TRUE(b.committer.progress().at(0).trouble.empty());
}

TEST(GroupCommit, WhatIsGoneIsLoadedAgainUnderANewLabel) {
  Group b;
  b.epoch_of(1, {1, 2});
  auto const first = b.only<StartGroup>();
  std::string const bytes = bytes_of(*first.batches[0]);
  b.group_loaded(first, Group::unsettled());
  b.later();
  b.settled(b.only<SettleGroup>(), Verdict::gone);
  b.later();
  auto const second = b.only<StartGroup>();
  EXPECT_NE(second.label, first.label);
  EXPECT_EQ(second.batches.size(), 2u);
  EXPECT_EQ(bytes_of(*second.batches[0]), bytes) << "kept until it is committed";
  EXPECT_EQ(b.labels.size(), 1u) << "the old label is forgotten when the new one is written";
  b.group_committed(second);
  EXPECT_EQ(b.committer.flushed_lsn(), Lsn{200});
}

TEST(GroupCommit, ARefusedRowTakesItsTableOutAndTheOthersGoOn) {
  Group b(across_tables(), {1, 2, 3});
  b.epoch_of(1, {1, 2, 3});
  b.group_loaded(b.only<StartGroup>(), Group::gone(Cause::rows_refused, 1));
  EXPECT_EQ(b.only<StartGroup>().batches.size(), 2u);
  auto const alone = b.only<StartLoad>();
  EXPECT_EQ(b.labels[alone.label.text].table.oid, 2u);
  b.loaded(alone, Cause::rows_refused);
  EXPECT_EQ(b.state_of(2), TableState::errored);
}

TEST(GroupCommit, AFaultNobodyIsBlamedForEndsItTableByTable) {
  Group b;
  b.epoch_of(1, {1, 2});
  for (int i = 0; i < CommitterSettings().group_attempts; ++i) {
    EXPECT_TRUE(b.take<StartLoad>().empty());
    b.group_loaded(b.only<StartGroup>(), Group::gone(Cause::failed));
    b.later();
  }
  EXPECT_TRUE(b.take<StartGroup>().empty());
  EXPECT_EQ(b.take<StartLoad>().size(), 2u);
}

TEST(GroupCommit, AServerThatIsAwayIsWaitedForWithoutAnEnd) {
  Group b;
  b.epoch_of(1, {1, 2});
  for (int i = 0; i < 20; ++i) {
    b.group_loaded(b.only<StartGroup>(), Group::gone(Cause::unreachable, 0));
    b.later();
  }
  EXPECT_EQ(b.only<StartGroup>().batches.size(), 2u);
  EXPECT_TRUE(b.take<StartLoad>().empty());
}

// Say, a proxy that does not let its bodies through.
TEST(GroupCommit, ATableWhoseLoadIsNeverAnsweredGoesByItselfInTheEnd) {
  Group b;
  b.epoch_of(1, {1, 2});
  for (int i = 0; i < 21; ++i) {
    b.group_loaded(b.only<StartGroup>(), Group::gone(Cause::unreachable, 0));
    b.later();
  }
  EXPECT_EQ(b.only<StartGroup>().batches.size(), 1u);
  EXPECT_EQ(b.take<StartLoad>().size(), 1u);
}

TEST(GroupCommit, WhatWaitsBehindAServerThatIsAwayLeavesMemory) {
  Group b;
  b.epoch_of(1, {1, 2});
  b.group_loaded(b.only<StartGroup>(), Group::gone(Cause::unreachable, 0));
  for (std::uint64_t number = 2; number <= 5; ++number) {
    auto table = Bench::part_of(1, number, Lsn{number * 100}, Lsn{number * 100 + 100});
    table.parts[0].batches[0].bodies[0].bytes = std::string(1 << 20, 'x');
    std::vector<TableEpoch> of_tables;
    of_tables.push_back(std::move(table));
    b.epoch(number, Lsn{number * 100 + 100}, std::move(of_tables));
    b.turn();
  }
  EXPECT_EQ(b.take<SpoolBody>().size(), 2u) << "behind three that may be in flight";
}

TEST(GroupCommit, WhatNeedsSeveralLabelsGoesByItselfAndTheNextEpochWaitsForIt) {
  Group b;
  std::vector<TableEpoch> tables;
  tables.push_back(Group::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables.push_back(Group::part_of(2, 1, Lsn{100}, Lsn{200}, 2));
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const first = b.only<StartGroup>();
  EXPECT_EQ(first.batches.size(), 1u);
  auto const parts = b.take<StartLoad>();
  ASSERT_EQ(parts.size(), 2u);
  b.epoch_of(2, {1, 2});
  b.group_committed(first);
  EXPECT_TRUE(b.take<StartGroup>().empty()) << "table 2 is to come along";
  for (StartLoad const& load : parts)
    b.loaded(load);
  b.committed(b.only<SendCommit>());
  b.committed(b.only<SendCommit>());
  EXPECT_EQ(b.only<StartGroup>().batches.size(), 2u);
}

TEST(GroupCommit, ATableThatDoesNotComeIsLeftBehindAndTakenAlongLater) {
  Group b;
  std::vector<TableEpoch> tables;
  tables.push_back(Group::part_of(2, 1, Lsn{100}, Lsn{200}));
  tables.back().added_columns = {{"c", "INT", true, std::nullopt, ""}};
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  auto const alter = b.only<SendAddColumns>();
  b.epoch_of(2, {1, 2});
  EXPECT_TRUE(b.take<StartGroup>().empty());
  TimePoint const due = b.committer.next_deadline(b.now);
  EXPECT_LE(due, b.now + CommitterSettings().group_patience);
  b.later(CommitterSettings().group_patience);
  EXPECT_EQ(b.only<StartGroup>().batches.size(), 1u) << "its own epoch is behind that of table 1";
  b.called(alter.call);
  auto const loads = b.take<StartLoad>();
  ASSERT_EQ(loads.size(), 2u);
  for (StartLoad const& load : loads)
    b.loaded(load);
  b.committed(b.only<SendCommit>());
  b.committed(b.only<SendCommit>());
}

TEST(GroupCommit, ATruncateComesBeforeTheTransactionThatHasTheRowsBehindIt) {
  Group b;
  std::vector<TableEpoch> tables;
  tables.push_back(Group::part_of(1, 1, Lsn{100}, Lsn{200}));
  tables.push_back(Group::part_of(2, 1, Lsn{100}, Lsn{200}));
  tables.back().is_truncated = true;
  b.epoch(1, Lsn{200}, std::move(tables));
  b.turn();
  EXPECT_TRUE(b.take<StartGroup>().empty());
  b.called(b.only<SendTruncate>().call);
  EXPECT_EQ(b.only<StartGroup>().batches.size(), 2u);
}

TEST(GroupCommit, ATableThatIsCopiedAgainMeanwhileWaitsForTheVerdict) {
  Group b;
  b.epoch_of(1, {1, 2});
  auto const group = b.only<StartGroup>();
  b.committer.on_set_aside({2}, {ErrorCode::copy_needed, Retry::later, "partitions", ""});
  b.turn();
  EXPECT_TRUE(b.take<SendTruncate>().empty()) << "its rows may still be committed";
  b.group_committed(group);
  (void)b.only<SendTruncate>();
  EXPECT_EQ(b.applied(1), Lsn{200});
  EXPECT_EQ(b.applied(2), Lsn{100});
}

TEST(GroupCommit, AStopFinishesWhatIsUnderWayAndBeginsNothing) {
  Group b;
  b.epoch_of(1, {1, 2});
  b.epoch_of(2, {1, 2});
  b.committer.begin_drain();
  EXPECT_FALSE(b.committer.is_drained());
  b.group_committed(b.only<StartGroup>());
  EXPECT_TRUE(b.take<StartGroup>().empty());
  EXPECT_TRUE(b.committer.is_drained());
}

TEST(GroupCommit, AStartTakesWhatTheTargetSaysWasCommitted) {
  Checkpoint checkpoint;
  for (Oid const oid : {1, 2, 3, 4}) {
    TableRecord table;
    table.id = {oid};
    table.applied_lsn = Lsn{100};
    table.state = oid == 3 ? TableState::init : TableState::ready;
    checkpoint.tables.push_back(table);
  }
  Label const label{"demo", "l"};
  LabelRecord record;
  record.label = label;
  checkpoint.labels.push_back(record);
  Checkpoint gone = checkpoint;
  CheckpointUpdate const update =
      apply_verdict(checkpoint, label,
                    {Verdict::committed, {{{1}, Lsn{200}}, {{2}, Lsn{50}}, {{3}, Lsn{200}}}, ""});
  EXPECT_TRUE(checkpoint.labels.empty());
  EXPECT_EQ(update.finished_labels, std::vector<Label>{label});
  EXPECT_EQ(update.tables.size(), 2u);
  EXPECT_EQ(checkpoint.tables[0].applied_lsn, Lsn{200});
  EXPECT_EQ(checkpoint.tables[1].applied_lsn, Lsn{100}) << "it never goes back";
  EXPECT_EQ(checkpoint.tables[2].applied_lsn, Lsn{100}) << "it is copied again";
  EXPECT_EQ(checkpoint.tables[3].applied_lsn, Lsn{100}) << "it was not in it";
  EXPECT_TRUE(apply_verdict(gone, label, {Verdict::gone, {}, ""}).tables.empty());
  EXPECT_EQ(gone.tables[0].applied_lsn, Lsn{100});
  EXPECT_THROW((void)apply_verdict(gone, label, {Verdict::committed, {}, ""}), Error);
}

} // namespace
} // namespace walrock
