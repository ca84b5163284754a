#include "schema/relation_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/row_layout.h"
#include "schema/target_design.h"
#include "schema/type_map.h"

namespace walrock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum RelationChange::Kind;

constexpr Oid kFile = 5000;

SourceColumn column(std::string name, Oid oid, std::int32_t typmod = -1) {
  return describe_column({std::move(name), oid, typmod, false});
}

class RelationChangeTest : public testing::Test {
protected:
  RelationChangeTest() {
    source.id = {1234};
    source.name = {"public", "t"};
    source.columns = {column("id", 20), column("name", 1043, 54),
                      column("price", 1700, (10 << 16 | 2) + 4), column("at", 1114, 3)};
    source.primary_key = source.identity_columns = {"id"};
    source.filenode = kFile;
    before = relation_of(source);
    target = target_table_for(source, {"demo", "t"}, {});
  }

  RelationChange change(Oid filenode_before = kFile) {
    return diff(before, relation_of(source), source, target, filenode_before);
  }
  void expect_unsupported(std::string const& part) {
    RelationChange const found = change();
    EXPECT_EQ(found.kind, unsupported);
    EXPECT_THAT(found.reason, HasSubstr("table public.t: "));
    EXPECT_THAT(found.reason, HasSubstr(part));
  }

  SourceTable source;
  Relation before;
  TargetTable target;
};

TEST_F(RelationChangeTest, TheSameRelationAgainIsNothing) {
  EXPECT_EQ(change().kind, none);
}

TEST_F(RelationChangeTest, AddedColumnWithoutDefaultIsFollowed) {
  source.columns.push_back(column("email", 25));
  RelationChange const found = change();
  EXPECT_EQ(found.kind, followed);
  ASSERT_EQ(found.added.size(), 1u);
  EXPECT_EQ(found.added[0].name, "email");
  EXPECT_EQ(found.added[0].type, "VARCHAR(1048576)");
  EXPECT_TRUE(found.added[0].is_nullable);
  EXPECT_FALSE(found.added[0].default_text);
}

TEST_F(RelationChangeTest, ConstantDefaultsBecomeDefaultsOfTheTarget) {
  SourceColumn flag = column("flag", 16);
  flag.default_expression = "true";
  flag.missing_value = "t";
  flag.is_not_null = true;
  SourceColumn at = column("seen", 1184);
  at.default_expression = "'2026-01-01 00:00:00+00'::timestamptz";
  at.missing_value = "2026-01-01 00:00:00+00";
  source.columns.push_back(flag);
  source.columns.push_back(at);
  RelationChange const found = change();
  EXPECT_EQ(found.kind, followed);
  ASSERT_EQ(found.added.size(), 2u);
  EXPECT_EQ(found.added[0].default_text, "1");
  EXPECT_EQ(found.added[1].default_text, "2026-01-01 00:00:00");
}

TEST_F(RelationChangeTest, ADefaultThatTheTargetCannotHoldIsNoDefault) {
  SourceColumn until = column("until", 1082);
  until.default_expression = "'infinity'::date";
  until.missing_value = "infinity";
  source.columns.push_back(until);
  expect_unsupported("the default infinity, which no DATE holds");
}

TEST_F(RelationChangeTest, ADefaultSetLaterDoesNotReachOldRows) {
  source.columns.push_back(column("n", 23));
  source.columns.back().default_expression = "5";
  RelationChange const found = change();
  EXPECT_EQ(found.kind, followed);
  EXPECT_FALSE(found.added[0].default_text);
}

TEST_F(RelationChangeTest, RewrittenOldRowsAreUnknown) {
  source.columns.push_back(column("n", 23));
  source.columns.back().default_expression = "random()";
  source.filenode = kFile + 1;
  expect_unsupported("column n (integer) was added and its old rows were filled");
  EXPECT_EQ(change(0).kind, unsupported);
  source.columns.back().default_expression.reset();
  source.columns.back().is_not_null = true; // GENERATED AS IDENTITY
  expect_unsupported("filled");
  source.columns.back().is_not_null = false;
  EXPECT_EQ(change().kind, followed) << "VACUUM FULL";
  EXPECT_EQ(diff(before, relation_of(source), source, target, kFile, {}, true).kind, unsupported)
      << "the default may be gone by now";
  EXPECT_EQ(diff(before, relation_of(source), source, target, 0, {}, true).kind, followed)
      << "nobody knows of another file";
}

TEST_F(RelationChangeTest, DefaultsThatStarRocksDoesNotTakeAreUnsupported) {
  source.columns.push_back(column("j", 3802));
  source.columns.back().missing_value = "{}";
  expect_unsupported("StarRocks takes none for JSON");
}

TEST_F(RelationChangeTest, AColumnThatTheTargetHasIsNotAddedAgain) {
  source.columns.push_back(column("email", 25));
  target.columns.push_back({"email", "varchar(65533)", true, std::nullopt, ""});
  RelationChange const found = change();
  EXPECT_EQ(found.kind, none);
  EXPECT_THAT(found.added, IsEmpty());
  source.columns.back().missing_value = "x";
  expect_unsupported("old rows differ");
  target.columns.back().default_text = "x";
  EXPECT_EQ(change().kind, none);
  target.columns.back().type = "INT";
  expect_unsupported("the target has it as INT");
}

TEST_F(RelationChangeTest, DroppedValueColumnsAreNoLongerFilled) {
  source.columns.erase(source.columns.begin() + 1);
  RelationChange const found = change();
  EXPECT_EQ(found.kind, none);
  EXPECT_THAT(found.dropped, ElementsAre("name"));
  EXPECT_THAT(found.note, HasSubstr("name was dropped"));
  target.columns[1].is_nullable = false;
  expect_unsupported("takes neither NULL nor a default");
}

TEST_F(RelationChangeTest, ADroppedKeyIsUnsupported) {
  source.columns.erase(source.columns.begin());
  source.primary_key = source.identity_columns = {};
  EXPECT_EQ(change().kind, unsupported);
}

TEST_F(RelationChangeTest, RenamesAreUnsupported) {
  source.columns[1].name = "full_name";
  expect_unsupported(
      "column name (varchar(50)) was renamed to or replaced by full_name (varchar(50))");
  source.columns[1].name = "name";
  source.name.table_name = "u";
  expect_unsupported("it is now named public.u");
}

TEST_F(RelationChangeTest, DroppedAndAddedAgainShowsInTheOrder) {
  std::swap(source.columns[1], source.columns[3]);
  expect_unsupported("was dropped and added again");
}

TEST_F(RelationChangeTest, TypeChangesNameBothTypes) {
  source.columns[1] = column("name", 23);
  expect_unsupported(
      "column name changed its type from varchar(50) to integer (target VARCHAR(200))");
}

TEST_F(RelationChangeTest, WideningThatTheTargetHoldsIsNothing) {
  source.columns[2] = column("price", 1700, (8 << 16 | 2) + 4);
  before = relation_of(source);
  source.columns[2] = column("price", 1700, (10 << 16 | 2) + 4);
  source.columns[3] = column("at", 1114, 6);
  RelationChange const found = change();
  EXPECT_EQ(found.kind, none);
  EXPECT_THAT(found.note, HasSubstr("price changed its type from numeric(8,2) to numeric(10,2)"));
}

TEST_F(RelationChangeTest, LongerTextsAreANoteUntilTheyCannotFit) {
  source.columns[1] = column("name", 1043, 104);
  RelationChange const found = change();
  EXPECT_EQ(found.kind, none);
  EXPECT_THAT(found.note, HasSubstr("texts longer than 200 bytes"));
  source.columns[1] = column("name", 1043, 1004);
  expect_unsupported("from varchar(50) to varchar(1000), but the target is VARCHAR(200)");
  source.columns[1] = column("name", 25);
  EXPECT_EQ(change().kind, none);
}

TEST_F(RelationChangeTest, NarrowingAndWiderNumbersThanTheTargetAreUnsupported) {
  source.columns[1] = column("name", 1043, 14);
  expect_unsupported("to varchar(10)");
  source.columns[1] = column("name", 1043, 54);
  source.columns[2] = column("price", 1700, (12 << 16 | 2) + 4);
  expect_unsupported("but the target is DECIMAL(10,2)");
}

TEST_F(RelationChangeTest, AnotherKeyIsUnsupported) {
  source.primary_key = source.identity_columns = {"id", "name"};
  expect_unsupported("its key changed from (id) to (id, name)");
}

TEST_F(RelationChangeTest, FullIdentityKeepsTheKeyThatTheCatalogStillHas) {
  source.identity = ReplicaIdentity::full;
  EXPECT_EQ(change().kind, none);
  before = relation_of(source);
  source.identity = ReplicaIdentity::default_;
  EXPECT_EQ(change().kind, none);
  source.primary_key = source.identity_columns = {"name"};
  expect_unsupported("its key changed");
}

} // namespace
} // namespace walrock
