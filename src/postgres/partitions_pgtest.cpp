#include "postgres/partitions.h"

#include <gtest/gtest.h>

#include "postgres/catalog.h"
#include "postgres/pg_server_for_tests.h"

namespace walrock {
namespace {

// A table "root" of its own schema, and one look at it.
class Partitions : public testing::Test {
protected:
  Partitions() {
    (void)run("DROP SCHEMA IF EXISTS part CASCADE; CREATE SCHEMA part; SET search_path = part;"
              "CREATE TABLE root (id int NOT NULL PRIMARY KEY, what text) PARTITION BY RANGE (id);"
              "CREATE TABLE one PARTITION OF root FOR VALUES FROM (0) TO (10)");
  }
  std::vector<QueryResult> run(std::string const& sql) {
    std::vector<QueryResult> out;
    // Each statement in a transaction of its own, unless the text says otherwise.
    for (std::size_t from = 0; from < sql.size();) {
      std::size_t const end = std::min(sql.find(';', from), sql.size());
      out.push_back(connection_.query(sql.substr(from, end - from)));
      from = end + 1;
    }
    return out;
  }
  PartitionTree tree() {
    RelationId const id = describe_table(connection_, {"part", "root"})->id;
    return read_partitions(connection_, std::span(&id, 1)).at(id);
  }
  Partition partition(std::string const& name) {
    for (Partition const& found : tree().partitions)
      if (found.name == TableName{"part", name})
        return found;
    return {};
  }

  Connection connection_ = PgServer::shared().sql();
};

TEST_F(Partitions, AnEmptyTreeForWhatIsNotPartitionedOrGone) {
  (void)run("CREATE TABLE part.plain (a int)");
  RelationId const ids[] = {describe_table(connection_, {"part", "plain"})->id, {4'000'000'000}};
  auto const trees = read_partitions(connection_, ids);
  ASSERT_EQ(trees.size(), 2U);
  EXPECT_TRUE(trees.at(ids[0]).partitions.empty());
  EXPECT_FALSE(trees.at(ids[1]).lsn.is_set());
}

// It has the same file, and may have other rows: what a copy under that snapshot has is from
// before.
TEST_F(Partitions, ASnapshotSeesOneAsItWasBeforeItWasAttachedAgain) {
  Connection keeper = PgServer::shared().sql();
  (void)keeper.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  std::string const snapshot = keeper.query("SELECT pg_export_snapshot()").text(0, 0);
  Partition const before = partition("one");
  (void)run("ALTER TABLE part.root DETACH PARTITION part.one;"
            "ALTER TABLE part.root ATTACH PARTITION part.one FOR VALUES FROM (0) TO (10)");
  RelationId const root = describe_table(connection_, {"part", "root"})->id;
  PartitionTree const then = read_partitions_then(connection_, root, snapshot);
  ASSERT_EQ(then.partitions.size(), 1U);
  EXPECT_EQ(then.partitions[0].attached_xid, before.attached_xid);
  EXPECT_NE(partition("one").attached_xid, before.attached_xid);
  EXPECT_EQ(partition("one").filenode, before.filenode);
  EXPECT_TRUE(then.has_ended(before.attached_xid));
  EXPECT_FALSE(then.has_ended(partition("one").attached_xid));
}

TEST_F(Partitions, OfATreeEveryPartIsListedWithItsParent) {
  (void)run(
      "CREATE TABLE part.two PARTITION OF part.root FOR VALUES FROM (10) TO (20) PARTITION BY "
      "HASH (id);"
      "CREATE UNLOGGED TABLE part.deep PARTITION OF part.two FOR VALUES WITH (MODULUS 1, "
      "REMAINDER 0)");
  auto const seen = tree();
  ASSERT_EQ(seen.partitions.size(), 3U);
  EXPECT_EQ(partition("two").relkind, 'p');
  EXPECT_EQ(partition("two").filenode, 0U);
  EXPECT_EQ(partition("deep").parent, partition("two").oid);
  EXPECT_EQ(partition("deep").persistence, 'u');
  EXPECT_EQ(seen.find(partition("one").oid)->name.table_name, "one");
}

TEST_F(Partitions, EachHasAReplicaIdentityOfItsOwn) {
  (void)run("CREATE TABLE part.two PARTITION OF part.root FOR VALUES FROM (10) TO (20);"
            "ALTER TABLE part.two ALTER what SET NOT NULL;"
            "CREATE UNIQUE INDEX two_other ON part.two (what, id) INCLUDE (what);"
            "ALTER TABLE part.two REPLICA IDENTITY USING INDEX two_other;"
            "CREATE TABLE part.three PARTITION OF part.root FOR VALUES FROM (20) TO (30);"
            "ALTER TABLE part.three REPLICA IDENTITY FULL;"
            "ALTER TABLE part.root REPLICA IDENTITY NOTHING");
  using Names = std::vector<std::string>;
  ASSERT_EQ(tree().partitions.size(), 3U);
  EXPECT_EQ(partition("one").identity, ReplicaIdentity::default_);
  EXPECT_EQ(partition("one").identity_columns, Names{"id"});
  EXPECT_EQ(partition("two").identity, ReplicaIdentity::index);
  EXPECT_EQ(partition("two").identity_columns, (Names{"what", "id"}));
  EXPECT_EQ(partition("three").identity, ReplicaIdentity::full);
  EXPECT_EQ(partition("three").identity_columns, Names{});
}

TEST_F(Partitions, ADeferrableKeyAndADroppedIndexAreNoIdentity) {
  (void)run("CREATE TABLE part.late (id int, PRIMARY KEY (id) DEFERRABLE) PARTITION BY LIST (id);"
            "CREATE TABLE part.late_1 PARTITION OF part.late FOR VALUES IN (1);"
            "CREATE TABLE part.late_2 PARTITION OF part.late FOR VALUES IN (2);"
            "CREATE UNIQUE INDEX late_2_id ON part.late_2 (id);"
            "ALTER TABLE part.late_2 REPLICA IDENTITY USING INDEX late_2_id;"
            "DROP INDEX part.late_2_id");
  RelationId const id = describe_table(connection_, {"part", "late"})->id;
  PartitionTree const late = read_partitions(connection_, std::span(&id, 1)).at(id);
  ASSERT_EQ(late.partitions.size(), 2U);
  for (Partition const& leaf : late.partitions)
    EXPECT_TRUE(leaf.identity_columns.empty()) << to_string(leaf.name);
}

TEST_F(Partitions, AFirstFileHasTheOidForAName) {
  EXPECT_EQ(partition("one").filenode, partition("one").oid);
  (void)run("TRUNCATE part.one");
  EXPECT_NE(partition("one").filenode, partition("one").oid);
}

TEST_F(Partitions, MadeAsAPartitionIsToldFromAttached) {
  EXPECT_TRUE(partition("one").is_created_attached);
  (void)run("BEGIN;CREATE TABLE part.two (id int NOT NULL PRIMARY KEY, what text);"
            "ALTER TABLE part.root ATTACH PARTITION part.two FOR VALUES FROM (10) TO (20);COMMIT");
  EXPECT_FALSE(partition("two").is_created_attached);
  (void)run("ALTER TABLE part.root DETACH PARTITION part.one;"
            "ALTER TABLE part.root ATTACH PARTITION part.one FOR VALUES FROM (0) TO (10)");
  EXPECT_FALSE(partition("one").is_created_attached);
}

TEST_F(Partitions, OfOneColumnToo) {
  (void)run("CREATE TABLE part.narrow (id int PRIMARY KEY) PARTITION BY RANGE (id);"
            "CREATE TABLE part.made PARTITION OF part.narrow FOR VALUES FROM (0) TO (10);"
            "CREATE TABLE part.attached (id int PRIMARY KEY);"
            "ALTER TABLE part.narrow ATTACH PARTITION part.attached FOR VALUES FROM (10) TO (20)");
  RelationId const id = describe_table(connection_, {"part", "narrow"})->id;
  auto const trees = read_partitions(connection_, std::span(&id, 1));
  for (Partition const& found : trees.at(id).partitions)
    EXPECT_EQ(found.is_created_attached, found.name.table_name == "made");
}

TEST_F(Partitions, AttachingIsNamedByItsTransaction) {
  auto const before = partition("one").attached_xid;
  (void)run("ALTER TABLE part.root DETACH PARTITION part.one;"
            "ALTER TABLE part.root ATTACH PARTITION part.one FOR VALUES FROM (0) TO (10)");
  EXPECT_NE(partition("one").attached_xid, before);
}

TEST_F(Partitions, TruncateOfTheRootChangesEveryLeafInItsTransaction) {
  (void)run("CREATE TABLE part.two PARTITION OF part.root FOR VALUES FROM (10) TO (20)");
  auto const results = run("BEGIN;TRUNCATE part.root;SELECT txid_current();COMMIT");
  auto const xid = static_cast<std::uint32_t>(results[2].number(0, 0));
  EXPECT_EQ(partition("one").changed_xid, xid);
  EXPECT_EQ(partition("two").changed_xid, xid);
  auto const seen = tree();
  EXPECT_TRUE(seen.has_ended(xid));
  EXPECT_FALSE(seen.has_ended(seen.next_xid));
}

TEST_F(Partitions, WhatIsInProgressHasNotEnded) {
  Connection other = PgServer::shared().sql();
  (void)other.query("BEGIN");
  auto const xid = static_cast<std::uint32_t>(other.query("SELECT txid_current()").number(0, 0));
  EXPECT_FALSE(tree().has_ended(xid));
  (void)other.query("ROLLBACK");
  EXPECT_TRUE(tree().has_ended(xid));
}

TEST_F(Partitions, AFileIsMeasured) {
  EXPECT_TRUE(is_file_empty(connection_, partition("one").oid));
  (void)run("INSERT INTO part.root VALUES (1, 'a')");
  EXPECT_FALSE(is_file_empty(connection_, partition("one").oid));
  EXPECT_FALSE(is_file_empty(connection_, 4'000'000'000));
}

} // namespace
} // namespace walrock
