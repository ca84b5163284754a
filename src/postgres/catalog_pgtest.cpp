#include "postgres/catalog.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "postgres/pg_server_for_tests.h"
#include "postgres/publication.h"

namespace walrock {
namespace {

PgServer& server() {
  return PgServer::shared();
}

SourceTable described(std::string const& table_name) {
  auto sql = server().sql();
  auto const table = describe_table(sql, {"cat", table_name});
  if (!table)
    throw std::runtime_error("no table " + table_name);
  return *table;
}

class Catalog : public testing::Test {
protected:
  static void SetUpTestSuite() {
    (void)server().sql().query(R"(
      CREATE SCHEMA cat; SET search_path = cat;
      CREATE TYPE mood AS ENUM ('sad', 'ok');
      CREATE DOMAIN price AS numeric(10, 2);
      CREATE DOMAIN low_price AS price CHECK (VALUE < 10);
      CREATE DOMAIN tags AS text[];
      CREATE TABLE "Odd ""one""" (b int, a text NOT NULL DEFAULT 'x', gone int, feel mood,
        low low_price, many int4[], label tags, span int4range, code char(7),
        sum int GENERATED ALWAYS AS (b + 1) STORED, PRIMARY KEY (a, b));
      ALTER TABLE "Odd ""one""" DROP COLUMN gone;
      INSERT INTO "Odd ""one""" (b) VALUES (1);
      ALTER TABLE "Odd ""one""" ADD COLUMN late text DEFAULT 'it''s "so", late\',
        ADD COLUMN late_many int[] DEFAULT '{1,2}', ADD COLUMN late_box box DEFAULT '((1,1),(0,0))',
        ADD COLUMN late_nothing int;
      COMMENT ON TABLE "Odd ""one""" IS 'the odd one';
      COMMENT ON COLUMN "Odd ""one""".a IS 'first half';
      CREATE TABLE full_one (a int); ALTER TABLE full_one REPLICA IDENTITY FULL;
      CREATE TABLE by_index (a int PRIMARY KEY, b int NOT NULL, c int NOT NULL);
      CREATE UNIQUE INDEX by_index_cb ON by_index (c, b) INCLUDE (a);
      ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_cb;
      CREATE TABLE deferred (a int PRIMARY KEY DEFERRABLE);
      CREATE TABLE many_unique (a int NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
        b int CONSTRAINT unique_b UNIQUE, c text, d int, PRIMARY KEY (b, a));
      CREATE UNIQUE INDEX unique_c_b ON many_unique (c, b) INCLUDE (d);
      CREATE UNIQUE INDEX partial ON many_unique (d) WHERE d > 0;
      CREATE UNIQUE INDEX of_an_expression ON many_unique (lower(c));
      CREATE UNIQUE INDEX of_both ON many_unique (d, abs(b));
      CREATE INDEX ordinary ON many_unique (d);
      CREATE TABLE parts_unique (id int, t text) PARTITION BY RANGE (id);
      CREATE TABLE parts_unique_1 PARTITION OF parts_unique FOR VALUES FROM (0) TO (1000);
      CREATE UNIQUE INDEX parts_unique_id ON ONLY parts_unique (id);
      CREATE TABLE parts (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (1000) TO (2000);
      INSERT INTO parts SELECT i, repeat('x', 100) FROM generate_series(0, 1999) i;
      ANALYZE parts_1; ANALYZE parts_2;
      CREATE UNLOGGED TABLE unlogged_one (a int);
      CREATE VIEW a_view AS SELECT 1 AS one;
      CREATE TABLE parent (a int PRIMARY KEY); CREATE TABLE child () INHERITS (parent))");
  }
};

TEST_F(Catalog, ColumnsAreDescribedInAttnumOrderWithoutDroppedOnes) {
  SourceTable const table = described("Odd \"one\"");
  std::vector<std::string> names;
  for (SourceColumn const& column : table.columns)
    names.push_back(column.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"b", "a", "feel", "low", "many", "label", "span", "code",
                                      "sum", "late", "late_many", "late_box", "late_nothing"}));
  EXPECT_EQ(table.columns[2].attnum, 4);
  EXPECT_TRUE(table.column("a")->is_not_null);
  EXPECT_EQ(table.column("a")->default_expression, "'x'::text");
  EXPECT_EQ(table.column("a")->comment, "first half");
  EXPECT_EQ(table.comment, "the odd one");
  EXPECT_EQ(table.column("sum")->generated, 's');
  EXPECT_FALSE(table.column("sum")->is_sent);
  EXPECT_FALSE(table.column("sum")->default_expression);
  EXPECT_EQ(table.column("code")->declared_type, "character(7)");
}

TEST_F(Catalog, TypesHaveTheirKind) {
  SourceTable const table = described("Odd \"one\"");
  EXPECT_EQ(table.column("b")->type_kind, TypeKind::base);
  EXPECT_EQ(table.column("feel")->type_kind, TypeKind::enum_);
  EXPECT_EQ(table.column("feel")->type_namespace, "cat");
  EXPECT_EQ(table.column("many")->type_kind, TypeKind::array);
  EXPECT_EQ(table.column("many")->type_name, "_int4");
  EXPECT_EQ(table.column("span")->type_kind, TypeKind::range);
}

TEST_F(Catalog, DomainsAreResolvedDownToTheirBaseAndTypmod) {
  SourceTable const table = described("Odd \"one\"");
  SourceColumn const& low = *table.column("low");
  EXPECT_EQ(low.type_name, "numeric");
  EXPECT_EQ(low.typmod, (10 << 16 | 2) + 4);
  EXPECT_EQ(low.declared_type, "cat.low_price");
  EXPECT_NE(low.wire_type_oid, low.type_oid);
  EXPECT_EQ(low.wire_typmod, -1);
  EXPECT_EQ(table.column("label")->type_kind, TypeKind::array);
}

TEST_F(Catalog, MissingValuesAreTheTextOfTheOneValue) {
  SourceTable const table = described("Odd \"one\"");
  EXPECT_EQ(table.column("late")->missing_value, "it's \"so\", late\\");
  EXPECT_EQ(table.column("late_many")->missing_value, "{1,2}");
  EXPECT_EQ(table.column("late_box")->missing_value, "(1,1),(0,0)");
  EXPECT_FALSE(table.column("late_nothing")->missing_value);
  EXPECT_FALSE(table.column("a")->missing_value);
}

TEST_F(Catalog, KeysAndIdentitiesAreInKeyOrder) {
  SourceTable const odd = described("Odd \"one\"");
  EXPECT_EQ(odd.primary_key, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(odd.identity_columns, odd.primary_key);
  EXPECT_EQ(odd.identity, ReplicaIdentity::default_);
  SourceTable const full = described("full_one");
  EXPECT_EQ(full.identity, ReplicaIdentity::full);
  EXPECT_TRUE(full.primary_key.empty());
  EXPECT_TRUE(full.identity_columns.empty());
  SourceTable const by_index = described("by_index");
  EXPECT_EQ(by_index.identity, ReplicaIdentity::index);
  EXPECT_EQ(by_index.primary_key, (std::vector<std::string>{"a"}));
  EXPECT_EQ(by_index.identity_columns, (std::vector<std::string>{"c", "b"}));
}

TEST_F(Catalog, ADeferrablePrimaryKeyIsNoIdentity) {
  SourceTable const table = described("deferred");
  EXPECT_EQ(table.primary_key, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(table.identity_columns.empty());
}

std::vector<std::string> unique_indexes(std::string const& table) {
  std::vector<std::string> out;
  for (UniqueIndex const& index : described(table).unique_indexes) {
    std::string text = index.name + ":";
    for (std::string const& column : index.columns)
      text += " " + column;
    out.push_back(text + (index.is_deferrable ? ", deferrable" : ""));
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST_F(Catalog, UniqueIndexesAreThoseThatCountForEveryRow) {
  EXPECT_EQ(unique_indexes("many_unique"),
            (std::vector<std::string>{"many_unique_a_key: a, deferrable", "many_unique_pkey: b a",
                                      "unique_b: b", "unique_c_b: c b"}));
  EXPECT_EQ(unique_indexes("full_one"), std::vector<std::string>{});
  EXPECT_EQ(unique_indexes("deferred"), std::vector<std::string>{"deferred_pkey: a, deferrable"});
  EXPECT_EQ(unique_indexes("parts"), std::vector<std::string>{"parts_pkey: id"});
  EXPECT_EQ(unique_indexes("parts_unique"), std::vector<std::string>{})
      << "it is valid when every partition has it";
}

TEST_F(Catalog, SizesOfAPartitionedTableAreThoseOfItsLeaves) {
  SourceTable const root = described("parts");
  EXPECT_EQ(root.relkind, 'p');
  EXPECT_EQ(root.row_estimate, 2000);
  EXPECT_EQ(root.page_count, described("parts_1").page_count + described("parts_2").page_count);
  EXPECT_EQ(described("full_one").row_estimate, -1);
}

TEST_F(Catalog, ManyTablesComeInTheOrderOfTheNamesWithoutTheUnknown) {
  auto sql = server().sql();
  std::vector<TableName> const names{
      {"cat", "parts"}, {"cat", "unknown"}, {"cat", "a_view"}, {"cat", "full_one"}};
  auto const tables = describe_tables(sql, names);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].name.table_name, "parts");
  EXPECT_EQ(tables[1].name.table_name, "full_one");
  EXPECT_EQ(describe_relation(sql, tables[1].id)->name, tables[1].name);
  EXPECT_FALSE(describe_relation(sql, RelationId{1}));
  EXPECT_TRUE(describe_tables(sql, {}).empty());
}

TEST_F(Catalog, WhatCannotBeReplicatedIsListedWithTheReason) {
  auto sql = server().sql();
  auto const tables = list_tables(sql);
  auto const find = [&](std::string const& name) {
    auto const at = std::find_if(tables.begin(), tables.end(), [&](ListedTable const& t) {
      return t.name == TableName{"cat", name};
    });
    if (at == tables.end())
      throw std::runtime_error("not listed: " + name);
    return *at;
  };
  EXPECT_EQ(find("a_view").refusal(), "is a view");
  EXPECT_NE(find("unlogged_one").refusal(), "");
  EXPECT_EQ(find("parts").refusal(), "");
  EXPECT_TRUE(find("parts_1").is_partition);
  EXPECT_GT(find("parts").byte_count, 0);
  EXPECT_EQ(std::count_if(tables.begin(), tables.end(),
                          [](ListedTable const& t) {
                            return t.name.namespace_name == "pg_catalog" ||
                                   t.name.namespace_name == "information_schema";
                          }),
            0);
}

TEST_F(Catalog, TheServerSaysWhoItIsOnEitherKindOfConnection) {
  auto sql = server().sql();
  auto replication = server().replication();
  ServerIdentity const one = identify_server(sql);
  ServerIdentity const other = identify_server(replication);
  EXPECT_EQ(one.system_identifier, other.system_identifier);
  EXPECT_EQ(one.timeline, 1U);
  EXPECT_TRUE(one.wal_end.is_set());
  EXPECT_LE(one.wal_end, other.wal_end);
}

TEST_F(Catalog, SettingsAreRead) {
  auto sql = server().sql();
  ServerSettings const settings = read_server_settings(sql);
  EXPECT_EQ(settings.wal_level, "logical");
  EXPECT_EQ(settings.max_replication_slots, 20);
  EXPECT_EQ(settings.version_num, sql.server_version());
  EXPECT_EQ(settings.wal_sender_timeout, Milliseconds(60'000));
  EXPECT_EQ(settings.server_encoding, "UTF8");
  EXPECT_FALSE(settings.is_in_recovery);
}

TEST_F(Catalog, RightsOfRoleAndTablesAreRead) {
  (void)server().sql().query(
      "CREATE ROLE humble LOGIN REPLICATION; GRANT USAGE ON SCHEMA cat TO humble;"
      "GRANT SELECT ON cat.parts, cat.full_one TO humble;"
      "ALTER TABLE cat.full_one ENABLE ROW LEVEL SECURITY");
  Connection humble(server().address("humble"), ConnectionKind::sql);
  RoleRights const role = read_role_rights(humble);
  EXPECT_EQ(role.role, "humble");
  EXPECT_FALSE(role.is_superuser);
  EXPECT_TRUE(role.can_replicate);
  EXPECT_FALSE(role.can_create_in_database);
  std::vector<TableName> const names{{"cat", "parts"}, {"cat", "by_index"}, {"cat", "full_one"}};
  auto const tables = read_table_rights(humble, names);
  ASSERT_EQ(tables.size(), 3U);
  EXPECT_TRUE(tables[0].can_select);
  EXPECT_FALSE(tables[0].is_owner);
  EXPECT_EQ(tables[0].owner, "postgres");
  EXPECT_FALSE(tables[1].can_select);
  EXPECT_TRUE(tables[2].is_row_filtered);
  EXPECT_THROW(create_publication(humble, "theirs", std::span(names).first(1), false), Error);
}

TEST_F(Catalog, APublicationIsCreatedFoundExtendedAndDropped) {
  auto sql = server().sql();
  std::string const name = "odd \"pub\"'s";
  bool const takes_roots = sql.server_version() >= 130000;
  std::vector<TableName> const tables{
      {"cat", "Odd \"one\""}, {"cat", takes_roots ? "parts" : "parts_1"}, {"cat", "parent"}};
  EXPECT_FALSE(find_publication(sql, name));
  create_publication(sql, name, std::span(tables).first(2), takes_roots);
  auto publication = find_publication(sql, name);
  ASSERT_TRUE(publication);
  EXPECT_TRUE(publication->is_owner);
  EXPECT_FALSE(publication->is_for_all_tables);
  EXPECT_EQ(publication->missing_operations(), "");
  EXPECT_EQ(publication->members.size(), 2U);
  EXPECT_TRUE(publication->covers(tables[1]));
  EXPECT_FALSE(publication->covers({"cat", "parent"}));
  add_tables(sql, name, std::span(tables).last(1));
  publication = find_publication(sql, name);
  EXPECT_TRUE(publication->covers({"cat", "parent"}));
  EXPECT_FALSE(publication->covers({"cat", "child"})); // ONLY
  (void)sql.query(remove_tables_sql(name, std::span(tables).last(1)));
  EXPECT_FALSE(find_publication(sql, name)->covers({"cat", "parent"}));
  drop_publication(sql, name);
  drop_publication(sql, name);
  EXPECT_FALSE(find_publication(sql, name));
}

TEST_F(Catalog, WhatAPublicationLeavesOutIsNamed) {
  auto sql = server().sql();
  (void)sql.query("CREATE PUBLICATION thin FOR TABLE cat.by_index WITH (publish = 'insert')");
  EXPECT_EQ(find_publication(sql, "thin")->missing_operations(), "update, delete, truncate");
}

TEST_F(Catalog, HowAPublicationSendsATableIsRead) {
  auto sql = server().sql();
  if (sql.server_version() < 150000)
    GTEST_SKIP() << "row filters and column lists came with 15";
  (void)sql.query("CREATE TABLE cat.sent (a int PRIMARY KEY, b text, c int, "
                  "d int GENERATED ALWAYS AS (a) STORED)");
  RelationId const id = described("sent").id;
  auto const now = [&] { return read_published(sql, "sender", std::span(&id, 1)).at(id); };
  bool const sends_generated = sql.server_version() >= 180000;
  Published const before = now(); // a publication that is not there yet
  EXPECT_TRUE(before.by.empty());
  EXPECT_EQ(before.unsent, sends_generated ? std::vector<int>() : std::vector<int>{4});
  EXPECT_EQ(publication_mark(sql, "sender").text, "");

  create_publication(sql, "sender", std::vector<TableName>{{"cat", "sent"}}, false);
  Published const whole = now();
  EXPECT_EQ(whole.by.size(), 1U);
  EXPECT_EQ(whole.unsent, before.unsent);
  EXPECT_EQ(whole.filter, "");
  std::string const mark = publication_mark(sql, "sender").text;
  (void)sql.query("ALTER PUBLICATION sender SET TABLE cat.sent");
  EXPECT_EQ(now(), whole) << "the same once more is no change";
  EXPECT_EQ(publication_mark(sql, "sender").text, mark);

  (void)sql.query("ALTER PUBLICATION sender SET TABLE cat.sent (a, c) WHERE (a > 10)");
  Published const part = now();
  EXPECT_EQ(part.sent, (std::vector<int>{1, 3}));
  EXPECT_EQ(part.unsent, (std::vector<int>{2, 4}));
  EXPECT_EQ(part.filter, "(a > 10)");
  EXPECT_NE(part.by, whole.by);
  EXPECT_NE(publication_mark(sql, "sender").text, mark);
  auto const described_part = describe_published(sql, id, "sender");
  EXPECT_EQ(described_part->row_filter, "(a > 10)");
  EXPECT_EQ(described_part->published(), part);

  (void)sql.query("ALTER PUBLICATION sender SET TABLE cat.sent WHERE (a > 10)");
  (void)sql.query("ALTER PUBLICATION sender ADD TABLES IN SCHEMA cat");
  EXPECT_EQ(now().by.size(), 2U);
  EXPECT_EQ(now().filter, "") << "the other clause publishes it whole";

  PublicationState const all = now().state;
  EXPECT_EQ(all, whole.state) << "clauses are no part of it";
  EXPECT_EQ(all.operations, "iudt");
  (void)sql.query("ALTER PUBLICATION sender SET (publish = 'insert, truncate')");
  EXPECT_EQ(now().state.operations, "it");
  EXPECT_NE(now().state.altered_xid, all.altered_xid);
  EXPECT_EQ(now().state.others, all.others);
  (void)sql.query("ALTER PUBLICATION sender SET (publish_via_partition_root = true)");
  EXPECT_NE(now().state.others, all.others);
  drop_publication(sql, "sender");
}

TEST_F(Catalog, AMarkIsThatOfTheSnapshot) {
  auto sql = server().sql();
  create_publication(sql, "marked", std::vector<TableName>{{"cat", "by_index"}}, false);
  auto keeper = server().sql();
  std::string const snapshot =
      keeper.query_all("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot()")
          .at(1)
          .text(0, 0);
  std::string const mark = publication_mark(sql, "marked").text;
  EXPECT_EQ(publication_mark_then(sql, "marked", snapshot), mark);
  add_tables(sql, "marked", std::vector<TableName>{{"cat", "full_one"}});
  EXPECT_EQ(publication_mark_then(sql, "marked", snapshot), mark);
  EXPECT_NE(publication_mark(sql, "marked").text, mark);
  drop_publication(sql, "marked");
}

TEST_F(Catalog, AMissingPublicationRightComesWithTheSqlForTheOwner) {
  (void)server().sql().query("CREATE ROLE no_owner LOGIN; GRANT CREATE ON DATABASE postgres TO "
                             "no_owner; GRANT USAGE ON SCHEMA cat TO no_owner");
  Connection no_owner(server().address("no_owner"), ConnectionKind::sql);
  TableName const table{"cat", "by_index"};
  try {
    create_publication(no_owner, "p", std::span(&table, 1), false);
    FAIL() << "created";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::publication_denied);
    EXPECT_NE(error.advice().find("CREATE PUBLICATION \"p\" FOR TABLE"), std::string_view::npos);
  }
}

TEST_F(Catalog, ALockThatWaitsIsSeen) {
  auto sql = server().sql();
  RelationId const id = described("by_index").id;
  EXPECT_FALSE(is_lock_awaited(sql, id));
  auto reader = server().sql();
  (void)reader.query("BEGIN; LOCK TABLE cat.by_index IN ACCESS SHARE MODE");
  auto writer = server().sql();
  writer.send("BEGIN; LOCK TABLE cat.by_index IN ACCESS EXCLUSIVE MODE; ROLLBACK");
  writer.flush({});
  while (!is_lock_awaited(sql, id))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  (void)reader.query("ROLLBACK");
  while (writer.next_result({}) != nullptr) {
  }
  EXPECT_FALSE(is_lock_awaited(sql, id));
}

} // namespace
} // namespace walrock
