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

TEST(Published, ALayoutKeepsIt) {
  Published const published{{16400, 16500}, {1, 3}, {2, 4}, "(v <> E'a\\\\b\nc d')"};
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
