#include "schema/made_anew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/target_design.h"
#include "schema/type_map.h"

namespace walrock {
namespace {

using testing::HasSubstr;

constexpr Oid kFile = 5000;

class MadeAnew : public testing::Test {
protected:
  MadeAnew() {
    now.id = {1234};
    now.name = {"public", "t"};
    now.filenode = kFile;
    add("id", 20);
    add("name", 1043, 54);
    add("price", 1700, (10 << 16 | 2) + 4);
    now.primary_key = now.identity_columns = {"id"};
    before = now.shape();
    target = target_table_for(now, {"demo", "t"}, {});
  }

  void add(std::string name, Oid type, std::int32_t typmod = -1) {
    SourceColumn column = describe_column({std::move(name), type, typmod, false});
    column.attnum = ++attnum;
    column.changed_xid = 700;
    now.columns.push_back(std::move(column));
  }
  std::string rows_differ() { return rows_differ_because(before, now); }
  std::string unseen() { return change_unseen(before, now, target, {}); }

  int attnum = 0;
  SourceTable now;
  SourceShape before;
  TargetTable target;
};

TEST_F(MadeAnew, NothingHappened) {
  EXPECT_EQ(rows_differ(), "");
  EXPECT_EQ(unseen(), "");
}

TEST_F(MadeAnew, ARenamedColumn) {
  now.columns[1].name = "title";
  EXPECT_EQ(rows_differ(), "column name was renamed to title");
  EXPECT_EQ(unseen(), "table public.t: column name was renamed to title");
  now.columns[1].is_sent = false;
  EXPECT_EQ(rows_differ(), "") << "it does not arrive";
}

TEST_F(MadeAnew, AColumnThatWasDroppedAndAddedAgain) {
  now.columns.erase(now.columns.begin() + 1);
  EXPECT_EQ(rows_differ(), "") << "the target keeps a dropped column";
  add("name", 1043, 54);
  EXPECT_EQ(rows_differ(), "column name was dropped and added again");
}

TEST_F(MadeAnew, ARewriteThatChangedAColumn) {
  now.filenode = kFile + 1;
  EXPECT_EQ(unseen(), "") << "TRUNCATE, VACUUM FULL, CLUSTER";
  now.columns[2].changed_xid = 800;
  EXPECT_EQ(unseen(), "table public.t: an ALTER TABLE has rewritten its rows");
  now.filenode = kFile;
  EXPECT_EQ(unseen(), "") << "SET STATISTICS, a default";
}

TEST_F(MadeAnew, ATypeThatTheTargetCannotFollow) {
  now.columns[0].type_oid = now.columns[0].wire_type_oid = 23;
  EXPECT_THAT(unseen(), HasSubstr("column id changed its type"));
}

TEST_F(MadeAnew, ATypeThatIsOnlyWider) {
  now.columns[1].typmod = now.columns[1].wire_typmod = 50;
  EXPECT_THAT(unseen(), HasSubstr("column name changed its type")) << "it was cut";
  before.columns[1].typmod = 30;
  EXPECT_EQ(unseen(), "");
}

TEST_F(MadeAnew, AnEarlierCheckpointKnowsTheNamesAlone) {
  before.filenode = 0;
  for (ColumnShape& column : before.columns)
    column = {column.attnum, column.name, 0, -1, 0};
  now.columns[0].type_oid = now.columns[0].wire_type_oid = 23;
  now.columns[1].changed_xid = 900;
  EXPECT_EQ(unseen(), "") << "the first look is believed";
  now.columns[1].name = "title";
  EXPECT_THAT(unseen(), HasSubstr("renamed"));
}

TEST_F(MadeAnew, AnotherKindOfTableIsNotMade) {
  ASSERT_TRUE(design_anew(now, target, {}));
  EXPECT_EQ(design_anew(now, target, {})->shape, now.shape());
  now.primary_key.clear();
  now.identity_columns.clear();
  now.identity = ReplicaIdentity::full;
  EXPECT_FALSE(design_anew(now, target, {})) << "it has no key any more";
}

} // namespace
} // namespace walrock
