#include "config/table_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/table_pattern.h"
#include "config/table_rules.h"
#include "config/test_jobs.h"

namespace walrock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Example {
  char const* pattern;
  bool is_plain;
  std::vector<TableName> selected;
  std::vector<TableName> left_out;
};

TEST(TablePattern, NamesWildcardsAndExpressionsSelectWhatTheGuideSays) {
  std::vector<Example> const examples{
      {"users", true, {{"public", "users"}}, {{"public", "users2"}, {"other", "users"}}},
      {"sales.users", true, {{"sales", "users"}}, {{"public", "users"}}},
      {"demo.sales.users", true, {{"sales", "users"}}, {{"demo", "sales"}}},
      {"public\\.users", true, {{"public", "users"}}, {{"public", "user"}}},
      {"public.\"Odd.Name\"", true, {{"public", "Odd.Name"}}, {{"public.Odd", "Name"}}},
      {"public.*",
       false,
       {{"public", "a"}, {"public", "B-c"}},
       {{"public2", "a"}, {"x", "public"}}},
      {"*.users", false, {{"a", "users"}, {"b", "users"}}, {{"a", "users2"}}},
      {"*.*", false, {{"a", "b"}}, {}},
      {"*", false, {{"public", "b"}}, {{"a", "b"}}},
      {"order_?", false, {{"public", "order_1"}}, {{"public", "order_12"}}},
      {"public.orders_.*",
       false,
       {{"public", "orders_"}, {"public", "orders_1"}},
       {{"public", "orders"}, {"publicX", "orders_1"}}},
      {"public.orders_[0-9]+", false, {{"public", "orders_12"}}, {{"public", "orders_x"}}},
      {"public\\.orders_\\d{1,3}", false, {{"public", "orders_12"}}, {{"public", "orders_1234"}}},
      {"orders_\\d+", false, {{"public", "orders_12"}}, {{"other", "orders_12"}}},
      {"orders_.+", false, {{"public", "orders_12"}}, {{"public", "orders_"}}},
      {"(users|orders)", false, {{"public", "users"}, {"public", "orders"}}, {{"a", "users"}}},
      {"public.(users|orders)", false, {{"public", "users"}}, {{"a", "users"}}},
      {"(eu|us)\\.users", false, {{"eu", "users"}, {"us", "users"}}, {{"public", "users"}}},
      {"(eu|us).users", false, {{"eu", "users"}, {"us", "users"}}, {{"public", "users"}}},
      {"eu\\.a|us\\.b", false, {{"eu", "a"}, {"us", "b"}}, {{"eu", "b"}}},
      {"^public\\.u.*$", false, {{"public", "users"}}, {{"public", "orders"}}},
      {"regex:.*\\.users", false, {{"a", "users"}}, {{"a", "b"}}},
  };
  for (Example const& example : examples) {
    SCOPED_TRACE(example.pattern);
    std::string problem;
    auto const pattern = parse_pattern(example.pattern, {"public", "demo"}, problem);
    ASSERT_TRUE(pattern) << problem;
    EXPECT_EQ(pattern->plain.has_value(), example.is_plain);
    for (TableName const& name : example.selected)
      EXPECT_TRUE(pattern_matches(*pattern, name)) << to_string(name) << " by " << pattern->regex;
    for (TableName const& name : example.left_out)
      EXPECT_FALSE(pattern_matches(*pattern, name)) << to_string(name) << " by " << pattern->regex;
  }
}

TEST(TablePattern, SeveralNamesMayStandInOneText) {
  JobSpec const job =
      parse(small_job("", "", "", "table-name: 'public.users, orders_\\d{1,3},(a,b|c)'"));
  ASSERT_EQ(job.source.tables.size(), 3U);
  EXPECT_EQ(job.source.tables[1].text, "orders_\\d{1,3}");
  EXPECT_EQ(job.source.tables[1].place, "job.yml:7:15");
}

TEST(TableMatcher, ExcludedTablesAreLeftOut) {
  TableMatcher const matcher(
      parse(small_job("  exclude-tables: [public.tmp_*]\n", "", "", "table-name: public.*")));
  EXPECT_THAT(matcher.select({{"public", "tmp_1"}, {"public", "users"}}),
              ElementsAre(TableName{"public", "users"}));
}

TEST(TableMatcher, ReportsPatternsThatSelectNothing) {
  TableMatcher const matcher(
      parse(small_job("", "", "", "table-name: [user, public.orders, 'x_.*']")));
  EXPECT_THAT(
      matcher.validate({{"public", "users"}, {"public", "orders"}}),
      ElementsAre("job.yml:7:16: there is no table \"public.user\" in the database; did you mean "
                  "\"public.users\"?",
                  "job.yml:7:37: there is no table that matches \"x_.*\" in the database"));
}

TEST(Targets, AFixedNameIsForOneTable) {
  JobSpec const job = parse(small_job("", "  table: people\n"));
  EXPECT_EQ(target_for(job, {"public", "users"}), (TargetName{"demo", "people"}));
}

TEST(Targets, ATemplateNamesThemAll) {
  JobSpec const job =
      parse(small_job("", "  table: 'ods_{schema}_{table}'\n", "", "table-name: '*.*'"));
  EXPECT_EQ(target_for(job, {"eu", "users"}), (TargetName{"demo", "ods_eu_users"}));
}

TEST(Targets, TwoTablesOfOneTargetAreAnError) {
  JobSpec const job = parse(small_job("", "", "", "table-name: '*.*'"));
  try {
    (void)targets_for(job, {{"eu", "users"}, {"us", "users"}});
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.message(), "job.yml: eu.users and us.users would both go to demo.users");
    EXPECT_THAT(std::string(error.advice()), HasSubstr("{schema}_{table}"));
  }
}

TEST(Targets, AFixedNameThatIsNoTargetOfSeveralIsAnErrorOnceTheTablesAreKnown) {
  JobSpec const job = parse(small_job("", "  table: people\n", "", "table-name: public.*"));
  EXPECT_THROW((void)targets_for(job, {{"public", "users"}, {"public", "orders"}}), Error);
  EXPECT_EQ(targets_for(job, {{"public", "people"}, {"public", "orders"}}).size(), 2U);
}

TEST(Options, AUniqueKeyBesideAFixedNameBelongsToThatTable) {
  JobSpec const job =
      parse(small_job("", "  table: users\n  unique-key: id\n", "", "table-name: public.*"));
  EXPECT_THAT(options_for(job, {"public", "users"}).unique_key, ElementsAre("id"));
  EXPECT_THAT(options_for(job, {"public", "orders"}).unique_key, IsEmpty());
}

TEST(Options, BlocksOfPlainNamesWinOverPatternsWhereverTheyStand) {
  JobSpec const job = parse(small_job("", "  buckets: 1\n  existing-rows: keep\n",
                                      "tables:\n"
                                      "  users: {buckets: 9, unique-key: [id, tenant]}\n"
                                      "  public.*: {buckets: 5, sort-key: 'a, b'}\n",
                                      "table-name: public.*"));
  TableOptions const users = options_for(job, {"public", "users"});
  EXPECT_EQ(users.buckets, 9);
  EXPECT_THAT(users.unique_key, ElementsAre("id", "tenant"));
  EXPECT_THAT(users.sort_key, ElementsAre("a", "b"));
  EXPECT_EQ(users.existing_rows, ExistingRows::keep);
  EXPECT_EQ(options_for(job, {"public", "orders"}).buckets, 5);
}

} // namespace
} // namespace walrock
