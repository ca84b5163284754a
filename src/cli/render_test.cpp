#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/render_findings.h"
#include "cli/render_plan.h"

namespace walrock {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<Finding> two_findings() {
  return {{Severity::note, "source", "worth knowing", "", ""},
          {Severity::error, "public.t", "has no key", "ALTER TABLE t ...;", "primary_key_missing"}};
}

TEST(FindingsText, BeginsWithWhatStandsInTheWayAndEndsWithACount) {
  EXPECT_EQ(findings_text(two_findings()), "error    public.t: has no key\n"
                                           "         fix: ALTER TABLE t ...;\n"
                                           "note     source: worth knowing\n"
                                           "1 error, 1 note\n");
}

TEST(FindingsText, NothingFoundIsSaid) {
  EXPECT_THAT(findings_text({}), StartsWith("ok"));
  EXPECT_THAT(findings_text({two_findings()[0]}), HasSubstr("ok: 1 note"));
}

TEST(FindingsJson, HasEveryPart) {
  auto const json = nlohmann::json::parse(findings_json(two_findings()));
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["findings"][1]["severity"], "error");
  EXPECT_EQ(json["findings"][1]["code"], "primary_key_missing");
  EXPECT_EQ(json["findings"][1]["fix"], "ALTER TABLE t ...;");
  EXPECT_EQ(nlohmann::json::parse(findings_json({}))["ok"], true);
}

Plan small_plan() {
  Plan plan;
  plan.source = "db:5432/shop";
  plan.target = "fe:8030/demo";
  plan.publication_name = "p";
  plan.publication_sql = "CREATE PUBLICATION \"p\"";
  plan.slot_name = "s";
  PlannedTable table;
  table.source = {"public", "t"};
  table.target = {"demo", "t"};
  table.row_estimate = 12345;
  table.byte_count = 8192;
  table.sql = "CREATE TABLE `demo`.`t`";
  plan.tables.push_back(table);
  return plan;
}

TEST(PlanText, IsAScriptWithCommentsForTheRest) {
  std::string const text = plan_text(small_plan());
  EXPECT_THAT(text, HasSubstr("CREATE PUBLICATION \"p\";\n"));
  EXPECT_THAT(text, HasSubstr("-- replication slot s is there\n"));
  EXPECT_THAT(text, HasSubstr("CREATE TABLE `demo`.`t`;\n"));
  EXPECT_THAT(text, HasSubstr("12,345"));
  EXPECT_THAT(text, HasSubstr("8.0 kB"));
}

TEST(PlanJson, HasRowsAndBytes) {
  auto const json = nlohmann::json::parse(plan_json(small_plan()));
  EXPECT_EQ(json["tables"][0]["rows"], 12345);
  EXPECT_EQ(json["tables"][0]["bytes"], 8192);
  EXPECT_EQ(json["tables"][0]["action"], "create");
  EXPECT_EQ(json["slot"]["sql"], "");
}

} // namespace
} // namespace walrock
