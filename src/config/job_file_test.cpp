#include "config/job_file.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/table_matcher.h"
#include "config/table_rules.h"
#include "config/test_jobs.h"

namespace walrock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Section 3.2 of the guide that walrock replaces, to the letter.
std::string guide_file() {
  return read_source_file("tests/e2e/seed/application.yml");
}

// Puts lines under a top-level key, as a reader of the guide's later steps would.
std::string with_lines(std::string text, std::string const& section, std::string const& lines) {
  std::size_t const at = text.find("\n" + section + ":\n");
  return text.insert(at + section.size() + 3, lines);
}
std::string without_line(std::string text, std::string const& line) {
  std::size_t const at = text.find(line);
  return text.erase(at, text.find('\n', at) - at);
}

TEST(Transactions, ArePerTableUnlessTheJobSaysOtherwise) {
  auto const with = [](std::string const& lines) {
    return parse_job(
        with_lines(without_line(guide_file(), "    sink.semantic:"), "  starrocks", lines),
        "application.yml", "/srv/smt");
  };
  EXPECT_EQ(with("").target.transactions, Transactions::per_table);
  EXPECT_EQ(with("    transactions: across-tables\n").target.transactions,
            Transactions::across_tables);
  EXPECT_THROW((void)with("    transactions: all\n"), Error);
  try {
    (void)with("    transactions: across-tables\n    sink.semantic: at-least-once\n");
    ADD_FAILURE() << "at-least-once is taken";
  } catch (Error const& error) {
    EXPECT_THAT(error.what(), HasSubstr("across-tables goes with exactly-once only"));
  }
}

TEST(GuideFile, IsAcceptedAsPrinted) {
  JobSpec const job = parse_job(guide_file(), "application.yml", "/srv/smt");
  EXPECT_EQ(job.id, "postgres_to_starrocks");
  EXPECT_EQ(job.name, "Postgres to StarRocks Real-Time Sync");
  EXPECT_EQ(job.source.hosts, (std::vector<HostPort>{{"postgres", 5432}}));
  EXPECT_EQ(job.source.username, "replicator");
  EXPECT_EQ(job.source.password.reveal(), "replicator_pass");
  EXPECT_EQ(job.source.database, "demo");
  EXPECT_EQ(job.source.slot_name, "smt_slot");
  EXPECT_EQ(job.source.publication_name, "smt_slot_publication");
  EXPECT_EQ(job.source.startup, StartupMode::initial);
  ASSERT_EQ(job.source.tables.size(), 1U);
  EXPECT_EQ(job.source.tables[0].plain, (TableName{"public", "users"}));
  EXPECT_EQ(job.target.fe_nodes, (std::vector<HostPort>{{"starrocks", 8030}}));
  EXPECT_EQ(job.target.mysql_port, 9030);
  EXPECT_EQ(job.target.username, "root");
  EXPECT_TRUE(job.target.password.empty());
  EXPECT_EQ(job.target.label_prefix, "smt_label");
  EXPECT_EQ(job.target.semantic, Semantic::exactly_once);
  EXPECT_EQ(job.target.format, FormatPreference::json);
  EXPECT_EQ(job.target.ddl_fe_nodes, job.target.fe_nodes);
  EXPECT_TRUE(job.schema_sync.enable && job.schema_sync.auto_create_table);
  EXPECT_FALSE(job.schema_sync.ignore_incompatible_fields);
  EXPECT_EQ(job.engine.copy_workers, 1);
  EXPECT_EQ(job.engine.restart.attempts, 3);
  EXPECT_EQ(job.engine.restart.delay, Milliseconds(10'000));
  EXPECT_EQ(job.engine.checkpoint_folder, "/srv/smt/.walrock/postgres_to_starrocks");
  EXPECT_EQ(target_for(job, {"public", "users"}), (TargetName{"demo", "users"}));
  EXPECT_THAT(options_for(job, {"public", "users"}).unique_key, ElementsAre("id"));
}

TEST(GuideFile, SaysWhatItsValuesMeanHereInALineEach) {
  std::vector<std::string> const notes = parse_job(guide_file(), "application.yml", "/").notes;
  for (char const* const part :
       {"checkpoint.interval: 60s does not delay loading", "restart-attempts: 3 counts restarts",
        "format: json is a preference", "flink.parallelism: 1 means 1 copy workers and 1 loaders",
        "ignore-incompatible-fields: false sets a table aside"})
    EXPECT_THAT(notes, Contains(HasSubstr(part)));
  EXPECT_THAT(notes, Not(Contains(HasSubstr("poll-interval"))));
}

class GuideTables : public testing::TestWithParam<std::string> {};
TEST_P(GuideTables, StepSixWorksInBothPlaces) {
  std::string const list = read_source_file("tests/e2e/seed/" + GetParam()).substr(8);
  std::string const blocks = read_source_file("tests/e2e/seed/step6_tables.yml");
  std::string const base = without_line(guide_file(), "    table-name: users");
  std::string nested = list;
  for (std::size_t at = 0; (at = nested.find("  ", at)) != std::string::npos;) {
    nested.insert(at, "  ");
    at = nested.find('\n', at);
  }
  std::string inner = base;
  inner.insert(inner.find("    hostname"), nested);
  for (std::string const& text : {with_lines(base, "source", list), inner}) {
    JobSpec const job = parse(text + "\n" + blocks);
    TableMatcher const matcher(job);
    for (char const* const name : {"users", "orders", "products"})
      EXPECT_TRUE(matcher.matches({"public", name})) << name;
    EXPECT_FALSE(matcher.matches({"other", "users"}));
    EXPECT_THAT(options_for(job, {"public", "users"}).unique_key, ElementsAre("id"));
    EXPECT_THAT(options_for(job, {"public", "orders"}).unique_key, ElementsAre("order_id"));
    EXPECT_EQ(target_for(job, {"public", "orders"}), (TargetName{"demo", "orders"}));
    EXPECT_EQ(targets_for(job, {{"public", "users"}, {"public", "orders"}}).size(), 2U);
  }
}
INSTANTIATE_TEST_SUITE_P(Printed, GuideTables,
                         testing::Values("step6_table_list.yml", "step6_whole_schema.yml"),
                         [](auto const& each) { return each.index == 0 ? "List" : "Schema"; });

TEST(GuideFile, TheListOfStepSixAddsToTheNameThatStandsThere) {
  JobSpec const job = parse(with_lines(
      guide_file(), "source", read_source_file("tests/e2e/seed/step6_table_list.yml").substr(8)));
  EXPECT_EQ(job.source.tables.size(), 3U) << "public.users is named twice";
}

TEST(GuideFile, StepEightIsAccepted) {
  std::string text = without_line(guide_file(), "    scan.startup.mode");
  text = with_lines(text, "source", read_source_file("tests/e2e/seed/step8_startup.yml").substr(8));
  text += "\n" + read_source_file("tests/e2e/seed/step8_parallelism.yml");
  for (auto const& [word, compression] :
       {std::pair{"LZ4", Compression::lz4}, std::pair{"ZSTD", Compression::zstd},
        std::pair{"NO_COMPRESSION", Compression::none}}) {
    JobSpec const job =
        parse(with_lines(text, "sink", std::string("  compress-type: ") + word + "\n"));
    EXPECT_EQ(job.target.compression, compression);
    EXPECT_EQ(job.source.startup, StartupMode::latest);
    EXPECT_EQ(job.engine.copy_workers, 4);
    EXPECT_EQ(job.engine.loaders, 4);
    EXPECT_THAT(job.notes, Contains(HasSubstr("poll-interval-ms: 500 does nothing")));
    EXPECT_THAT(job.notes, Contains(HasSubstr("pipeline.parallelism: 4 means 4 copy workers")));
  }
}

TEST(StartupMode, HasManySpellings) {
  auto const mode_of = [](std::string const& line) {
    return parse(small_job("  " + line + "\n")).source.startup;
  };
  EXPECT_EQ(mode_of("startup-mode: initial"), StartupMode::initial);
  EXPECT_EQ(mode_of("startup-mode: latest-offset"), StartupMode::latest);
  EXPECT_EQ(mode_of("startup-mode: earliest-offset"), StartupMode::earliest);
  EXPECT_EQ(mode_of("scan.startup.mode: latest"), StartupMode::latest);
  EXPECT_EQ(mode_of("scan: {startup: {mode: latest}}"), StartupMode::latest);
  EXPECT_EQ(mode_of("snapshot.mode: never"), StartupMode::latest);
  EXPECT_EQ(mode_of("snapshot: {mode: initial}"), StartupMode::initial);
  EXPECT_EQ(mode_of("postgres-cdc: {scan.startup.mode: earliest-offset}"), StartupMode::earliest);
}

TEST(JobFile, DotsAndNestingMeanTheSame) {
  std::string const dotted =
      "job.id: a\nsource.hostname: h\nsource.postgres-cdc.username: u\n"
      "source.database-name: d\nsource.table-name: t\n"
      "sink.starrocks.fe-nodes: f:1\nsink.username: u\nsink.database: d\n"
      "sink.load.properties.format: csv\nsink.sink.semantic: AT_LEAST_ONCE\n";
  JobSpec const job = parse(dotted);
  EXPECT_EQ(job.source.hosts[0].host, "h");
  EXPECT_EQ(job.target.format, FormatPreference::csv);
  EXPECT_EQ(job.target.semantic, Semantic::at_least_once);
}

TEST(JobFile, NamesAndFoldersHaveDefaults) {
  JobSpec const job = parse(small_job());
  EXPECT_EQ(job.name, "shop");
  EXPECT_EQ(job.source.slot_name, "walrock_shop");
  EXPECT_EQ(job.source.publication_name, "walrock_shop_publication");
  EXPECT_EQ(job.source.hosts, (std::vector<HostPort>{{"localhost", 5432}}));
  EXPECT_EQ(job.engine.checkpoint_folder, "/jobs/.walrock/shop");
  EXPECT_EQ(job.engine.http, (HostPort{"127.0.0.1", 8081}));
  EXPECT_EQ(job.engine.freshness, Milliseconds(1000));
  EXPECT_EQ(job.engine.memory, 256ULL << 20);
}

TEST(JobFile, TakesWalrocksOwnKeys) {
  JobSpec const job = parse(small_job(
      "  copy-rate: 50MB/s\n  lock-wait: 500ms\n  max-connections: 8\n  sslmode: verify-full\n"
      "  tls.ca: ca.pem\n",
      "  mysql-port: 9031\n  existing-rows: swap\n  buckets: 4\n"
      "  backend-hosts: {\"10.0.0.1:8040\": \"localhost:18040\", be-2: localhost}\n",
      "walrock: {freshness: 500ms, memory: 1GiB, copy-workers: 3, loaders: 5, http: "
      "\"127.0.0.1:0\",\n"
      "          checkpoint: state, log-level: debug}\n"
      "tables: {users: {existing-rows: keep, target-table: people}}\n"));
  EXPECT_EQ(job.source.copy_rate, 50ULL << 20);
  EXPECT_EQ(job.source.lock_wait, Milliseconds(500));
  EXPECT_EQ(job.source.max_connections, 8);
  EXPECT_EQ(job.source.tls.mode, TlsMode::verify_full);
  EXPECT_EQ(job.source.tls.ca_file, "/jobs/ca.pem");
  EXPECT_EQ(job.target.mysql_port, 9031);
  EXPECT_EQ(job.target.backend_hosts.at("10.0.0.1:8040"), "localhost:18040");
  EXPECT_EQ(job.engine.freshness, Milliseconds(500));
  EXPECT_EQ(job.engine.memory, 1ULL << 30);
  EXPECT_EQ(job.engine.copy_workers, 3);
  EXPECT_EQ(job.engine.loaders, 5);
  EXPECT_EQ(job.engine.checkpoint_folder, "/jobs/state");
  EXPECT_EQ(options_for(job, {"public", "users"}).existing_rows, ExistingRows::keep);
  EXPECT_EQ(options_for(job, {"public", "users"}).buckets, 4);
  EXPECT_EQ(options_for(job, {"public", "other"}).existing_rows, ExistingRows::swap);
  EXPECT_EQ(target_for(job, {"public", "users"}).table, "people");
}

TEST(JobFile, TheDurableSpoolIsOffUnlessItsFolderIsNamed) {
  EXPECT_EQ(parse(small_job()).engine.durable_spool, "");
  EXPECT_EQ(parse(small_job()).engine.durable_spool_limit, 16ULL << 30);
  JobSpec const job =
      parse(small_job("", "", "walrock: {durable-spool: log, durable-spool-limit: 128MB}\n"));
  EXPECT_EQ(job.engine.durable_spool, "/jobs/log");
  EXPECT_EQ(job.engine.durable_spool_limit, 128ULL << 20);
  EXPECT_EQ(parse(small_job("", "", "walrock: {durable-spool: /srv/log}\n")).engine.durable_spool,
            "/srv/log");
  // YAML reads a bare off as false; both spellings switch it off.
  for (char const* const off : {"off", "\"off\""})
    EXPECT_EQ(parse(small_job("", "", std::string("walrock: {durable-spool: ") + off + "}\n"))
                  .engine.durable_spool,
              "");
}

TEST(JobFile, TakesSeveralHostsAndFrontends) {
  std::string text = small_job("  port: 6000\n");
  text.replace(text.find("hostname: localhost"), 19, "hostname: \"a:5433, b,[::1]:7\"");
  text.replace(text.find("localhost:8030"), 14, "[\"https://x:1\", \"https://y\"]");
  JobSpec const job = parse(text);
  EXPECT_EQ(job.source.hosts, (std::vector<HostPort>{{"a", 5433}, {"b", 6000}, {"::1", 7}}));
  EXPECT_EQ(job.target.fe_nodes, (std::vector<HostPort>{{"x", 1}, {"y", 8030}}));
  EXPECT_TRUE(job.target.uses_https);
  EXPECT_EQ(job.target.https_mode, TlsMode::verify_full);
  EXPECT_EQ(job.target.tls.mode, TlsMode::disable);
}

TEST(JobFile, TakesTheSpellingsOfTheStarRocksConnector) {
  std::string text = small_job("", "  jdbc-url: jdbc:mysql://a:9031,b:9031\n"
                                   "  sink.label-prefix: abc\n  sink.properties.format: json\n"
                                   "  sink.buffer-flush.interval-ms: 5000\n"
                                   "  sink.connect.timeout-ms: 1500\n"
                                   "  table.create.num-buckets: 7\n");
  text.replace(text.find("fe-nodes: localhost:8030"), 24, "load-url: a:8030;b:8030");
  JobSpec const job = parse(text);
  EXPECT_EQ(job.target.fe_nodes.size(), 2U);
  EXPECT_EQ(job.target.mysql_port, 9031);
  EXPECT_EQ(job.target.label_prefix, "abc");
  EXPECT_EQ(job.target.format, FormatPreference::json);
  EXPECT_EQ(job.target.connect_timeout, Milliseconds(1500));
  EXPECT_EQ(job.table_defaults.buckets, 7);
  EXPECT_THAT(job.notes, Contains(HasSubstr("buffer settings do nothing")));
}

TEST(JobFile, ASecondUserForSchemaChangesIsTakenAndOtherwiseThatOfTheSink) {
  JobSpec const job = parse(small_job("", "  password: one\n",
                                      "schema-sync.starrocks: {fe-nodes: \"ddl:1\", username: "
                                      "admin, password: two}\n"));
  EXPECT_EQ(job.target.ddl_username, "admin");
  EXPECT_EQ(job.target.ddl_password.reveal(), "two");
  EXPECT_EQ(job.target.ddl_fe_nodes, (std::vector<HostPort>{{"ddl", 1}}));
  EXPECT_EQ(parse(small_job("", "  password: one\n")).target.ddl_password.reveal(), "one");
}

TEST(Describe, NeverShowsAPassword) {
  std::string const text = describe(parse_job(guide_file(), "application.yml", "/"));
  EXPECT_THAT(text, Not(HasSubstr("replicator_pass")));
  EXPECT_THAT(text, HasSubstr("source.password=***\n"));
  EXPECT_THAT(text, HasSubstr("sink.password=(empty)\n"));
  EXPECT_THAT(text, HasSubstr("source.slot=smt_slot\n"));
}

TEST(JobFile, AFileThatIsNotThereIsNamed) {
  try {
    (void)load_job_file("/does/not/exist.yml");
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::job_file_invalid);
    EXPECT_EQ(error.message(),
              "cannot read the job file \"/does/not/exist.yml\" (No such file or directory)");
  }
  EXPECT_THROW((void)load_job_file(std::filesystem::temp_directory_path().string()), Error);
}

} // namespace
} // namespace walrock
