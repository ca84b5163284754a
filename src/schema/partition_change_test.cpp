#include "schema/partition_change.h"

#include <gtest/gtest.h>

namespace walrock {
namespace {

using Kind = PartitionChange::Kind;

constexpr std::uint32_t kMade = 50; // the transaction that made the first partitions

Partition leaf(Oid oid, std::uint32_t xid = kMade) {
  Partition out;
  out.oid = out.filenode = oid;
  out.parent = 1;
  out.attached_xid = out.changed_xid = xid;
  out.is_created_attached = true;
  out.name = {"public", "p" + std::to_string(oid)};
  return out;
}

Partition attached(Oid oid, std::uint32_t xid) {
  Partition out = leaf(oid, xid);
  out.is_created_attached = false;
  return out;
}

Partition branch(Oid oid, std::uint32_t xid = kMade) {
  Partition out = leaf(oid, xid);
  out.filenode = 0;
  out.relkind = 'p';
  return out;
}

Partition below(Partition partition, Oid parent) {
  partition.parent = parent;
  return partition;
}

Partition with_file(Partition partition, Oid filenode, std::uint32_t xid) {
  partition.filenode = filenode;
  partition.changed_xid = xid;
  return partition;
}

PartitionTree look(std::uint64_t lsn, std::vector<Partition> partitions) {
  PartitionTree out;
  out.lsn = Lsn{lsn};
  out.partitions = std::move(partitions);
  out.next_xid = 1000;
  return out;
}

PartitionedTable known(std::vector<Partition> partitions,
                       DroppedPartitions dropped = DroppedPartitions::copy_again) {
  return {NeededIdentity(), look(100, std::move(partitions)), dropped};
}

TEST(PartitionChange, NothingHappened) {
  auto table = known({leaf(10), leaf(11)});
  EXPECT_EQ(table.judge(look(200, {leaf(10), leaf(11)})).kind, Kind::none);
}

TEST(PartitionChange, ADroppedPartitionIsCopiedAgainOnce) {
  auto table = known({leaf(10), leaf(11)});
  auto const change = table.judge(look(200, {leaf(10)}));
  EXPECT_EQ(change.kind, Kind::copy_again);
  EXPECT_EQ(change.reason, "partition public.p11 was detached or dropped");
  EXPECT_EQ(table.judge(look(300, {leaf(10)})).kind, Kind::none);
}

TEST(PartitionChange, RowsOfDroppedPartitionsAreKeptWhereTheJobSaysSo) {
  auto table = known({leaf(10), leaf(11)}, DroppedPartitions::keep);
  EXPECT_TRUE(table.note_row_of(12, 300));
  EXPECT_EQ(table.judge(look(200, {leaf(10)})).kind, Kind::none);
}

TEST(PartitionChange, APartitionMadeInTheTreeNeedsNothing) {
  auto table = known({leaf(10)});
  EXPECT_EQ(table.judge(look(200, {leaf(10), leaf(11, 70)})).kind, Kind::none);
}

TEST(PartitionChange, AnAttachedPartitionWithRowsIsCopied) {
  auto table = known({leaf(10)});
  auto const now = look(200, {leaf(10), attached(11, 70)});
  EXPECT_EQ(table.must_be_measured(now), std::vector<Oid>{11});
  EXPECT_EQ(table.judge(now).reason, "partition public.p11 was attached with rows");
}

TEST(PartitionChange, AnAttachedPartitionWithoutRowsNeedsNothing) {
  auto table = known({leaf(10)});
  auto now = look(200, {leaf(10), attached(11, 70)});
  now.partitions[1].is_empty = true;
  EXPECT_EQ(table.judge(now).kind, Kind::none);
}

TEST(PartitionChange, ATreeAttachedWithRowsIsCopied) {
  auto table = known({leaf(10)});
  auto sub = branch(11, 70);
  sub.is_created_attached = false;
  EXPECT_EQ(table.judge(look(200, {leaf(10), sub, below(leaf(12, 60), 11)})).kind,
            Kind::copy_again);
  // A leaf made in it from then on needs nothing.
  EXPECT_EQ(
      table.judge(look(300, {leaf(10), sub, below(leaf(12, 60), 11), below(leaf(13, 80), 11)}))
          .kind,
      Kind::none);
}

TEST(PartitionChange, AReattachedPartitionIsCopied) {
  auto table = known({leaf(10)});
  auto now = look(200, {attached(10, 70)});
  now.partitions[0].is_empty = true; // the rows it had are in the target
  EXPECT_EQ(table.judge(now).reason, "partition public.p10 was detached and attached again");
}

TEST(PartitionChange, ATruncatedLeafIsCopied) {
  auto table = known({leaf(10), leaf(11)});
  EXPECT_EQ(table.judge(look(200, {with_file(leaf(10), 20, 70), leaf(11)})).reason,
            "partition public.p10 was truncated by itself, or rewritten");
}

TEST(PartitionChange, ATruncateOfTheRootThatTheStreamBroughtNeedsNothing) {
  auto table = known({leaf(10), leaf(11)});
  table.note_truncation(70);
  table.note_truncation(71);
  EXPECT_EQ(table.judge(look(200, {with_file(leaf(10), 22, 71), with_file(leaf(11), 23, 71)})).kind,
            Kind::none);
}

TEST(PartitionChange, ATruncateOfALeafBehindThatOfTheRootIsCopied) {
  auto table = known({leaf(10), leaf(11)});
  table.note_truncation(70);
  EXPECT_EQ(table.judge(look(200, {with_file(leaf(10), 22, 75), with_file(leaf(11), 23, 70)})).kind,
            Kind::copy_again);
}

TEST(PartitionChange, ANewLeafThatWasTruncatedByItselfIsCopied) {
  auto table = known({leaf(10)});
  EXPECT_EQ(table.judge(look(200, {leaf(10), with_file(leaf(11, 70), 20, 75)})).kind,
            Kind::copy_again);
}

TEST(PartitionChange, ALeafAttachedBeforeATruncateOfTheRootNeedsNothing) {
  auto table = known({leaf(10)});
  table.note_truncation(75);
  EXPECT_EQ(
      table.judge(look(200, {with_file(leaf(10), 22, 75), with_file(attached(11, 70), 23, 75)}))
          .kind,
      Kind::none);
}

TEST(PartitionChange, ALeafAttachedInTheTransactionOfATruncateOfTheRootIsCopied) {
  auto table = known({leaf(10)});
  table.note_truncation(75);
  EXPECT_EQ(table.judge(look(200, {with_file(leaf(10), 22, 75), attached(11, 75)})).kind,
            Kind::copy_again);
}

TEST(PartitionChange, APartitionThatCameAndWentBetweenTwoLooksIsCopied) {
  auto table = known({leaf(10)});
  EXPECT_FALSE(table.note_row_of(10, 60));
  EXPECT_TRUE(table.note_row_of(11, 61));
  EXPECT_FALSE(table.note_row_of(11, 61));
  EXPECT_EQ(table.judge(look(200, {leaf(10)})).kind, Kind::copy_again);
  EXPECT_EQ(table.judge(look(300, {leaf(10)})).kind, Kind::none);
}

TEST(PartitionChange, AMakingThatTheLookDoesNotSeeYetIsJudgedLater) {
  auto table = known({leaf(10)});
  EXPECT_TRUE(table.note_row_of(11, 61));
  auto early = look(200, {leaf(10)});
  early.xids_in_progress = {61};
  EXPECT_EQ(table.judge(early).kind, Kind::none);
  EXPECT_EQ(table.judge(look(300, {leaf(10)})).kind, Kind::copy_again);
}

TEST(PartitionChange, APartitionKnownByItsRowsAloneIsNewToALook) {
  auto table = known({leaf(10)});
  EXPECT_TRUE(table.note_row_of(11, 70));
  EXPECT_EQ(table.judge(look(200, {leaf(10), leaf(11, 70)})).kind, Kind::none);
}

TEST(PartitionChange, APartitionKnownByItsRowsAloneOutlivesARestart) {
  auto table = known({leaf(10)});
  EXPECT_TRUE(table.note_row_of(11, 70));
  auto const kept = partitions_of(with_partitions("", *table.known()));
  PartitionedTable next(NeededIdentity(), kept, DroppedPartitions::copy_again);
  EXPECT_EQ(next.judge(look(200, {leaf(10)})).kind, Kind::copy_again);
  PartitionedTable other(NeededIdentity(), kept, DroppedPartitions::copy_again);
  EXPECT_EQ(other.judge(look(200, {leaf(10), leaf(11, 70)})).kind, Kind::none);
}

TEST(PartitionChange, ALookFromBeforeTheCopySaysNothing) {
  auto table = known({leaf(10)});
  table.note_copy(look(300, {leaf(10), leaf(11)}));
  EXPECT_EQ(table.judge(look(200, {leaf(10)})).kind, Kind::none);
  EXPECT_EQ(table.judge(look(400, {leaf(10)})).kind, Kind::copy_again);
}

TEST(PartitionChange, ACopyThatTheStreamHasPassedHidesNothing) {
  auto table = known({leaf(10)});
  table.note_copy(look(300, {leaf(10)}));
  EXPECT_EQ(table.judge(look(400, {leaf(10)})).kind, Kind::none);
  EXPECT_TRUE(table.note_row_of(11, 60)) << "a number that has come round";
}

TEST(PartitionChange, ARowThatTheCopyHasPassedSaysNothing) {
  auto table = known({leaf(10), leaf(11)});
  auto snapshot = look(300, {leaf(10)});
  snapshot.xids_in_progress = {61};
  table.note_copy(snapshot);
  EXPECT_FALSE(table.note_row_of(11, 60)) << "dropped before the snapshot";
  EXPECT_EQ(table.judge(look(400, {leaf(10)})).kind, Kind::none);
  EXPECT_TRUE(table.note_row_of(12, 61));
  EXPECT_EQ(table.judge(look(500, {leaf(10)})).kind, Kind::copy_again);
}

TEST(PartitionChange, PartitionsOutsideTheWalAreRefused) {
  auto foreign = leaf(11);
  foreign.relkind = 'f';
  auto unlogged = leaf(12);
  unlogged.persistence = 'u';
  EXPECT_EQ(known({}).judge(look(200, {foreign})).kind, Kind::refused);
  EXPECT_EQ(known({}).judge(look(200, {unlogged})).kind, Kind::refused);
}

TEST(PartitionChange, AfterAnOlderCheckpointTheFirstLookIsBelieved) {
  PartitionedTable table(NeededIdentity(), std::nullopt, DroppedPartitions::copy_again);
  EXPECT_EQ(table.judge(look(200, {attached(10, 70)})).kind, Kind::none);
  EXPECT_EQ(table.judge(look(300, {})).kind, Kind::copy_again);
}

TEST(PartitionTree, IsKeptBehindTheColumns) {
  auto tree = look(0x100, {leaf(10), with_file(attached(11, 4'000'000'000), 77, 5)});
  tree.partitions[1].name = {"a.b c", "partitions 0/1\npartition 5 5 5 1 a.b"};
  std::string const columns = "1:id\n2:what\n";
  std::string const text = with_partitions(columns, tree);
  EXPECT_EQ(columns_part(text), columns);
  EXPECT_EQ(columns_part(columns), columns);
  EXPECT_FALSE(partitions_of(columns));
  auto const read = partitions_of(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->lsn, Lsn{0x100});
  ASSERT_EQ(read->partitions.size(), 2U);
  EXPECT_EQ(read->partitions[1].oid, 11U);
  EXPECT_EQ(read->partitions[1].filenode, 77U);
  EXPECT_EQ(read->partitions[1].attached_xid, 4'000'000'000U);
  EXPECT_EQ(read->partitions[1].name.namespace_name, "a.b c");
  EXPECT_EQ(with_partitions(text, *read), text);
}

TEST(PartitionTree, TransactionNumbersComeRound) {
  PartitionTree tree;
  tree.next_xid = 10;
  tree.xids_in_progress = {5};
  EXPECT_TRUE(tree.has_ended(9));
  EXPECT_TRUE(tree.has_ended(4'294'967'290U));
  EXPECT_FALSE(tree.has_ended(5));
  EXPECT_FALSE(tree.has_ended(10));
}

TEST(PartitionChange, AnIdentityThatDoesNotTellTheRowIsRefused) {
  PartitionedTable table({false, {"id"}, true}, look(100, {leaf(10)}),
                         DroppedPartitions::copy_again);
  Partition by_other = leaf(11, 70);
  by_other.identity = ReplicaIdentity::index;
  by_other.identity_columns = {"what"};
  auto const change = table.judge(look(200, {by_other}));
  EXPECT_EQ(change.kind, Kind::refused);
  EXPECT_EQ(change.code, ErrorCode::replica_identity_missing);
  EXPECT_TRUE(change.advice.starts_with(
      R"(Run: ALTER TABLE "public"."p11" REPLICA IDENTITY DEFAULT; Then drop)"));
}

} // namespace
} // namespace walrock
