#include "schema/leaf_identity.h"

#include <gtest/gtest.h>

#include "schema/target_design.h"

namespace walrock {
namespace {

using Names = std::vector<std::string>;

Partition leaf(std::string const& name, ReplicaIdentity identity, Names columns = {}) {
  Partition out;
  out.name = {"public", name};
  out.identity = identity;
  out.identity_columns = std::move(columns);
  return out;
}

SourceTable root(ReplicaIdentity identity = ReplicaIdentity::default_,
                 Names const& primary_key = {"id", "day"}) {
  SourceTable out;
  out.name = {"public", "root"};
  out.relkind = 'p';
  out.identity = identity;
  out.primary_key = primary_key;
  if (identity == ReplicaIdentity::default_)
    out.identity_columns = primary_key;
  for (std::string const name : {"id", "day", "what"}) {
    SourceColumn column;
    column.name = name;
    column.type_oid = column.wire_type_oid = 23;
    column.type_name = "int4";
    column.type_namespace = "pg_catalog";
    column.is_not_null = true;
    out.columns.push_back(column);
  }
  return out;
}

NeededIdentity needed(SourceTable const& table, TableOptions const& options = {}) {
  return needed_identity(table, target_table_for(table, {"demo", "root"}, options), options);
}

std::optional<Advice> fault(NeededIdentity const& wanted, Partition const& partition) {
  return identity_fault(wanted, std::span(&partition, 1));
}

TEST(LeafIdentity, TheColumnsOfTheTargetsKeyAreNeeded) {
  NeededIdentity const wanted = needed(root());
  EXPECT_EQ(wanted.columns, (Names{"id", "day"}));
  EXPECT_FALSE(fault(wanted, leaf("a", ReplicaIdentity::default_, {"id", "day"})));
  EXPECT_FALSE(fault(wanted, leaf("a", ReplicaIdentity::index, {"what", "day", "id"})));
  EXPECT_FALSE(fault(wanted, leaf("a", ReplicaIdentity::full)));
  auto const found = fault(wanted, leaf("a", ReplicaIdentity::index, {"id"}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->message, "updates and deletes of its partition public.a do not carry (id, day): "
                            "what counts is the partition's own replica identity");
  EXPECT_EQ(found->sql, R"(ALTER TABLE "public"."a" REPLICA IDENTITY DEFAULT;)");
}

TEST(LeafIdentity, OfAKeyThatIsNotThePrimaryOneTheWholeRowIsAskedFor) {
  TableOptions options;
  options.unique_key = {"what"};
  SourceTable source = root(ReplicaIdentity::full);
  source.unique_indexes = {{"by_what", {"what"}, false}};
  auto const found =
      fault(needed(source, options), leaf("a", ReplicaIdentity::default_, {"id", "day"}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->sql, R"(ALTER TABLE "public"."a" REPLICA IDENTITY FULL;)");
}

TEST(LeafIdentity, WithoutAKeyTheWholeRowIsNeeded) {
  NeededIdentity const wanted = needed(root(ReplicaIdentity::full, {}));
  EXPECT_TRUE(wanted.is_whole);
  EXPECT_FALSE(fault(wanted, leaf("a", ReplicaIdentity::full)));
  EXPECT_TRUE(fault(wanted, leaf("a", ReplicaIdentity::default_, {"id", "day", "what"})));
}

TEST(LeafIdentity, WhatOnlyAppendsNeedsNothing) {
  TableOptions options;
  options.without_key = WithoutKey::append;
  EXPECT_FALSE(fault(needed(root(ReplicaIdentity::full, {}), options),
                     leaf("a", ReplicaIdentity::default_, {"id"})));
}

TEST(LeafIdentity, TheVersionsOfAHistoryAreAsWholeAsTheRootSays) {
  TableOptions options;
  options.history = true;
  Partition const keyed = leaf("a", ReplicaIdentity::default_, {"id", "day"});
  EXPECT_FALSE(fault(needed(root(), options), keyed));
  EXPECT_TRUE(fault(needed(root(ReplicaIdentity::full), options), keyed));
}

TEST(LeafIdentity, WithIdentityNothingPostgresqlRefusesWhatWouldNotArrive) {
  EXPECT_FALSE(fault(needed(root()), leaf("a", ReplicaIdentity::nothing)));
}

// As CREATE TABLE ... PARTITION OF makes one, until somebody says what its identity is.
TEST(LeafIdentity, WithoutAnyIdentityPostgresqlRefusesThemToo) {
  for (auto const identity : {ReplicaIdentity::default_, ReplicaIdentity::index}) {
    EXPECT_FALSE(fault(needed(root()), leaf("a", identity)));
    EXPECT_FALSE(fault(needed(root(ReplicaIdentity::full, {})), leaf("a", identity)));
  }
  SourceTable table = root(ReplicaIdentity::full, {});
  table.partitions = {leaf("b", ReplicaIdentity::default_)};
  EXPECT_FALSE(is_publishable(table));
  table.published_by = {16400};
  EXPECT_TRUE(is_publishable(table)) << "its updates are refused already";
}

TEST(LeafIdentity, AsTheStreamDescribesALeafItsOwnKeyCounts) {
  Relation relation;
  relation.identity = ReplicaIdentity::default_;
  relation.columns.resize(2);
  relation.columns[0].name = "id";
  relation.columns[1].name = "what";
  NeededIdentity const whole = needed(root(ReplicaIdentity::full, {}));
  EXPECT_FALSE(fault(whole, partition_of(relation, whole)));
  relation.columns[0].is_key = true;
  EXPECT_TRUE(fault(whole, partition_of(relation, whole)));
  NeededIdentity const keyed = needed(root(ReplicaIdentity::default_, {"id"}));
  EXPECT_FALSE(fault(keyed, partition_of(relation, keyed)));
  relation.columns[0].is_key = false;
  relation.columns[1].is_key = true;
  EXPECT_TRUE(fault(keyed, partition_of(relation, keyed)));
}

TEST(LeafIdentity, ManyPartitionsAreCountedAndTheFirstAreCured) {
  std::vector<Partition> leaves(30, leaf("a", ReplicaIdentity::index, {"id"}));
  leaves.front().relkind = 'p'; // has no rows of its own
  auto const found = identity_fault(needed(root()), leaves);
  ASSERT_TRUE(found);
  EXPECT_NE(found->message.find("public.a and 28 more do not"), std::string::npos);
  EXPECT_TRUE(found->sql.ends_with("; and so on"));
}

TEST(LeafIdentity, ALeafWithoutAnyKeepsItsRootFromBeingPublished) {
  SourceTable table = root(ReplicaIdentity::full, {});
  table.partitions = {leaf("a", ReplicaIdentity::full), leaf("b", ReplicaIdentity::default_)};
  EXPECT_FALSE(is_publishable(table));
  Advice const advice = unpublishable_advice(table);
  EXPECT_NE(advice.message.find("in its partition public.b,"), std::string::npos);
  EXPECT_EQ(advice.sql, R"(ALTER TABLE "public"."b" REPLICA IDENTITY FULL;)");
  table.identity = ReplicaIdentity::nothing;
  EXPECT_TRUE(is_publishable(table));
}

} // namespace
} // namespace walrock
