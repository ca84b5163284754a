// The mistakes of bad job files, word for word: these texts are what a person corrects a file by.
#include <filesystem>

#include <gtest/gtest.h>

#include "config/nearest.h"
#include "config/test_jobs.h"
#include "config/values.h"

namespace walrock {
namespace {

std::string in_source(std::string const& lines) {
  return mistakes_of(small_job(lines));
}
std::string in_sink(std::string const& lines) {
  return mistakes_of(small_job("", lines));
}
std::string in_file(std::string const& lines) {
  return mistakes_of(small_job("", "", lines));
}

TEST(Mistakes, UnknownKeysNameTheNearestKnownOne) {
  EXPECT_EQ(in_sink("  starrocks:\n    usernam: x\n"),
            "job.yml:13:5: unknown key \"sink.starrocks.usernam\"; did you mean \"username\"?");
  EXPECT_EQ(in_source("  fe_nodes: x\n"), "job.yml:8:3: unknown key \"source.fe_nodes\"");
  EXPECT_EQ(in_source("  freshness: 1s\n"),
            "job.yml:8:3: unknown key \"source.freshness\"; did you "
            "mean \"walrock.freshness\"?");
  EXPECT_EQ(in_file("walrok: {memory: 1GB}\n"),
            "job.yml:12:1: unknown key \"walrok\"; did you mean \"walrock\"?");
  EXPECT_EQ(in_file("tables:\n  users:\n    unique_key: id\n"),
            "job.yml:14:5: unknown key \"tables.users.unique_key\"; did you mean \"unique-key\"?");
  EXPECT_EQ(in_file("zzzzzzzz: 1\n"), "job.yml:12:1: unknown key \"zzzzzzzz\"");
}

TEST(Mistakes, AreReportedTogetherInTheOrderOfTheFile) {
  EXPECT_EQ(
      mistakes_of("job: {id: shop}\n"
                  "source:\n"
                  "  hostname: localhost\n"
                  "  port: high\n"
                  "  usernme: x\n"
                  "  table-name: []\n"
                  "sink: {username: root, database: demo}\n"),
      "job.yml:2:1: missing key \"source.postgres-cdc.username\"; write it under source: "
      "postgres-cdc: (The role that walrock logs in as; it needs LOGIN, REPLICATION and SELECT "
      "on the tables.)\n"
      "job.yml:2:1: missing key \"source.postgres-cdc.database-name\"; write it under source: "
      "postgres-cdc: (The database that is read.)\n"
      "job.yml:4:9: source.port: expected a whole number, between 1 and 65535, found \"high\"\n"
      "job.yml:5:3: unknown key \"source.usernme\"; did you mean \"username\"?\n"
      "job.yml:6:15: source.table-name: expected a text or a list of texts, found an empty "
      "one\n"
      "job.yml:7:1: missing key \"sink.starrocks.fe-nodes\"; write it under sink: starrocks: "
      "(HTTP addresses of StarRocks' frontends as host:port (8030 without one); https:// "
      "before them for HTTPS.)");
}

TEST(Mistakes, OfTypesSayWhatWasExpectedAndFound) {
  EXPECT_EQ(
      in_source("  lock-wait: 10\n"),
      "job.yml:8:14: source.lock-wait: expected a duration with its unit, like 500ms, 10s, 5m "
      "or 1h, between 1ms and 24h, found \"10\"");
  EXPECT_EQ(in_source("  copy-rate: fast\n"),
            "job.yml:8:14: source.copy-rate: expected a size with its unit, like 512kB, 64MB or "
            "1GB, found \"fast\"");
  EXPECT_EQ(in_source("  password: [a]\n"),
            "job.yml:8:13: source.password: expected a text, found a list");
  EXPECT_EQ(in_source("  startup-mode: latst\n"),
            "job.yml:8:17: source.startup-mode: expected one of initial, latest, earliest, found "
            "\"latst\"; did you mean \"latest\"?");
  EXPECT_EQ(in_sink("  mysql-port:\n"),
            "job.yml:12:3: sink.mysql-port: expected a whole number, between 1 and 65535, found "
            "nothing");
  EXPECT_EQ(in_sink("  backend-hosts: a\n"),
            "job.yml:12:18: sink.backend-hosts: expected a map of texts, found \"a\"");
  EXPECT_EQ(in_file("schema-sync: {enable: maybe}\n"),
            "job.yml:12:23: schema-sync.enable: expected true or false, found \"maybe\"");
  EXPECT_EQ(
      in_file("walrock: {memory: 1MB}\n"),
      "job.yml:12:19: walrock.memory: expected a size with its unit, like 512kB, 64MB or 1GB, "
      "at least 64MB, found \"1MB\"");
  EXPECT_EQ(in_file("walrock: {http: 'a:1,b:2'}\n"),
            "job.yml:12:17: walrock.http: expected one host:port, found \"a:1,b:2\"");
  EXPECT_EQ(in_file("walrock: fast\n"),
            "job.yml:12:10: walrock: expected a map of keys, found \"fast\"");
  EXPECT_EQ(in_file("tables: [users]\n"),
            "job.yml:12:9: tables: expected a map of table names and their keys, found a list");
  EXPECT_EQ(in_source("  plugin.name: wal2json\n"),
            "job.yml:8:16: source.plugin.name: expected pgoutput, found \"wal2json\"");
}

TEST(Mistakes, OfTheDurableSpoolNameItsKeys) {
  EXPECT_EQ(in_file("walrock: {durable-spool: []}\n"),
            "job.yml:12:26: walrock.durable-spool: expected a path, found a list");
  EXPECT_EQ(
      in_file("walrock: {durable-spool: log, durable-spool-limit: 1MB}\n"),
      "job.yml:12:52: walrock.durable-spool-limit: expected a size with its unit, like 512kB, "
      "64MB or 1GB, at least 128MB, found \"1MB\"");
  EXPECT_EQ(
      in_file("walrock: {durable-spool-limit: 128}\n"),
      "job.yml:12:32: walrock.durable-spool-limit: expected a size with its unit, like 512kB, "
      "64MB or 1GB, at least 128MB, found \"128\"");
  EXPECT_EQ(in_file("walrock: {durable-spool-limits: 1GB}\n"),
            "job.yml:12:11: unknown key \"walrock.durable-spool-limits\"; did you mean "
            "\"durable-spool-limit\"?");
}

TEST(Mistakes, KeysThatStandTwiceAreFound) {
  EXPECT_EQ(in_source("  hostname: b\n"),
            "job.yml:8:3: key \"hostname\" stands twice (first on line 4); remove one");
  EXPECT_EQ(in_source("  startup-mode: latest\n  scan.startup.mode: initial\n"),
            "job.yml:9:22: source.scan.startup.mode: is given already as source.startup-mode "
            "(job.yml:8:17); remove one of them");
  EXPECT_EQ(in_source("  startup-mode: latest\n  scan.startup.mode: latest\n"), "accepted");
  EXPECT_EQ(in_sink("  load.properties: {format: csv}\n  sink.properties.format: json\n"),
            "job.yml:13:3: sink.sink.properties.format: is given already as "
            "sink.load.properties.format (job.yml:12:21); remove one of them");
}

TEST(Mistakes, OfYamlNameThePlace) {
  EXPECT_EQ(mistakes_of("job:\n  id: a\n bad: [\n").substr(0, 24), "job.yml:3:2: not valid Y");
  EXPECT_EQ(mistakes_of("- a\n"), "job.yml:1:1: a job file is a map of keys, found a list");
  EXPECT_EQ(mistakes_of("text\n"), "job.yml:1:1: a job file is a map of keys, found \"text\"");
  EXPECT_EQ(mistakes_of("").substr(0, 33), "job.yml: missing key \"job.id\"; wr");
  EXPECT_EQ(in_file("---\na: b\n").substr(0, 61),
            "job.yml:13:1: a job file holds one document, found several");
}

TEST(Mistakes, OfValuesThatServersWouldRefuseAreFoundHere) {
  EXPECT_EQ(in_source("  slot.name: My-Slot\n"),
            "job.yml:8:14: source.slot.name: expected up to 63 lower-case letters, digits and "
            "underscores, as PostgreSQL allows, found \"My-Slot\"");
  EXPECT_EQ(in_sink("  label.prefix: a b\n"),
            "job.yml:12:17: sink.label.prefix: expected up to 40 letters, digits, dashes and "
            "underscores, found \"a b\"");
  EXPECT_EQ(in_sink("  load.properties: {max_filter_ratio: 0.1, strict_mode: true}\n"),
            "job.yml:12:21: sink.load.properties.max_filter_ratio: cannot be set: rows would be "
            "lost silently");
  EXPECT_EQ(in_sink("  load.properties: {warehose: a}\n"),
            "job.yml:12:21: sink.load.properties.warehose: StarRocks' stream load has no such "
            "property; did you mean \"warehouse\"?");
  EXPECT_EQ(
      mistakes_of(small_job("", "", "", "table-name: 'a('")),
      "job.yml:7:15: table-name: \"a(\" is not a regular expression (missing ): public\\.(?:a()"
      ")");
  EXPECT_EQ(mistakes_of(small_job("", "", "", "table-name: other.public.users")),
            "job.yml:7:15: table-name: \"other.public.users\" has more than schema and table; the "
            "database of this job is \"demo\"");
}

TEST(Mistakes, OneTargetForSeveralTablesSaysWhatToDo) {
  EXPECT_EQ(
      mistakes_of(small_job("", "  table: people\n", "", "table-name: [users, orders]")),
      "job.yml:12:10: sink.table: \"people\" is one target for several source tables; leave it "
      "out, and each goes to a table of its own name, or write target-table into the table's "
      "block under tables:");
}

TEST(References, ComeFromTheEnvironmentAndFromFiles) {
  auto const folder = std::filesystem::temp_directory_path() / "walrock_config_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "secret") << "from$$file\n";
  setenv("WALROCK_TEST_HOST", "db:6432", 1);
  std::string text = small_job("  password: ${file:secret}\n", "  password: 'a$$b$c'\n");
  text.replace(text.find("hostname: localhost"), 19, "hostname: ${WALROCK_TEST_HOST}");
  text.replace(text.find("replicator"), 10, "${WALROCK_TEST_UNSET:-fallback}");
  JobSpec const job = parse_job(text, "job.yml", folder.string());
  EXPECT_EQ(job.source.password.reveal(), "from$$file");
  EXPECT_EQ(job.target.password.reveal(), "a$b$c");
  EXPECT_EQ(job.source.hosts, (std::vector<HostPort>{{"db", 6432}}));
  EXPECT_EQ(job.source.username, "fallback");
  std::filesystem::remove_all(folder);
}

TEST(References, ThatLeadNowhereNameKeyAndPlaceWithTheirOwnCode) {
  std::string const text =
      small_job("  password: ${WALROCK_TEST_UNSET}\n", "  password: ${file:/no/such}\n");
  EXPECT_EQ(
      mistakes_of(text),
      "job.yml:8:13: source.password: environment variable \"WALROCK_TEST_UNSET\" is not set\n"
      "job.yml:13:13: sink.password: cannot read the file \"/no/such\" (No such file or "
      "directory)");
  try {
    (void)parse(text);
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::secret_missing);
  }
  EXPECT_EQ(in_source("  password: ${oops\n"),
            "job.yml:8:13: source.password: \"${\" without \"}\"; write $$ for a dollar sign");
}

TEST(References, NeverShowWhatTheyBringIn) {
  setenv("WALROCK_TEST_VALUE", "topsecret", 1);
  for (char const* const line :
       {"  port: ${WALROCK_TEST_VALUE}\n", "  lock-wait: ${WALROCK_TEST_VALUE}\n",
        "  startup-mode: ${WALROCK_TEST_VALUE}\n", "  slot.name: ${WALROCK_TEST_VALUE}!\n",
        "  exclude-tables: ${WALROCK_TEST_VALUE}(\n"}) {
    std::string const found = in_source(line);
    EXPECT_NE(found, "accepted");
    EXPECT_EQ(found.find("topsecret"), std::string::npos) << found;
  }
  EXPECT_EQ(in_source("  port: ${WALROCK_TEST_VALUE}\n"),
            "job.yml:8:9: source.port: expected a whole number, between 1 and 65535, found another "
            "value in ${WALROCK_TEST_VALUE}");
}

TEST(Values, DurationsAndSizesHaveUnits) {
  EXPECT_EQ(parse_duration("500ms"), Milliseconds(500));
  EXPECT_EQ(parse_duration("10 s"), Milliseconds(10'000));
  EXPECT_EQ(parse_duration("5min"), Milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h"), Milliseconds(3'600'000));
  EXPECT_EQ(parse_duration("0"), Milliseconds(0));
  for (char const* const text :
       {"", "5", "s", "-1s", "1x", "1.5s", "99999999999999999999s", "9000000000000000000h"})
    EXPECT_FALSE(parse_duration(text)) << text;
  EXPECT_EQ(parse_size("512k"), 512ULL << 10);
  EXPECT_EQ(parse_size("64MB"), 64ULL << 20);
  EXPECT_EQ(parse_size("1GiB"), 1ULL << 30);
  EXPECT_EQ(parse_size("7b"), 7U);
  for (char const* const text : {"", "64", "MB", "-1MB", "1XB"})
    EXPECT_FALSE(parse_size(text)) << text;
  EXPECT_EQ(duration_text(Milliseconds(90'000)), "90s");
  EXPECT_EQ(size_text(3ULL << 19), "1536kB");
}

TEST(Values, Addresses) {
  EXPECT_EQ(parse_address("h", 1), (HostPort{"h", 1}));
  EXPECT_EQ(parse_address("h:2", 1), (HostPort{"h", 2}));
  EXPECT_EQ(parse_address("[::1]:2", 1), (HostPort{"::1", 2}));
  EXPECT_EQ(parse_address("[::1]", 1), (HostPort{"::1", 1}));
  EXPECT_EQ(parse_address("::1", 1), (HostPort{"::1", 1}));
  EXPECT_EQ(parse_address("/var/run/postgresql", 1), (HostPort{"/var/run/postgresql", 1}));
  for (char const* const text : {"", ":1", "h:", "h:x", "h:70000", "u@h", "h/x", "[::1", "[::1]x"})
    EXPECT_FALSE(parse_address(text, 1)) << text;
  EXPECT_EQ(to_string(HostPort{"::1", 2}), "[::1]:2");
}

TEST(Nearest, IsNothingWhenNothingIsNear) {
  EXPECT_EQ(edit_distance("slot", "solt"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(nearest("pasword", {"username", "password"}), "password");
  EXPECT_EQ(nearest("xyz", {"username", "id"}), "");
}

// Whatever a file holds, it is accepted or refused with an error of the job file.
TEST(JobFile, EveryPrefixOfAGoodFileIsAcceptedOrRefusedCleanly) {
  std::string const whole = read_source_file("tests/e2e/seed/application.yml");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try {
      (void)parse(whole.substr(0, length));
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), ErrorCode::job_file_invalid) << length;
    }
  }
}

} // namespace
} // namespace walrock
