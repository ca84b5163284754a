// The pure parts of what a person asks for once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "config/job_file.h"
#include "operate/addresses.h"
#include "operate/finding.h"
#include "operate/grants.h"
#include "operate/init.h"
#include "operate/selection.h"

namespace walrock {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

JobSpec job_of(std::string const& more_source, std::string const& more_sink) {
  return parse_job("job: {id: shop}\n"
                   "source:\n  type: postgres-cdc\n  postgres-cdc:\n"
                   "    hostname: db1:5433,db2\n    username: app\n    password: s3cret\n"
                   "    database-name: d\n    table-name: users\n" +
                       more_source +
                       "sink:\n  type: starrocks\n  starrocks:\n"
                       "    fe-nodes: fe1:8030;fe2:8031\n    username: loader\n"
                       "    password: t0psecret\n    database: demo\n" +
                       more_sink,
                   "job.yml", "/tmp");
}

TEST(Addresses, AreThoseOfTheJobFile) {
  JobSpec const job = job_of("    tls.mode: verify-full\n", "    mysql-port: 9031\n");
  SourceAddress const source = source_address(job);
  EXPECT_EQ(to_string(source), "db1:5433,db2:5432/d");
  EXPECT_EQ(source.sslmode, "verify-full");
  EXPECT_EQ(source.application_name, "walrock shop");
  TargetAddress const target = target_address(job);
  EXPECT_EQ(target.frontends, (std::vector<Frontend>{{"fe1", 8030}, {"fe2", 8031}}));
  EXPECT_EQ(target.mysql_port, 9031);
  EXPECT_EQ(target.username, "loader");
  EXPECT_FALSE(target.tls.enabled);
  EXPECT_EQ(ddl_address(job).username, "loader");
}

TEST(ServerUrl, IsReadInAllItsParts) {
  ServerUrl const url = parse_server_url("postgresql://app%40x:p%3Aw@[::1]:5433/sh%20op?x=y");
  EXPECT_EQ(url.username, "app@x");
  EXPECT_EQ(url.password.reveal(), "p:w");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 5433);
  EXPECT_EQ(url.database, "sh op");
}

TEST(ServerUrl, PartsMayBeLeftOut) {
  ServerUrl const url = parse_server_url("fe1:8030");
  EXPECT_EQ(url.host, "fe1");
  EXPECT_EQ(url.port, 8030);
  EXPECT_EQ(url.username, "");
  EXPECT_EQ(url.database, "");
  EXPECT_EQ(parse_server_url("starrocks://root@fe1").port, 0);
}

TEST(ServerUrl, AMistakeDoesNotShowThePassword) {
  for (char const* const text :
       {"postgresql://app:s3cret@:5432/d", "postgresql://app:s3cret@h:x/d"})
    try {
      (void)parse_server_url(text);
      FAIL() << text;
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), Not(HasSubstr("s3cret")));
    }
}

InitRequest shop_request() {
  InitRequest request;
  request.source = parse_server_url("postgresql://app:s3cret@db/shop");
  request.target = parse_server_url("starrocks://root@fe1/demo");
  return request;
}

TEST(JobFileText, IsAJobFileThatReadsBack) {
  std::string const text =
      job_file_text(shop_request(), {{{"public", "users"}, 1000, 8192, ""},
                                     {{"public", "Odd.Name's"}, -1, 0, ""},
                                     {{"public", "keyless"}, 5, 0, "has no key"}});
  EXPECT_THAT(text, AllOf(HasSubstr("about 1000 rows"),
                          HasSubstr("# - public.keyless\n      #   has no key"),
                          Not(HasSubstr("s3cret"))));
  ::setenv("PGPASSWORD", "s3cret", 1);
  JobSpec const job = parse_job(text, "made.yml", "/tmp");
  EXPECT_EQ(job.id, "shop");
  EXPECT_EQ(to_string(source_address(job)), "db:5432/shop");
  EXPECT_EQ(job.source.password.reveal(), "s3cret");
  ASSERT_EQ(job.source.tables.size(), 2U);
  EXPECT_EQ(*job.source.tables[0].plain, (TableName{"public", "users"}));
  EXPECT_EQ(*job.source.tables[1].plain, (TableName{"public", "Odd.Name's"}));
  EXPECT_EQ(job.target.database, "demo");
  EXPECT_EQ(to_string(job.target.fe_nodes.at(0)), "fe1:8030");
}

TEST(JobFileText, NamesThatYamlWouldMisreadAreQuoted) {
  InitRequest request = shop_request();
  request.source.username = "yes";
  request.source.database = "1$a";
  JobSpec const job =
      parse_job(job_file_text(request, {{{"public", "t"}, 1, 1, ""}}), "made.yml", "/tmp");
  EXPECT_EQ(job.source.username, "yes");
  EXPECT_EQ(job.source.database, "1$a");
  EXPECT_EQ(job.id, "1_a");
}

TEST(JobFileText, TablesOfOneNameGetTargetsOfTheirOwn) {
  JobSpec const job =
      parse_job(job_file_text(shop_request(), {{{"a", "t"}, 1, 1, ""}, {{"b", "t"}, 1, 1, ""}}),
                "made.yml", "/tmp");
  EXPECT_EQ(job.target.table, "{schema}_{table}");
}

TEST(Selection, ATableIsOnlyPublishedWhenItsWritersDoNotSuffer) {
  SourceTable table;
  EXPECT_FALSE(is_publishable(table));
  table.identity = ReplicaIdentity::nothing; // somebody has said so
  EXPECT_TRUE(is_publishable(table));
  table.identity = ReplicaIdentity::default_;
  table.identity_columns = {"id"};
  EXPECT_TRUE(is_publishable(table));
}

TEST(Grants, RolesAndRightsAreReadFromTheirLines) {
  EXPECT_EQ(granted_roles("GRANT 'loader', 'public' TO 'app'@'%'"),
            (std::vector<std::string>{"loader", "public"}));
  EXPECT_TRUE(granted_roles("GRANT INSERT ON TABLE demo.* TO USER 'app'@'%'").empty());
  std::vector<std::string> const wanted{"INSERT", "SELECT", "CREATE TABLE"};
  std::vector<std::string> const grants{
      "GRANT 'public' TO 'app'@'%'",
      "GRANT SELECT, INSERT ON ALL TABLES IN DATABASE demo TO USER 'app'@'%'",
      "GRANT CREATE TABLE ON DATABASE demo2 TO USER 'app'@'%'"};
  EXPECT_EQ(missing_rights(grants, "demo", wanted), std::vector<std::string>{"CREATE TABLE"});
  EXPECT_EQ(missing_rights(grants, "demo2", wanted),
            (std::vector<std::string>{"INSERT", "SELECT"}));
}

TEST(Grants, ARightOnAnotherTableIsNoneOnThisOne) {
  std::vector<std::string> const wanted{"INSERT", "DELETE"};
  auto const missing = [&](std::string const& grant) {
    return missing_table_rights(std::vector{grant}, {"demo", "kept"}, wanted);
  };
  std::vector<std::string> const rest{"DELETE"};
  EXPECT_EQ(missing("GRANT INSERT ON TABLE demo.orders TO USER 'app'@'%'"), wanted);
  EXPECT_EQ(missing("GRANT INSERT ON ALL TABLES IN DATABASE demo2 TO USER 'app'@'%'"), wanted);
  for (std::string const scope : {"TABLE demo.kept", "ALL TABLES IN DATABASE demo",
                                  "ALL TABLES IN ALL DATABASES", "TABLE demo.*", "*.*"})
    EXPECT_EQ(missing("GRANT INSERT ON " + scope + " TO USER 'app'@'%'"), rest) << scope;
  EXPECT_TRUE(missing("GRANT 'db_admin' TO 'app'@'%'").empty());
}

TEST(Grants, WhoMayDoEverythingLacksNothing) {
  std::vector<std::string> const wanted{"INSERT", "CREATE TABLE"};
  for (std::string const grant : {"GRANT 'root' TO 'root'@'%'", "GRANT 'db_admin' TO 'app'@'%'",
                                  "GRANT ALL ON ALL TABLES IN ALL DATABASES TO USER 'app'@'%'"})
    EXPECT_TRUE(missing_rights(std::vector<std::string>{grant}, "demo", wanted).empty()) << grant;
  EXPECT_EQ(missing_rights({}, "demo", wanted), wanted);
}

TEST(Selection, WhatIsNotPublishedIsToldWithItsCure) {
  SourceTable table;
  table.name = {"public", "t"};
  EXPECT_THAT(unpublishable_advice(table).sql,
              AllOf(HasSubstr("PRIMARY KEY"), HasSubstr("REPLICA IDENTITY NOTHING")));
  table.primary_key = {"id"};
  EXPECT_THAT(unpublishable_advice(table).message, HasSubstr("deferrable"));
  EXPECT_EQ(
      unpublishable_advice(table).sql,
      "ALTER TABLE \"public\".\"t\" REPLICA IDENTITY USING INDEX ...; with a unique index that "
      "is not deferrable.");
}

TEST(Findings, OnlyErrorsStandInTheWay) {
  Findings findings;
  findings.add(Severity::note, "a", "b");
  findings.add(Severity::warning, "a", "b");
  auto found = findings.take();
  EXPECT_FALSE(has_errors(found));
  findings.add("target", Error(ErrorCode::target_unreachable, "gone"));
  found = findings.take();
  EXPECT_TRUE(has_errors(found));
  EXPECT_EQ(found.back().code, "target_unreachable");
  EXPECT_NE(found.back().fix, "");
}

} // namespace
} // namespace walrock
