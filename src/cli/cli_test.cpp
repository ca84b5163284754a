#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "checkpoint/endpoint_file.h"
#include "checkpoint/instance_lock.h"
#include "checkpoint/sqlite_store.h"
#include "cli/amounts.h"
#include "cli/exit_code.h"
#include "cli/read_status.h"
#include "cli/run_cli.h"
#include "cli/status_view.h"
#include "cli/text_table.h"
#include "http/api_server.h"
#include "http/status_json.h"

namespace walrock {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What a command printed and how it ended.
struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

Ran run(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), "walrock");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit_code = run_cli(static_cast<int>(arguments.size()), arguments.data());
  std::fflush(stdout);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

constexpr char kJob[] = R"(
job: {id: shop}
source:
  type: postgres-cdc
  postgres-cdc: {hostname: 127.0.0.1, port: 1, username: u, password: s3cret, database-name: d,
                 table-name: public.users}
sink:
  type: starrocks
  starrocks: {fe-nodes: "127.0.0.1:1", username: root, password: "", database: demo}
)";

class InFolder : public testing::Test {
protected:
  InFolder() {
    std::string name = "/tmp/walrock_cli_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    job_ = folder_ + "/job.yml";
    std::ofstream(job_) << kJob << "walrock: {checkpoint: " << folder_ << "/checkpoint}\n";
  }
  ~InFolder() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string job_;
};

Status two_tables() {
  Status status;
  status.job_id = "shop";
  status.job_name = "the shop";
  status.state = EngineState::copying;
  status.flushed_lsn = Lsn{0x16B3748};
  TableStatus users;
  users.name = {"public", "users"};
  users.target = {"demo", "users"};
  users.state = TableState::copying;
  users.copied_rows = 1000;
  users.estimated_rows = 4000;
  TableStatus orders;
  orders.name = {"public", "orders"};
  orders.target = {"demo", "orders"};
  orders.state = TableState::errored;
  orders.reason = "no key\nadd one";
  status.tables = {orders, users};
  return status;
}

TEST(Usage, MistakesEndWithExitCode2AndSayWhereHelpIs) {
  for (auto const& arguments :
       std::vector<std::vector<char const*>>{{},
                                             {"no-such-command"},
                                             {"run"},
                                             {"run", "--no-such-option", "job.yml"},
                                             {"run", "there-is-no-such-file.yml"},
                                             {"status", "there-is-no-such-file.yml"}}) {
    Ran const ran = run(arguments);
    EXPECT_EQ(ran.exit_code, 2) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("error: "));
    EXPECT_THAT(ran.err, HasSubstr("  advice: "));
    EXPECT_EQ(ran.out, "");
  }
}

TEST(Usage, HelpAndVersionGoToStdout) {
  Ran const help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("run"), HasSubstr("status"), HasSubstr("Exit codes")));
  Ran const version = run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, HasSubstr("walrock 0."));
  EXPECT_THAT(run({"run", "--help"}).out, HasSubstr("--until"));
}

TEST(Usage, TheReferenceIsMadeFromTheKeys) {
  EXPECT_THAT(run({"reference", "keys"}).out, HasSubstr("table-name"));
  EXPECT_THAT(run({"reference", "schema"}).out, HasSubstr("\"$schema\""));
}

TEST_F(InFolder, UntilTakesNowOrAPosition) {
  Ran const ran = run({"run", job_.c_str(), "--until", "yesterday"});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("yesterday"));
}

TEST_F(InFolder, ASecondInstanceIsRefused) {
  InstanceLock const lock(folder_ + "/checkpoint");
  Ran const ran = run({"run", job_.c_str()});
  EXPECT_EQ(ran.exit_code, 4);
  EXPECT_THAT(ran.err, HasSubstr(std::to_string(::getpid())));
}

TEST_F(InFolder, AJobThatNeverRanSaysSo) {
  Ran const ran = run({"status", job_.c_str()});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.err, HasSubstr("not running"));
  EXPECT_EQ(run({"status", job_.c_str(), "--json"}).out, "");
}

TEST_F(InFolder, AStoppedJobIsReadFromItsCheckpoint) {
  {
    SqliteStore store(folder_ + "/checkpoint");
    CheckpointUpdate update;
    JobRecord& job = update.job.emplace();
    job.job_id = "shop";
    job.system_identifier = "1";
    job.source_database = "d";
    job.slot_name = "s";
    job.publication_name = "p";
    job.consistent_lsn = Lsn{1};
    TableRecord record;
    record.id = {7};
    record.source = {"public", "users"};
    record.target = {"demo", "users"};
    record.state = TableState::ready;
    record.copied_rows = 1234;
    update.tables.push_back(record);
    update.flushed_lsn = Lsn{0x16B3748};
    store.write(update);
  }
  Ran const text = run({"status", job_.c_str()});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("stopped"), HasSubstr("not running"), HasSubstr("1,234"),
                              HasSubstr("0/16B3748"), HasSubstr("public.users")));
  auto const status = parse_status(run({"status", job_.c_str(), "--json"}).out);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, EngineState::stopped);
}

TEST_F(InFolder, ARunningJobAnswersThroughItsApi) {
  InstanceLock const lock(folder_ + "/checkpoint");
  EXPECT_THAT(run({"status", job_.c_str()}).out, HasSubstr("starting"));
  auto const status = std::make_shared<Status const>(two_tables());
  ApiServer const api("127.0.0.1", 0, [status] { return status; });
  EndpointFile const endpoint(folder_ + "/checkpoint", api.address());
  Ran const json = run({"status", job_.c_str(), "--json"});
  EXPECT_EQ(json.exit_code, 0);
  EXPECT_EQ(json.out, status_json(*status) + "\n");
  Ran const text = run({"status", job_.c_str()});
  EXPECT_THAT(text.out, AllOf(HasSubstr("the shop  copying"), HasSubstr("1,000"),
                              HasSubstr("public.orders is set aside: no key\nadd one")));
}

TEST_F(InFolder, AnApiThatDoesNotAnswerIsAnError) {
  InstanceLock const lock(folder_ + "/checkpoint");
  EndpointFile const endpoint(folder_ + "/checkpoint", "127.0.0.1:1");
  Ran const ran = run({"status", job_.c_str()});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.err, HasSubstr("127.0.0.1:1"));
}

TEST(ExitCode, RefusalsAndMistakesHaveTheirOwn) {
  EXPECT_EQ(exit_code_of(ErrorCode::job_file_invalid), 2);
  EXPECT_EQ(exit_code_of(ErrorCode::secret_missing), 2);
  EXPECT_EQ(exit_code_of(ErrorCode::slot_unknown), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::instance_running), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::source_login_refused), 1);
  EXPECT_EQ(exit_code_of(ErrorCode::internal), 1);
}

TEST(ExitCode, AnErrorIsOneLineAndItsAdviceAnother) {
  EXPECT_EQ(error_text({ErrorCode::usage, Retry::never, "what", "do this"}),
            "error: what\n  advice: do this\n");
}

TEST(StatusView, SurvivesTheWayThroughJson) {
  auto const back = parse_status(status_json(two_tables()));
  ASSERT_TRUE(back);
  EXPECT_EQ(status_lines(*back, nullptr), status_lines(two_tables(), nullptr));
  EXPECT_FALSE(parse_status("<html>"));
  EXPECT_FALSE(parse_status("{\"state\":\"resting\"}"));
}

TEST(StatusView, ShowsRateShareAndTimeLeftOfACopy) {
  RateMeter rates;
  Status status = two_tables();
  TimePoint const start{};
  rates.add(status, start);
  status.tables[1].copied_rows = 2000;
  rates.add(status, start + std::chrono::seconds(2));
  EXPECT_DOUBLE_EQ(rates.of({"public", "users"}), 500);
  std::vector<std::string> const lines = status_lines(status, &rates);
  EXPECT_THAT(lines.back(), AllOf(HasSubstr("500/s"), HasSubstr("50%"), HasSubstr("4.0 s")));
  EXPECT_THAT(lines[3],
              AllOf(HasSubstr("errored"), HasSubstr("no key"), Not(HasSubstr("add one"))));
}

TEST(StatusView, KeepsTheTablesThatNeedAttention) {
  Status status;
  for (int i = 0; i < 50; ++i) {
    TableStatus table;
    table.name = {"public", "t" + std::to_string(100 + i)};
    table.state = i == 40 ? TableState::errored : TableState::ready;
    status.tables.push_back(table);
  }
  auto const lines = status_lines(status, nullptr, {40, 10});
  EXPECT_EQ(lines.size(), 10U);
  EXPECT_THAT(lines, testing::Contains(HasSubstr("public.t140")));
  EXPECT_EQ(lines.back(), "and 44 ready more");
  for (std::string const& line : lines)
    EXPECT_LE(width_of(line), 40U);
}

TEST(RateMeter, ForgetsWhatIsLongAgoAndAcceptsACopyThatBeginsAgain) {
  RateMeter rates;
  Status status = two_tables();
  for (int second = 0; second < 20; ++second) {
    status.tables[1].copied_rows = second < 10 ? 1000U * static_cast<unsigned>(second) : 10'000U;
    rates.add(status, TimePoint{} + std::chrono::seconds(second));
  }
  EXPECT_DOUBLE_EQ(rates.total(), 0);
  status.tables[1].copied_rows = 0;
  rates.add(status, TimePoint{} + std::chrono::seconds(20));
  EXPECT_DOUBLE_EQ(rates.total(), 0);
}

TEST(Amounts, AreReadable) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(12345678), "11.8 MB");
  EXPECT_EQ(seconds_text(0.04), "0.0 s");
  EXPECT_EQ(seconds_text(75), "1m15s");
  EXPECT_EQ(seconds_text(7321), "2h02m");
  EXPECT_EQ(rate_text(0.2), "");
  EXPECT_EQ(rate_text(1234.5), "1,235/s");
}

TEST(TextTable, AlignsByCodePoint) {
  auto const lines = table_lines({{"name", "n"}, {"\xc3\xa4", "12"}}, {Align::left, Align::right});
  EXPECT_EQ(lines[0], "name   n");
  EXPECT_EQ(lines[1], "\xc3\xa4     12");
  EXPECT_EQ(cut_line("\xc3\xa4\xc3\xa4\xc3\xa4", 2), "\xc3\xa4~");
  EXPECT_EQ(cut_line("a\nb", 5), "a b");
}

} // namespace
} // namespace walrock
