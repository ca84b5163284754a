#include "model/published.h"

#include <gtest/gtest.h>

#include "model/partition_tree.h"
#include "model/source_table.h"

namespace walrock {
namespace {

Published sent_whole() {
  return {{16400}, {1, 2, 3}, {}, ""};
}

TEST(Published, WhatStaysTheSameIsNoChange) {
  Published now = sent_whole();
  EXPECT_EQ(publication_change(sent_whole(), now), "");
  now.by.push_back(16500); // by another clause too
  EXPECT_EQ(publication_change(sent_whole(), now), "");
  now.sent = {1, 3, 4}; // a column was dropped, and one added
  now.unsent = {5};
  EXPECT_EQ(publication_change(sent_whole(), now), "");
}

TEST(Published, AnotherFilterIsNamedWithTheOneBefore) {
  Published now = sent_whole();
  now.filter = "(w > 10)";
  EXPECT_EQ(publication_change(sent_whole(), now),
            "the publication's row filter changed from none to (w > 10)");
}

TEST(Published, AColumnThatBeginsOrCeasesToArriveIsAChange) {
  Published listed = sent_whole();
  listed.sent = {1, 3};
  listed.unsent = {2};
  EXPECT_NE(publication_change(sent_whole(), listed), "");
  EXPECT_NE(publication_change(listed, sent_whole()), "");
  Published dropped = listed;
  dropped.unsent.clear(); // the column that did not arrive
  EXPECT_EQ(publication_change(listed, dropped), "");
}

TEST(Published, WhatWasTakenOutAndPutBackHasLostChanges) {
  Published now = sent_whole();
  now.by = {16401};
  EXPECT_NE(publication_change(sent_whole(), now), "");
}

TEST(Published, OperationsThatComeBackAreNamed) {
  Published fewer = sent_whole();
  fewer.state.operations = "it";
  EXPECT_EQ(publication_change(fewer, sent_whole()),
            "the publication sends update, delete again, which did not arrive before");
  EXPECT_EQ(publication_change(sent_whole(), fewer), "");
}

TEST(Published, WhatIsAlteredAndIsAsBeforeMayHaveSentLess) {
  Published before = sent_whole();
  before.state = {"iudt", 700, "10:f"};
  Published now = before;
  now.state.altered_xid = 750;
  EXPECT_NE(publication_change(before, now), "");
  now.state.others = "16384:f"; // it has another owner: that is what was altered
  EXPECT_EQ(publication_change(before, now), "");
  before.state.altered_xid = 0; // of a checkpoint that did not keep it
  now.state.others = before.state.others;
  EXPECT_EQ(publication_change(before, now), "");
}

TEST(Published, ALayoutKeepsIt) {
  Published const published{
      {16400, 16500}, {1, 3}, {2, 4}, "(v <> E'a\\\\b\nc d')", {"iu", 4'000'000'000, "10:f:s"}};
  std::string const columns = "1:id\n2:odd\npublished name\n3:w\n0:Asia/Tokyo\n";
  std::string const layout = with_published(columns, published);
  EXPECT_EQ(published_of(layout), published);
  EXPECT_EQ(with_published(layout, published), layout);
  Published const other = sent_whole();
  EXPECT_EQ(published_of(with_published(layout, other)), other);
}

TEST(Published, ItStandsBesidePartitions) {
  PartitionTree tree;
  tree.lsn = Lsn{0x100};
  tree.partitions.push_back({.oid = 5, .filenode = 5, .attached_xid = 7, .name = {"s", "leaf"}});
  std::string const layout = with_published(with_partitions("1:id\n", tree), sent_whole());
  EXPECT_EQ(published_of(layout), sent_whole());
  ASSERT_TRUE(partitions_of(layout));
  EXPECT_EQ(partitions_of(layout)->partitions.size(), 1U);
  EXPECT_EQ(published_of(with_partitions(layout, tree)), sent_whole());
}

TEST(Published, ALayoutFromBeforeOperationsWereKeptIsBelieved) {
  std::string const layout = "1:id\npublished 16400 1,2,3 - (w > 1)\n3:w\n";
  Published wanted = sent_whole();
  wanted.filter = "(w > 1)";
  EXPECT_EQ(published_of(layout), wanted);
  EXPECT_EQ(published_of(with_published(layout, sent_whole())), sent_whole());
}

TEST(Published, ALayoutFromBeforeItWasKeptHasNone) {
  EXPECT_EQ(published_of("1:id\n2:v\n0:Asia/Tokyo\n"), std::nullopt);
  EXPECT_EQ(published_of(""), std::nullopt);
}

TEST(Published, ATableThatNothingPublishesKeepsNoLine) {
  SourceTable table;
  table.columns.resize(2);
  table.columns[0].attnum = 1;
  table.columns[1].attnum = 2;
  table.columns[1].is_sent = false;
  EXPECT_EQ(published_of(table.layout()), std::nullopt);
  table.published_by = {16400};
  EXPECT_EQ(published_of(table.layout()), (Published{{16400}, {1}, {2}, ""}));
}

} // namespace
} // namespace walrock
