// Target tables: their design, their SQL, how they are compared and how rows are laid out for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "schema/compare.h"
#include "schema/ddl.h"
#include "schema/made_columns.h"
#include "schema/row_layout.h"
#include "schema/target_design.h"
#include "schema/type_map.h"

namespace walrock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SourceColumn column(std::string name, Oid oid, std::int32_t typmod = -1, bool is_not_null = false) {
  SourceColumn out = describe_column({std::move(name), oid, typmod, false});
  out.is_not_null = is_not_null;
  return out;
}

// note | id bigint primary key | name varchar(50) | price numeric(10,2)
SourceTable orders() {
  SourceTable table;
  table.id = {1234};
  table.name = {"public", "orders"};
  table.columns = {column("note", 25), column("id", 20, -1, true), column("name", 1043, 54),
                   column("price", 1700, (10 << 16 | 2) + 4)};
  int attnum = 0;
  for (SourceColumn& c : table.columns)
    c.attnum = ++attnum;
  table.primary_key = table.identity_columns = {"id"};
  return table;
}

SourceTable keyless() {
  SourceTable table = orders();
  table.primary_key.clear();
  table.identity_columns.clear();
  return table;
}

TargetName const kName{"demo", "orders"};
TargetTable design(SourceTable const& source, TableOptions const& options = {}) {
  return target_table_for(source, kName, options);
}
std::vector<std::string> names(TargetTable const& table) {
  std::vector<std::string> out;
  for (TargetColumn const& c : table.columns)
    out.push_back(c.name + " " + c.type + (c.is_nullable ? "" : " NOT NULL"));
  return out;
}
ErrorCode code_of(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(Design, KeyColumnsComeFirstAndValueColumnsAreNullable) {
  TargetTable const table = design(orders());
  EXPECT_EQ(table.model, TableModel::primary);
  EXPECT_THAT(table.key, ElementsAre("id"));
  EXPECT_THAT(names(table), ElementsAre("id BIGINT NOT NULL", "note VARCHAR(1048576)",
                                        "name VARCHAR(200)", "price DECIMAL(10,2)"));
}

TEST(Design, ColumnsThatWalrockFillsStandBehindTheOthers) {
  TableOptions options;
  options.deletes = Deletes::soft;
  options.metadata_columns = {MadeColumn::xid, MadeColumn::lsn};
  EXPECT_THAT(names(design(orders(), options)),
              ElementsAre("id BIGINT NOT NULL", "note VARCHAR(1048576)", "name VARCHAR(200)",
                          "price DECIMAL(10,2)", "_walrock_lsn BIGINT", "_walrock_xid BIGINT",
                          "_walrock_deleted BOOLEAN", "_walrock_deleted_at DATETIME"));
  SourceTable source = orders();
  source.columns[0].name = "_walrock_xid";
  EXPECT_EQ(code_of([&] { (void)design(source, options); }), ErrorCode::target_table_mismatch);
}

TEST(Design, AHistoryOnlyAppends) {
  TableOptions options;
  options.history = true;
  TargetTable const table = design(orders(), options);
  EXPECT_EQ(table.model, TableModel::duplicate);
  EXPECT_EQ(table.columns[0].name, "id");
  EXPECT_TRUE(table.columns[0].is_nullable);
  for (char const* const name :
       {"_walrock_lsn", "_walrock_index", "_walrock_commit_time", "_walrock_operation"})
    EXPECT_NE(table.column(name), nullptr) << name;
  EXPECT_THAT(version_sentences(orders(), table, options),
              ElementsAre(HasSubstr("(note)"))); // the others are short
  SourceTable full = orders();
  full.identity = ReplicaIdentity::full;
  EXPECT_THAT(version_sentences(full, table, options), IsEmpty());
}

TEST(Design, ARowFilterWantsTheLargeValuesInTheIdentity) {
  SourceTable source = orders();
  TargetTable const table = design(source);
  EXPECT_THAT(version_sentences(source, table, {}), IsEmpty());
  source.row_filter = "(id > 3)";
  EXPECT_THAT(version_sentences(source, table, {}),
              ElementsAre(AllOf(HasSubstr("row filter"), HasSubstr("(note)"),
                                HasSubstr("copied again"), HasSubstr("REPLICA IDENTITY FULL"))));
  source.identity_columns.push_back("note");
  EXPECT_THAT(version_sentences(source, table, {}), IsEmpty());
  source.identity_columns.clear();
  source.identity = ReplicaIdentity::full;
  EXPECT_THAT(version_sentences(source, table, {}), IsEmpty());
}

TEST(Design, KeyOrderIsThatOfThePrimaryKey) {
  SourceTable source = orders();
  source.primary_key = {"name", "id"};
  source.identity_columns = {"id", "name"};
  EXPECT_THAT(design(source).key, ElementsAre("name", "id"));
  EXPECT_EQ(design(source).columns[0].name, "name");
}

TEST(Design, GeneratedColumnsAreNotCopied) {
  SourceTable source = orders();
  source.columns[0].generated = 's';
  source.columns[0].is_sent = false;
  EXPECT_EQ(design(source).column("note"), nullptr);
  EXPECT_EQ(relation_of(source).columns.size(), 3u);
}

TEST(Design, WithoutAKeyRowsAreAppendedWithTheirOrigin) {
  TargetTable const table = design(keyless());
  EXPECT_EQ(table.model, TableModel::duplicate);
  EXPECT_THAT(table.key, ElementsAre("note"));
  EXPECT_THAT(names(table), ElementsAre("note VARCHAR(1048576)", "id BIGINT", "name VARCHAR(200)",
                                        "price DECIMAL(10,2)", "_walrock_lsn BIGINT NOT NULL",
                                        "_walrock_index BIGINT NOT NULL"));
}

SourceTable keyless_full() {
  SourceTable source = keyless();
  source.identity = ReplicaIdentity::full;
  return source;
}

TEST(Design, WithoutAKeyButWithWholeOldRowsTheyStandUnderTheirHash) {
  TargetTable const table = design(keyless_full());
  EXPECT_EQ(table.model, TableModel::primary);
  EXPECT_TRUE(table.is_hashed());
  EXPECT_THAT(table.key, ElementsAre("_walrock_hash", "_walrock_lsn", "_walrock_index"));
  EXPECT_THAT(names(table),
              ElementsAre("_walrock_hash LARGEINT NOT NULL", "_walrock_lsn BIGINT NOT NULL",
                          "_walrock_index BIGINT NOT NULL", "note VARCHAR(1048576)", "id BIGINT",
                          "name VARCHAR(200)", "price DECIMAL(10,2)"));
  EXPECT_THAT(create_table_sql(table), HasSubstr("DISTRIBUTED BY HASH (`_walrock_hash`)"));
  EXPECT_THAT(key_advice(keyless_full())->message, HasSubstr("by all its values"));
  TablePlan const plan = plan_for(relation_of(keyless_full()), keyless_full(), table);
  EXPECT_EQ(plan.key_count, 3);
  EXPECT_EQ(plan.columns[0].made, MadeColumn::row_hash);
  EXPECT_EQ(plan.columns[2].made, MadeColumn::index);
  EXPECT_TRUE(plan.columns[2].is_key);
  EXPECT_EQ(plan.columns[3].source_index, 0);
}

TEST(Design, ADeferrableKeyWithWholeOldRowsIsNoKey) {
  SourceTable source = orders();
  source.has_deferrable_key = true;
  source.identity = ReplicaIdentity::full;
  source.identity_columns = {};
  EXPECT_TRUE(design(source).is_hashed());
}

TEST(Design, RowsMayBeAppendedInstead) {
  TableOptions options;
  options.without_key = WithoutKey::append;
  EXPECT_EQ(design(keyless_full(), options).model, TableModel::duplicate);
  EXPECT_THAT(key_advice(keyless_full(), options)->message, HasSubstr("set the table aside"));
}

TEST(Design, ATargetThatIsThereKeepsItsForm) {
  TableOptions append;
  append.without_key = WithoutKey::append;
  TargetTable const hashed = design(keyless_full());
  TargetTable const appended = design(keyless_full(), append);
  EXPECT_EQ(target_table_beside(keyless_full(), appended, {}).model, TableModel::duplicate);
  EXPECT_TRUE(target_table_beside(keyless_full(), hashed, append).is_hashed());
  EXPECT_TRUE(columns_lacking(keyless_full(), appended, {}).empty());
  SourceTable with_key = orders();
  with_key.identity = ReplicaIdentity::full;
  EXPECT_TRUE(target_table_beside(with_key, hashed, {}).is_hashed()) << "it got one since";
  EXPECT_TRUE(compare(keyless_full(), hashed, hashed).empty());
  TargetTable turned = hashed;
  std::swap(turned.key[0], turned.key[1]);
  EXPECT_EQ(compare(keyless_full(), hashed, turned).size(), 1u);
}

TEST(Design, WhatNeedsAKeyIsRefusedWithoutOne) {
  TableOptions options;
  options.partition_by = "date_trunc('day', note)";
  EXPECT_EQ(code_of([&] { (void)design(keyless_full(), options); }), ErrorCode::job_file_invalid);
  options.without_key = WithoutKey::append;
  EXPECT_EQ(design(keyless_full(), options).model, TableModel::duplicate);
  options = {};
  options.deletes = Deletes::soft;
  EXPECT_EQ(code_of([&] { (void)design(keyless_full(), options); }), ErrorCode::job_file_invalid);
  SourceTable source = keyless_full();
  source.columns[0].name = "_walrock_hash";
  EXPECT_EQ(code_of([&] { (void)design(source); }), ErrorCode::target_table_mismatch);
}

TEST(Design, ColumnsOfOriginAreNoneOfTheSource) {
  TargetTable const wanted = design(keyless());
  TargetTable existing = wanted;
  EXPECT_TRUE(made_columns_lacking(wanted, existing).empty());
  existing.columns.resize(existing.columns.size() - 3); // price as well
  auto const lacking = columns_lacking(keyless(), existing, {});
  ASSERT_EQ(lacking.size(), 1U);
  EXPECT_EQ(lacking[0].name, "price");
  auto const origin = made_columns_lacking(wanted, existing);
  ASSERT_EQ(origin.size(), 2U);
  EXPECT_EQ(origin[0].name, "_walrock_lsn");
  EXPECT_TRUE(origin[0].is_nullable && origin[1].is_nullable) << "rows may be there";
}

TEST(Design, TheDuplicateKeyIsOfTypesThatSort) {
  SourceTable source = keyless();
  source.columns = {column("j", 3802), column("f", 701), column("a", 23),
                    column("b", 23),   column("c", 25),  column("d", 23)};
  TargetTable table = design(source);
  EXPECT_THAT(table.key, ElementsAre("a"));
  EXPECT_EQ(table.columns[0].name, "a");
  source.columns.erase(source.columns.begin(), source.columns.begin() + 2);
  EXPECT_THAT(design(source).key, ElementsAre("a", "b", "c"));
  source.columns = {column("j", 3802)};
  table = design(source);
  EXPECT_THAT(table.key, ElementsAre("_walrock_lsn", "_walrock_index"));
  EXPECT_EQ(table.columns[0].name, "_walrock_lsn");
}

std::string refusal_of(SourceTable const& source, TableOptions const& options) {
  try {
    (void)key_of(source, options);
    return "";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::job_file_invalid);
    EXPECT_THAT(std::string(error.advice()), HasSubstr("CREATE UNIQUE INDEX"));
    return error.what();
  }
}

TEST(Key, UniqueKeyMustLieWithinTheReplicaIdentity) {
  SourceTable source = orders();
  source.columns[2].is_not_null = true;
  TableOptions options;
  options.unique_key = {"name"};
  try {
    (void)key_of(source, options);
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::replica_identity_missing);
    EXPECT_THAT(std::string(error.advice()),
                HasSubstr(R"(ALTER TABLE "public"."orders" REPLICA IDENTITY FULL;)"));
  }
  source.identity = ReplicaIdentity::full;
  source.unique_indexes = {{"by_name", {"name"}, false}};
  EXPECT_THAT(key_of(source, options), ElementsAre("name"));
  options.unique_key = {"id"};
  EXPECT_THAT(key_of(orders(), options), ElementsAre("id"));
}

TEST(Key, UniqueKeyMustContainAUniqueIndex) {
  SourceTable source = orders();
  source.columns[2].is_not_null = true;
  source.identity = ReplicaIdentity::full;
  TableOptions options;
  options.unique_key = {"name", "id"};
  EXPECT_THAT(key_of(source, options), ElementsAre("name", "id")) << "the primary key is within";
  options.unique_key = {"name"};
  EXPECT_THAT(refusal_of(source, options), HasSubstr("of two rows with one key"));
  source.unique_indexes = {{"wider", {"name", "id"}, false}};
  EXPECT_THAT(refusal_of(source, options), HasSubstr("of two rows with one key"));
  source.unique_indexes.push_back({"by_name", {"name"}, false});
  EXPECT_EQ(refusal_of(source, options), "");
}

// Who asks for advice goes on with other tables; the design says what is wrong.
TEST(Key, ThereIsNoAdviceForAUniqueKeyThatIsRefused) {
  SourceTable source = orders();
  source.identity = ReplicaIdentity::full;
  TableOptions options;
  options.unique_key = {"nope"};
  EXPECT_FALSE(key_advice(source, options));
}

TEST(Key, ADeferrableUniqueIndexMakesNoUniqueKey) {
  SourceTable source = orders();
  source.columns[2].is_not_null = true;
  source.identity = ReplicaIdentity::full;
  source.unique_indexes = {{"by_name", {"name"}, true}};
  TableOptions options;
  options.unique_key = {"name"};
  EXPECT_THAT(refusal_of(source, options), HasSubstr("by a deferrable constraint only (by_name)"));
  source.unique_indexes.push_back({"at_once", {"name"}, false});
  EXPECT_EQ(refusal_of(source, options), "");
  source.unique_indexes = {{"orders_pkey", {"id"}, true}};
  source.has_deferrable_key = true;
  options.unique_key = {"id", "name"};
  EXPECT_THAT(refusal_of(source, options), HasSubstr("orders_pkey")) << "nor does what contains it";
  source.identity = ReplicaIdentity::index;
  source.identity_columns = {"name"};
  EXPECT_EQ(code_of([&] { (void)key_of(source, options); }), ErrorCode::replica_identity_missing);
  source.identity_columns = {"name", "id"};
  EXPECT_EQ(refusal_of(source, options), "") << "an identity is never deferrable";
}

TEST(Key, UniqueKeyThatMakesNoSenseIsRefused) {
  TableOptions options;
  for (std::vector<std::string> const& key :
       {std::vector<std::string>{"nope"}, {"name"}, {"id", "id"}}) {
    options.unique_key = key;
    EXPECT_EQ(code_of([&] { (void)key_of(orders(), options); }), ErrorCode::job_file_invalid);
  }
}

TEST(Key, ADeferrableOneIsNone) {
  SourceTable source = orders();
  source.has_deferrable_key = true;
  source.columns[2].is_not_null = true;
  source.identity = ReplicaIdentity::index;
  source.identity_columns = {"id", "name"};
  EXPECT_THAT(key_of(source, {}), ElementsAre("id", "name"));
  source.identity = ReplicaIdentity::full;
  EXPECT_THAT(key_of(source, {}), IsEmpty());
  TableOptions options;
  options.unique_key = {"id"};
  EXPECT_EQ(code_of([&] { (void)key_of(source, options); }), ErrorCode::job_file_invalid);
  source.identity = ReplicaIdentity::nothing;
  EXPECT_THAT(key_of(source, {}), ElementsAre("id")) << "no row of it ever changes";
}

TEST(Key, ComesFromTheIdentityIndexWhenThePrimaryKeyIsNotSent) {
  SourceTable source = orders();
  source.identity = ReplicaIdentity::index;
  source.columns[2].is_not_null = true;
  source.identity_columns = {"name"};
  EXPECT_THAT(key_of(source, {}), ElementsAre("name"));
  EXPECT_THAT(key_advice(source)->sql, HasSubstr("REPLICA IDENTITY DEFAULT"));
  source.identity_columns = {"name", "id"};
  EXPECT_THAT(key_of(source, {}), ElementsAre("id"));
}

TEST(Key, AdviceNamesTheStatement) {
  EXPECT_FALSE(key_advice(orders()));
  EXPECT_EQ(key_advice(keyless())->sql,
            R"(ALTER TABLE "public"."orders" ADD COLUMN "walrock_id" bigint )"
            "GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY;");
  SourceTable full = keyless();
  full.identity = ReplicaIdentity::full;
  EXPECT_THAT(key_advice(full)->message, HasSubstr("unique-key"));
  SourceTable nothing = orders();
  nothing.identity = ReplicaIdentity::nothing;
  nothing.identity_columns.clear();
  EXPECT_THAT(key_of(nothing, {}), ElementsAre("id"));
  EXPECT_THAT(key_advice(nothing)->sql, HasSubstr("REPLICA IDENTITY DEFAULT"));
}

TEST(Names, ThatStarRocksCannotTakeAreRefused) {
  for (std::string const name : {"__op", "__ROW", "a=b", "x*", "ID", "__starrocks_shadow_a"}) {
    SourceTable source = orders();
    source.columns[0].name = name;
    EXPECT_EQ(code_of([&] { (void)design(source); }), ErrorCode::target_table_mismatch) << name;
  }
  SourceTable source = keyless();
  source.columns[0].name = "_walrock_lsn";
  EXPECT_EQ(code_of([&] { (void)design(source); }), ErrorCode::target_table_mismatch);
  source.columns[0].name = "order by \xC3\xA4.`x`";
  EXPECT_NO_THROW((void)design(source));
}

TEST(Options, ColumnTypesAreCheckedForSense) {
  TableOptions options;
  options.column_types = {{"note", "string"}, {"id", "largeint"}};
  EXPECT_EQ(design(orders(), options).column("note")->type, "VARCHAR(65533)");
  EXPECT_EQ(design(orders(), options).columns[0].type, "LARGEINT");
  for (auto const& [name, type] : std::map<std::string, std::string>{
           {"note", "INT"}, {"id", "DECIMAL(20,0)"}, {"nope", "INT"}, {"price", "nonsense"}}) {
    options.column_types = {{name, type}};
    EXPECT_EQ(code_of([&] { (void)design(orders(), options); }), ErrorCode::job_file_invalid)
        << name;
  }
}

TEST(Ddl, CreatesAPrimaryKeyTable) {
  SourceTable source = orders();
  source.comment = "all \"orders\"";
  source.columns[2].comment = "a\\b\nc";
  TableOptions options;
  options.buckets = 4;
  options.partition_by = "date_trunc('day', `d`)";
  options.sort_key = {"name"};
  options.properties = {{"replication_num", "1"}, {"compression", "ZSTD"}};
  EXPECT_EQ(create_table_sql(design(source, options)),
            R"(CREATE TABLE IF NOT EXISTS `demo`.`orders` (
  `id` BIGINT NOT NULL,
  `note` VARCHAR(1048576) NULL,
  `name` VARCHAR(200) NULL COMMENT "a\\b\nc",
  `price` DECIMAL(10,2) NULL
)
PRIMARY KEY (`id`)
COMMENT "all \"orders\""
PARTITION BY date_trunc('day', `d`)
DISTRIBUTED BY HASH (`id`) BUCKETS 4
ORDER BY (`name`)
PROPERTIES ("compression" = "ZSTD", "replication_num" = "1"))");
}

TEST(Ddl, LeavesTheSpreadOfAppendOnlyTablesToTheServer) {
  std::string const sql = create_table_sql(design(keyless()));
  EXPECT_THAT(sql, HasSubstr("\nDUPLICATE KEY (`note`)"));
  EXPECT_THAT(sql, testing::Not(HasSubstr("DISTRIBUTED")));
  TableOptions options;
  options.buckets = 3;
  EXPECT_THAT(create_table_sql(design(keyless(), options)),
              HasSubstr("\nDISTRIBUTED BY RANDOM BUCKETS 3"));
}

TEST(Ddl, OtherStatements) {
  TargetColumn const a{"a`b", "INT", true, "5", ""};
  TargetColumn const b{"b", "VARCHAR(4)", true, std::nullopt, "x"};
  EXPECT_EQ(create_database_sql("demo"), "CREATE DATABASE IF NOT EXISTS `demo`");
  EXPECT_EQ(add_column_sql(kName, a),
            "ALTER TABLE `demo`.`orders` ADD COLUMN `a``b` INT NULL DEFAULT \"5\"");
  EXPECT_EQ(add_columns_sql(kName, {a, b}),
            "ALTER TABLE `demo`.`orders` ADD COLUMN (`a``b` INT NULL DEFAULT \"5\", "
            "`b` VARCHAR(4) NULL COMMENT \"x\")");
  EXPECT_EQ(add_columns_sql(kName, {a}), add_column_sql(kName, a));
  EXPECT_EQ(truncate_sql(kName), "TRUNCATE TABLE `demo`.`orders`");
  EXPECT_EQ(swap_table_sql(kName, "t2"), "ALTER TABLE `demo`.`orders` SWAP WITH `t2`");
}

TEST(Compare, WhatWalrockCreatesFitsItself) {
  for (SourceTable const& source : {orders(), keyless()})
    EXPECT_THAT(compare(source, design(source), design(source)), IsEmpty());
}

TEST(Compare, SpellingAndWiderTypesFit) {
  TargetTable existing = design(orders());
  existing.columns[0].type = "bigint(20) unsigned";
  existing.columns[1].type = "varchar(65533)";
  existing.columns[3].type = "decimal64(12, 2)";
  existing.columns.push_back({"extra", "int(11)", true, std::nullopt, ""});
  existing.columns.push_back({"extra2", "int(11)", false, "0", ""});
  EXPECT_THAT(compare(orders(), design(orders()), existing), IsEmpty());
}

std::string only_mismatch(TargetTable const& existing, SourceTable const& source = orders()) {
  auto const mismatches = compare(source, design(source), existing);
  EXPECT_EQ(mismatches.size(), 1u);
  return mismatches.empty() ? ""
                            : to_string(mismatches[0]) + (mismatches[0].is_warning ? " (w)" : "");
}

TEST(Compare, SaysColumnTypesAndFix) {
  TargetTable existing = design(orders());
  existing.columns[3].type = "decimal(8, 2)";
  EXPECT_EQ(
      only_mismatch(existing),
      "column price (source numeric(10,2), target DECIMAL(8,2)): numbers with 8 digits before "
      "and 2 after the point do not fit; ALTER TABLE `demo`.`orders` MODIFY COLUMN `price` "
      "DECIMAL(10,2) NULL;");
  existing = design(orders());
  existing.columns[2].type = "datetime";
  EXPECT_EQ(only_mismatch(existing), "column name (source varchar(50), target DATETIME): DATETIME "
                                     "cannot hold these values; move it "
                                     "away and let walrock create it: ALTER TABLE `demo`.`orders` "
                                     "RENAME `orders_old`; or drop it: "
                                     "DROP TABLE IF EXISTS `demo`.`orders`;");
}

TEST(Compare, ShortTextsAreAWarning) {
  TargetTable existing = design(orders());
  existing.columns[2].type = "varchar(50)";
  EXPECT_EQ(
      only_mismatch(existing),
      "column name (source varchar(50), target VARCHAR(50)): texts longer than 50 bytes (UTF-8) "
      "are refused; ALTER TABLE `demo`.`orders` MODIFY COLUMN `name` VARCHAR(200) NULL; (w)");
}

TEST(Compare, MissingAndMisspelledColumns) {
  TargetTable existing = design(orders());
  existing.columns.pop_back();
  EXPECT_EQ(only_mismatch(existing),
            "column price (source numeric(10,2)): is missing in the target; ALTER TABLE "
            "`demo`.`orders` ADD COLUMN `price` DECIMAL(10,2) NULL;");
  existing = design(orders());
  existing.columns[3].name = "Price";
  EXPECT_THAT(only_mismatch(existing), HasSubstr("RENAME COLUMN `Price` TO `price`"));
}

TEST(Compare, ModelAndKey) {
  TargetTable existing = design(orders());
  existing.model = TableModel::unique;
  EXPECT_THAT(only_mismatch(existing),
              HasSubstr("the table: is a UNIQUE KEY table, which ignores"));
  existing = design(orders());
  existing.key = {"id", "note"};
  EXPECT_THAT(only_mismatch(existing), HasSubstr("has the key (id, note), its source (id)"));
}

TEST(Compare, NullsMustHaveAPlace) {
  TargetTable existing = design(orders());
  existing.columns.push_back({"extra", "int(11)", false, std::nullopt, ""});
  EXPECT_THAT(only_mismatch(existing), HasSubstr("MODIFY COLUMN `extra` INT NULL;"));
  existing = design(orders());
  existing.columns[2].is_nullable = false;
  EXPECT_THAT(only_mismatch(existing), HasSubstr("takes no NULL"));
  SourceTable source = orders();
  source.columns[2].is_not_null = true;
  EXPECT_THAT(compare(source, design(source), existing), IsEmpty());
}

TEST(Plan, FollowsTheTargetsOrder) {
  SourceTable const source = orders();
  Relation const relation = relation_of(source);
  EXPECT_TRUE(relation.columns[1].is_key);
  EXPECT_FALSE(relation.columns[0].is_key);
  TablePlan const plan = plan_for(relation, source, design(source));
  ASSERT_EQ(plan.columns.size(), 4u);
  EXPECT_EQ(plan.key_count, 1);
  EXPECT_EQ(plan.columns[0].source_index, 1);
  EXPECT_TRUE(plan.columns[0].is_key);
  EXPECT_EQ(plan.columns[1].source_index, 0);
  EXPECT_EQ(plan.columns[3].conversion, Conversion::number);
  EXPECT_EQ(plan.columns[3].made, MadeColumn::none);
}

TEST(Plan, UsesTheTypesThatTheTargetHas) {
  SourceTable const source = orders();
  TargetTable target = design(source);
  target.columns[1] = {"note", "varchar(20)", false, std::nullopt, ""};
  target.columns[3] = {"price", "decimal64(20, 4)", false, std::nullopt, ""};
  TablePlan const plan = plan_for(relation_of(source), source, target);
  EXPECT_EQ(plan.columns[3].type, "DECIMAL(20,4)");
  EXPECT_EQ(plan.columns[3].zero, "0");
  EXPECT_EQ(plan.columns[1].zero, "");
  EXPECT_FALSE(plan.columns[1].is_nullable);
}

TEST(Plan, AppendOnlyTablesGetTheirOrigin) {
  SourceTable const source = keyless();
  TablePlan const plan = plan_for(relation_of(source), source, design(source));
  EXPECT_EQ(plan.key_count, 0);
  EXPECT_EQ(plan.columns.back().name, kIndexColumn);
  EXPECT_EQ(plan.columns.back().source_index, -1);
  EXPECT_EQ(plan.columns.back().made, MadeColumn::index);
}

TEST(Plan, ColumnsThatTheTargetLacksAreRefusedOrIgnored) {
  SourceTable const source = orders();
  TargetTable target = design(source);
  target.columns.pop_back();
  EXPECT_EQ(code_of([&] { (void)plan_for(relation_of(source), source, target); }),
            ErrorCode::target_table_mismatch);
  EXPECT_EQ(plan_for(relation_of(source), source, target, MissingColumns::ignore).columns.size(),
            3u);
}

TEST(Plan, AKeyWithoutASourceOrATypeThatDoesNotFitIsRefused) {
  SourceTable const source = orders();
  Relation relation = relation_of(source);
  relation.columns.erase(relation.columns.begin() + 1);
  EXPECT_EQ(code_of([&] { (void)plan_for(relation, source, design(source)); }),
            ErrorCode::target_table_mismatch);
  TargetTable target = design(source);
  target.columns[1].type = "INT";
  EXPECT_EQ(code_of([&] { (void)plan_for(relation_of(source), source, target); }),
            ErrorCode::target_table_mismatch);
}

TEST(Plan, AnOlderRelationIsReadByItsOwnTypes) {
  SourceTable const source = orders();
  TargetTable const target = design(source);
  Relation relation = relation_of(source);
  relation.columns[2].type_oid = 23; // name was an integer then
  EXPECT_EQ(plan_for(relation, source, target).columns[2].conversion, Conversion::text);
  relation.columns[3].typmod = (12 << 16 | 4) + 4;
  EXPECT_EQ(code_of([&] { (void)plan_for(relation, source, target); }),
            ErrorCode::target_table_mismatch);
}

TEST(Plan, DomainsAreReadByTheirBaseType) {
  SourceTable source = orders();
  source.columns[3].wire_type_oid = 80000;
  source.columns[3].wire_typmod = -1;
  TablePlan const plan = plan_for(relation_of(source), source, design(source));
  EXPECT_EQ(plan.relation.columns[3].type_oid, 80000u);
  EXPECT_EQ(plan.columns[3].conversion, Conversion::number);
}

} // namespace
} // namespace walrock
