#include "postgres/address.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "postgres/pq_error.h"
#include "postgres/slot.h"
#include "postgres/snapshot_reader.h"
#include "postgres/sql_text.h"

namespace walrock {
namespace {

TEST(SourceHosts, EachMayHaveItsPort) {
  EXPECT_EQ(parse_source_hosts("a:1, b,[::1]:6000,::1,/run/pg", 5432),
            (std::vector<SourceHost>{
                {"a", 1}, {"b", 5432}, {"::1", 6000}, {"::1", 5432}, {"/run/pg", 5432}}));
}

TEST(SourceHosts, NonsenseIsRefused) {
  for (char const* text : {"", "a,,b", "a:0", "a:70000", "a:x", "a:", ":5432", "[::1]x"})
    EXPECT_THROW((void)parse_source_hosts(text, 5432), Error) << text;
}

TEST(SourceAddress, IsShownWithoutThePassword) {
  SourceAddress address;
  address.hosts = {{"db", 5433}};
  address.database = "shop";
  address.password = Secret("hush");
  EXPECT_EQ(to_string(address), "db:5433/shop");
}

TEST(SlotName, IsWhatPostgresAllows) {
  EXPECT_TRUE(is_slot_name("walrock_1"));
  for (std::string const& text :
       {std::string(), std::string("Upper"), std::string("a-b"), std::string(64, 'a')})
    EXPECT_FALSE(is_slot_name(text)) << text;
  EXPECT_EQ(drop_slot_sql("o'k"), "SELECT pg_drop_replication_slot('o''k')");
}

TEST(ArrayLiteral, QuotesWhatNeedsIt) {
  std::vector<std::string> const texts{"a", "b\"c", "d\\e", ""};
  EXPECT_EQ(array_literal(texts), R"({"a","b\"c","d\\e",""})");
}

SourceTable table_of_pages(std::int64_t pages) {
  SourceTable table;
  table.name = {"public", "Odd \"name\""};
  table.page_count = pages;
  SourceColumn id;
  id.name = "id";
  SourceColumn sum;
  sum.name = "sum";
  sum.generated = 's';
  sum.is_sent = false;
  SourceColumn text;
  text.name = "Text";
  table.columns = {id, sum, text};
  return table;
}

TEST(SplitTable, CoversEveryPageOnceAndTheLastHasNoEnd) {
  auto const splits = split_table(table_of_pages(2500), 1000, 150000);
  ASSERT_EQ(splits.size(), 3U);
  EXPECT_EQ(splits[0].first_page, 0U);
  EXPECT_EQ(splits[0].end_page, 1000U);
  EXPECT_EQ(splits[1].first_page, 1000U);
  EXPECT_EQ(splits[2].first_page, 2000U);
  EXPECT_FALSE(splits[2].end_page);
  EXPECT_EQ(splits[2].index, 2U);
}

TEST(SplitTable, IsOneBelow14AndForPartitionedTables) {
  EXPECT_EQ(split_table(table_of_pages(2500), 1000, 130000).size(), 1U);
  auto partitioned = table_of_pages(2500);
  partitioned.relkind = 'p';
  EXPECT_EQ(split_table(partitioned, 1000, 150000).size(), 1U);
  EXPECT_FALSE(split_table(table_of_pages(10), 1000, 150000).front().first_page);
}

TEST(CopySql, NamesTheColumnsThatAreNotGenerated) {
  auto table = table_of_pages(2500);
  EXPECT_EQ(copy_sql(table, {}, 120000),
            R"(COPY "public"."Odd ""name""" ("id", "Text") TO STDOUT)");
  Split const range{table.id, 1, 1000, 2000};
  EXPECT_EQ(copy_sql(table, range, 150000),
            R"(COPY (SELECT "id", "Text" FROM ONLY "public"."Odd ""name""" )"
            R"(WHERE ctid >= '(1000,0)' AND ctid < '(2000,0)') TO STDOUT)");
  Split const last{table.id, 2, 2000, std::nullopt};
  EXPECT_EQ(copy_sql(table, last, 150000),
            R"(COPY (SELECT "id", "Text" FROM ONLY "public"."Odd ""name""" )"
            R"(WHERE ctid >= '(2000,0)') TO STDOUT)");
  EXPECT_THROW((void)copy_sql(table, range, 130000), Error);
  table.relkind = 'p';
  EXPECT_EQ(copy_sql(table, {}, 150000),
            R"(COPY (SELECT "id", "Text" FROM "public"."Odd ""name""") TO STDOUT)");
}

TEST(Sqlstate, DecidesTheErrorCode) {
  EXPECT_EQ(code_of_sqlstate("28P01"), ErrorCode::source_login_refused);
  EXPECT_EQ(code_of_sqlstate("42501"), ErrorCode::source_permission_denied);
  EXPECT_EQ(code_of_sqlstate("57P01"), ErrorCode::source_unreachable);
  EXPECT_EQ(code_of_sqlstate("08006"), ErrorCode::source_unreachable);
  EXPECT_EQ(code_of_sqlstate("53300"), ErrorCode::source_unreachable);
  EXPECT_EQ(code_of_sqlstate("55006"), ErrorCode::slot_in_use);
  EXPECT_EQ(code_of_sqlstate("22012"), ErrorCode::source_query_failed);
  EXPECT_EQ(code_of_sqlstate(""), ErrorCode::source_query_failed);
}

} // namespace
} // namespace walrock
