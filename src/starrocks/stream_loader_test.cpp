// Load transactions against a frontend and a backend that say what each test wants.
#include "starrocks/stream_loader.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/error.h"
#include "starrocks/fake_http_test.h"

namespace walrock {
namespace {

using Load = LoadOutcome::Kind;
using Commit = CommitOutcome::Kind;
using Call = CallOutcome::Kind;

Label const kLabel{"demo", "walrock_shop_1_00_1_0_0"};

std::string status_of(std::string const& status, std::string const& message = "") {
  return R"({"Status":")" + status + R"(","Message":")" + message + R"("})";
}

std::string state_of(std::string const& state) {
  return R"({"state":")" + state + R"(","status":"OK","code":"0","msg":"Success"})";
}

std::string counted(int total, int loaded, int filtered, std::string const& url = "") {
  return R"({"Status":"OK","Message":"","Label":")" + kLabel.text +
         R"(","TxnId":7,"NumberTotalRows":)" + std::to_string(total) + R"(,"NumberLoadedRows":)" +
         std::to_string(loaded) + R"(,"NumberFilteredRows":)" + std::to_string(filtered) +
         R"(,"NumberUnselectedRows":0,"ErrorURL":")" + url + R"("})";
}

// A frontend that redirects what a backend answers, and both with an answer per call.
class Loads : public testing::Test {
protected:
  Loads()
      : backend_([this](FakeRequest const& r) { return answer(backend_answers_, r); }),
        frontend_([this](FakeRequest const& r) { return front(r); }) {
    ok("begin", R"({"Status":"OK","Message":"","Label":")" + kLabel.text + R"(","TxnId":7})");
    ok("load", status_of("OK"));
    ok("prepare", counted(2, 2, 0));
    ok("rollback", status_of("OK"));
    frontend_answers_["commit"] = {200, R"({"Label":"l","Status":"OK","TxnId":7,"Message":""})", "",
                                   true, false};
    frontend_answers_["get_load_state"] = {200, state_of("PREPARED"), "", true, false};
    frontend_answers_["_cancel"] = {200, R"({"status":"OK","code":"0","msg":"Success"})", "", true,
                                    false};
    address_.frontends = {{"127.0.0.1", frontend_.port()}};
    address_.username = "walrock";
    address_.password = Secret("secret");
    address_.backend_hosts["be.internal:8040"] = "127.0.0.1:" + std::to_string(backend_.port());
    options_.busy_timeout = Milliseconds(200);
    options_.version = {4, 1, 0};
    batch_.spec.target = {"demo", "users"};
    batch_.spec.columns = "`id`,`name`,__op";
    add_body(std::string("1\x01"
                         "a\x01"
                         "0\x02"
                         "2\x01"
                         "b\x01"
                         "0\x02"));
    batch_.row_count = 2;
  }

  void add_body(std::string bytes) {
    Body body;
    body.size = bytes.size();
    body.bytes = std::move(bytes);
    batch_.bodies.push_back(std::move(body));
  }

  void ok(std::string const& call, std::string body) {
    backend_answers_[call] = {200, std::move(body), "", true, false};
  }
  void frontend_says(std::string const& call, std::string body, int status = 200) {
    frontend_answers_[call] = {status, std::move(body), "", true, false};
  }
  void lose(std::string const& call) {
    (frontend_answers_.count(call) != 0 ? frontend_answers_ : backend_answers_)[call].is_lost =
        true;
  }

  static std::string call_of(FakeRequest const& request) {
    std::string const path = request.path.substr(0, request.path.find('?'));
    return path.substr(path.rfind('/') + 1);
  }

  FakeReply front(FakeRequest const& request) {
    if (frontend_answers_.count(call_of(request)) != 0)
      return answer(frontend_answers_, request);
    return {307, "", "http://be.internal:8040" + request.path, false, false};
  }

  FakeReply answer(std::map<std::string, FakeReply>& answers, FakeRequest const& request) {
    std::lock_guard const lock(mutex_);
    std::string const call = call_of(request);
    calls_ += (calls_.empty() ? "" : " ") + call;
    if (on_call_)
      on_call_(call);
    return answers.count(call) != 0 ? answers[call] : FakeReply{404, "Not Found", "", true, false};
  }

  std::string calls() {
    std::lock_guard const lock(mutex_);
    return calls_;
  }

  LoadOutcome load() {
    StreamLoader loader(address_, options_);
    return loader.load({kLabel, &batch_});
  }
  CommitOutcome commit() { return StreamLoader(address_, options_).commit(kLabel); }
  CallOutcome rollback() { return StreamLoader(address_, options_).rollback(kLabel); }

  FakeRequest sent(std::string const& call) {
    for (auto const& request : backend_.requests())
      if (call_of(request) == call)
        return request;
    ADD_FAILURE() << "no " << call;
    return {};
  }

  std::mutex mutex_;
  std::map<std::string, FakeReply> frontend_answers_;
  std::map<std::string, FakeReply> backend_answers_;
  std::function<void(std::string const&)> on_call_; // under the mutex
  std::string calls_;
  FakeHttp backend_;
  FakeHttp frontend_;
  TargetAddress address_;
  LoadOptions options_;
  Batch batch_;
};

TEST_F(Loads, ALabelIsBegunLoadedAndPreparedInFourRoundTrips) {
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::prepared) << outcome.message;
  EXPECT_EQ(outcome.loaded_rows, 2U);
  EXPECT_EQ(outcome.txn_id, 7);
  EXPECT_EQ(calls(), "begin load prepare");
  EXPECT_EQ(frontend_.requests().size(), 1U);
  FakeRequest const request = sent("load");
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.body, batch_.bodies[0].bytes);
  std::map<std::string, std::string> const wanted{
      {"label", kLabel.text},     {"db", "demo"},
      {"table", "users"},         {"columns", "`id`,`name`,__op"},
      {"strict_mode", "true"},    {"max_filter_ratio", "0"},
      {"timezone", "UTC"},        {"column_separator", "\\x01"},
      {"row_delimiter", "\\x02"}, {"format", "csv"},
      {"timeout", "600"}};
  for (auto const& [name, value] : wanted)
    EXPECT_EQ(request.headers.count(name) != 0 ? request.headers.at(name) : "(none)", value)
        << name;
  EXPECT_EQ(request.headers.count("partial_update"), 0U);
  EXPECT_EQ(sent("begin").headers.at("timeout"), "600");
  EXPECT_EQ(sent("prepare").headers.at("prepared_timeout"), "86400");
}

TEST_F(Loads, AnOlderServerIsNotToldThePreparedTimeout) {
  options_.version = {3, 5, 3};
  EXPECT_EQ(load().kind, Load::prepared);
  EXPECT_EQ(sent("prepare").headers.count("prepared_timeout"), 0U);
}

TEST_F(Loads, JsonIsSaidWithItsOptions) {
  batch_.spec.format = LoadFormat::json;
  batch_.spec.partial_update = true;
  options_.compression = Compression::zstd;
  EXPECT_EQ(load().kind, Load::prepared);
  FakeRequest const request = sent("load");
  EXPECT_EQ(request.headers.at("format"), "json");
  EXPECT_EQ(request.headers.at("strip_outer_array"), "true");
  EXPECT_EQ(request.headers.at("ignore_json_size"), "true");
  EXPECT_EQ(request.headers.at("partial_update"), "true");
  EXPECT_EQ(request.headers.at("compression"), "ZSTD");
  EXPECT_EQ(request.headers.count("column_separator"), 0U);
}

TEST(UsableCompression, IsWhatTheServerIsKnownToRead) {
  LoadOptions options;
  options.compression = Compression::lz4;
  LoadSpec json;
  json.format = LoadFormat::json;
  EXPECT_EQ(usable_compression(json, 2, options), Compression::none) << "unknown version";
  options.version = {3, 2, 6};
  EXPECT_EQ(usable_compression(json, 2, options), Compression::none);
  options.version = {3, 2, 7};
  EXPECT_EQ(usable_compression(json, 2, options), Compression::lz4);
  EXPECT_EQ(usable_compression(LoadSpec(), 1, options), Compression::lz4);
  EXPECT_EQ(usable_compression(LoadSpec(), 2, options), Compression::none)
      << "CSV bodies run into one pipe";
}

class Spooled : public SpooledBytes {
public:
  explicit Spooled(bool is_broken) : is_broken_(is_broken) {}
  std::string read() const override {
    if (is_broken_)
      throw Error(ErrorCode::spool_failed, "cannot read the spool");
    return "from disk\x02";
  }

private:
  bool is_broken_;
};

TEST_F(Loads, SpooledBodiesAreReadBack) {
  Body body;
  body.spooled = std::make_unique<Spooled>(false);
  batch_.bodies.push_back(std::move(body));
  EXPECT_EQ(load().kind, Load::prepared);
  EXPECT_EQ(calls(), "begin load load prepare");
  EXPECT_EQ(backend_.requests()[2].body, "from disk\x02");
}

TEST_F(Loads, ASpoolThatCannotBeReadRollsBack) {
  batch_.bodies[0].spooled = std::make_unique<Spooled>(true);
  EXPECT_THROW((void)load(), Error);
  EXPECT_EQ(calls(), "begin rollback");
}

TEST_F(Loads, ALabelThatExistsIsSaidAndLeftAlone) {
  ok("begin", status_of("LABEL_ALREADY_EXISTS", "Label [l] has already been used."));
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::label_exists);
  EXPECT_NE(outcome.message.find("already been used"), std::string::npos);
  EXPECT_EQ(calls(), "begin");
}

TEST_F(Loads, RefusedRowsComeWithTheirKeysColumnsAndReasons) {
  batch_.spec.key = {"id"};
  ok("prepare", counted(2, 1, 1, "http://be.internal:8040/api/_load_error_log?file=e"));
  ok("_load_error_log",
     "Error: NULL value in non-nullable column 'name'. Row: [1, NULL, 0]\nError: second. Row: [2]");
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::rows_refused);
  EXPECT_EQ(outcome.refused_rows, 1U);
  ASSERT_EQ(outcome.refusals.size(), 2U);
  EXPECT_EQ(to_string(outcome.refusals[0]),
            "row id=1, column name: NULL value in non-nullable column 'name'");
  EXPECT_EQ(calls(), "begin load prepare _load_error_log rollback");
  EXPECT_EQ(sent("_load_error_log").headers.count("authorization"), 0U);
}

TEST_F(Loads, ALogThatIsNotFullCountsWhatTheAnswerDoesNot) {
  batch_.spec.key = {"id"};
  ok("prepare", R"({"Status":"INTERNAL_ERROR","Message":"too many filtered rows",
                    "ErrorURL":"http://be.internal:8040/api/_load_error_log?file=e"})");
  ok("_load_error_log", "Error: one. Row: [1, NULL]\nError: two. Row: [2, NULL]\n");
  EXPECT_EQ(load().refused_rows, 2U);
  std::string full;
  for (int i = 0; i < 50; ++i)
    full += "Error: one. Row: [1, NULL]\n";
  ok("_load_error_log", full);
  EXPECT_EQ(load().refused_rows, 0U) << "there may be more";
}

TEST_F(Loads, AnErrorLogThatCannotBeReadIsNamed) {
  ok("prepare", R"({"Status":"INTERNAL_ERROR","Message":"too many filtered rows",
                    "NumberTotalRows":2,"NumberFilteredRows":2,
                    "ErrorURL":"http://be.internal:8040/gone"})");
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::rows_refused);
  EXPECT_EQ(outcome.refused_rows, 2U);
  EXPECT_TRUE(outcome.refusals.empty());
  EXPECT_NE(outcome.message.find("http://be.internal:8040/gone"), std::string::npos);
}

TEST_F(Loads, ARowThatTheErrorLogDoesNotNameIsSearchedUnderTheSameLabel) {
  batch_.spec.key = {"id"};
  batch_.byte_count = batch_.bodies[0].size;
  int prepares = 0;
  on_call_ = [&](std::string const& call) {
    if (call == "load") // both rows, the first, the second
      backend_answers_["prepare"].body =
          prepares == 1 ? counted(1, 1, 0) : counted(2 - prepares / 2, 1 - prepares / 2, 1);
    prepares += call == "prepare" ? 1 : 0;
  };
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::rows_refused);
  EXPECT_EQ(outcome.refused_rows, 1U);
  ASSERT_EQ(outcome.refusals.size(), 1U);
  EXPECT_EQ(outcome.refusals[0].key, (std::vector<KeyCell>{{"id", "2"}}));
  EXPECT_EQ(calls(), "begin load prepare rollback begin load prepare rollback begin load prepare "
                     "rollback");
}

TEST_F(Loads, OkWithOtherCountsIsNotSuccess) {
  for (std::string const& answer :
       {counted(1, 1, 0), counted(3, 3, 0), counted(0, 0, 0), status_of("OK"),
        std::string(R"({"Status":"OK","NumberLoadedRows":2})"),
        std::string(
            R"({"Status":"OK","Label":"other","NumberLoadedRows":2,"NumberFilteredRows":0})")}) {
    calls_.clear();
    ok("prepare", answer);
    LoadOutcome const outcome = load();
    EXPECT_EQ(outcome.kind, Load::failed) << answer;
    EXPECT_EQ(calls(), "begin load prepare rollback") << answer;
  }
}

TEST_F(Loads, RefusalsHaveTheirKindAndAreRolledBack) {
  struct Case {
    char const* call;
    char const* status;
    char const* message;
    Load kind;
    char const* calls;
  };
  for (Case const& c :
       {Case{"begin", "FAILED", "current running txns on db 1 is 1000, larger than limit 1000",
             Load::busy, "begin"},
        Case{"begin", "FAILED", "unknown table x", Load::target_broken, "begin"},
        Case{"load", "ANALYSIS_ERROR", "Mapping column is not in table. column: c",
             Load::target_broken, "begin load rollback"},
        Case{"load", "ABORTED", "current transaction is aborted", Load::failed,
             "begin load rollback"},
        Case{"load", "TXN_NOT_EXISTS", "Transaction with label l not exists", Load::failed,
             "begin load rollback"},
        Case{"prepare", "INTERNAL_ERROR", "because of too many versions, current/limit", Load::busy,
             "begin load prepare rollback"},
        Case{"prepare", "DATA_QUALITY_ERROR", "bad", Load::rows_refused,
             "begin load prepare rollback"}}) {
    SetUp();
    calls_.clear();
    auto const saved = backend_answers_;
    ok(c.call, status_of(c.status, c.message));
    EXPECT_EQ(load().kind, c.kind) << c.message;
    EXPECT_EQ(calls(), c.calls) << c.message;
    backend_answers_ = saved;
  }
}

TEST_F(Loads, AForeignPageIsNeverSuccess) {
  for (char const* const call : {"begin", "load", "prepare"}) {
    auto const saved = backend_answers_;
    ok(call, "<html><body>OK Success</body></html>");
    LoadOutcome const outcome = load();
    EXPECT_EQ(outcome.kind, Load::failed) << call;
    EXPECT_NE(outcome.message.find("<html>"), std::string::npos);
    backend_answers_ = saved;
  }
  frontend_says("begin", "<html>", 502);
  frontend_says("rollback", "<html>", 502);
  frontend_says("get_load_state", "<html>", 502);
  EXPECT_EQ(load().kind, Load::unreachable);
}

TEST_F(Loads, ALostPrepareIsRolledBackAndMayBeLoadedAgain) {
  lose("prepare");
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::failed);
  // The second prepare is libcurl's, which saw a kept-alive connection die.
  EXPECT_EQ(calls(), "begin load prepare prepare rollback");
}

TEST_F(Loads, ABeginThatWasRepeatedFindsItsOwnLabelAndRollsItBack) {
  StreamLoader loader(address_, options_);
  ASSERT_EQ(loader.load({kLabel, &batch_}).kind, Load::prepared);
  calls_.clear();
  int begins = 0;
  on_call_ = [&](std::string const& call) {
    if (call == "begin")
      backend_answers_["begin"] = {200, status_of("LABEL_ALREADY_EXISTS"), "", true, ++begins == 1};
  };
  EXPECT_EQ(loader.load({kLabel, &batch_}).kind, Load::failed);
  EXPECT_EQ(calls(), "begin begin rollback");
}

TEST_F(Loads, ALostLoadIsNotSentTwice) {
  lose("load");
  EXPECT_EQ(load().kind, Load::failed);
  EXPECT_EQ(calls(), "begin load rollback");
}

TEST_F(Loads, ALostPrepareWithoutARollbackIsUnreachable) {
  lose("prepare");
  lose("rollback");
  frontend_says("get_load_state", "", 503);
  EXPECT_EQ(load().kind, Load::unreachable);
}

TEST_F(Loads, NobodyThereIsUnreachable) {
  address_.frontends = {{"127.0.0.1", 1}};
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::unreachable);
  EXPECT_NE(outcome.message.find("127.0.0.1:1"), std::string::npos) << outcome.message;
}

TEST_F(Loads, ALabelThatIsInProcessingIsTriedAgain) {
  int left = 3;
  on_call_ = [&](std::string const& call) {
    if (call == "prepare")
      backend_answers_["prepare"].body =
          left-- > 0 ? status_of("TXN_IN_PROCESSING", "please retry later") : counted(2, 2, 0);
  };
  EXPECT_EQ(load().kind, Load::prepared);
  EXPECT_EQ(calls(), "begin load prepare prepare prepare prepare");
}

TEST_F(Loads, ALabelThatStaysInProcessingIsBusyInTheEnd) {
  ok("load", status_of("TXN_IN_PROCESSING", "Transaction in processing, please retry later"));
  EXPECT_EQ(load().kind, Load::busy);
}

TEST_F(Loads, ALoginRefusedIsWaitedFor) {
  frontend_says(
      "begin", R"({"status":"FAILED","code":"1","msg":"Access denied for walrock@10.0.0.1"})", 401);
  LoadOutcome const outcome = load();
  EXPECT_EQ(outcome.kind, Load::unreachable);
  EXPECT_NE(outcome.message.find("Access denied"), std::string::npos);
  EXPECT_EQ(outcome.message.find("secret"), std::string::npos);
}

TEST_F(Loads, ANameThatBreaksAHeaderIsRefusedBeforeItIsSent) {
  batch_.spec.columns = "`a\r\nmax_filter_ratio: 1`";
  EXPECT_EQ(load().kind, Load::target_broken);
  EXPECT_EQ(calls(), "");
}

TEST_F(Loads, CommitsAreAClosedListOfAnswers) {
  struct Case {
    std::string answer;
    std::string state;
    Commit kind;
    bool is_visible;
  };
  for (Case const& c : std::vector<Case>{
           {R"({"Label":"l","Status":"OK","TxnId":7,"Message":""})", "UNKNOWN", Commit::committed,
            true},
           {status_of("OK", "label l transaction 7 has already committed"), "VISIBLE",
            Commit::committed, true},
           {status_of("OK", "Transaction 7 has already committed, label is l"), "COMMITTED",
            Commit::committed, false},
           {status_of("Publish Timeout"), "UNKNOWN", Commit::committed, false},
           {status_of("FAILED", "publish timeout: 20000"), "COMMITTED", Commit::committed, false},
           {status_of("FAILED", "publish timeout: 20000"), "VISIBLE", Commit::committed, true},
           {status_of("FAILED", "class com.x.UserException: cannot commit aborted transaction 7"),
            "UNKNOWN", Commit::aborted, false},
           {status_of("FAILED", "anything"), "ABORTED", Commit::aborted, false},
           {status_of("FAILED", "anything"), "PREPARED", Commit::in_doubt, false},
           {status_of("FAILED", "No transaction found with db[d] and label[l]"), "UNKNOWN",
            Commit::in_doubt, false},
           {status_of("TXN_NOT_EXISTS"), "VISIBLE", Commit::committed, true},
           {status_of("INTERNAL_ERROR", "hasn't send any data yet"), "PREPARE", Commit::in_doubt,
            false},
           {"<html>OK</html>", "PREPARED", Commit::in_doubt, false},
           {"<html>OK</html>", "<garbage>", Commit::in_doubt, false}}) {
    frontend_says("commit", c.answer);
    frontend_says("get_load_state", state_of(c.state));
    CommitOutcome const outcome = commit();
    EXPECT_EQ(outcome.kind, c.kind) << c.answer << " " << c.state;
    EXPECT_EQ(outcome.is_visible, c.is_visible) << c.answer << " " << c.state;
  }
}

TEST_F(Loads, ACommitWithoutAnAnswerIsInDoubt) {
  lose("commit");
  EXPECT_EQ(commit().kind, Commit::in_doubt);
  address_.frontends = {{"127.0.0.1", 1}};
  EXPECT_EQ(commit().kind, Commit::in_doubt);
}

TEST_F(Loads, RollbackIsDoneWhenTheTransactionIsGone) {
  struct Case {
    std::string answer;
    std::string state;
    Call kind;
    std::string calls;
  };
  for (Case const& c : std::vector<Case>{
           {status_of("OK"), "PREPARED", Call::done, "rollback"},
           {status_of("OK", "transaction has already aborted"), "ABORTED", Call::done, "rollback"},
           {status_of("FAILED", "No transaction found"), "UNKNOWN", Call::done,
            "rollback get_load_state"},
           {status_of("FAILED", "cannot abort committed transaction 7"), "VISIBLE", Call::refused,
            "rollback get_load_state"},
           {status_of("FAILED", "cannot abort committed transaction 7"), "COMMITTED",
            Call::unreachable, "rollback get_load_state"},
           {status_of("TXN_NOT_EXISTS"), "PREPARE", Call::done, "rollback get_load_state _cancel"},
           {status_of("FAILED", "x"), "PREPARED", Call::unreachable, "rollback get_load_state"},
           {"<html>", "<html>", Call::unreachable, "rollback get_load_state"}}) {
    calls_.clear();
    ok("rollback", c.answer);
    frontend_says("get_load_state", state_of(c.state));
    EXPECT_EQ(rollback().kind, c.kind) << c.answer;
    EXPECT_EQ(calls(), c.calls) << c.answer;
  }
}

TEST_F(Loads, ABackendThatIsGoneLosesItsTransactionByCancel) {
  address_.backend_hosts["be.internal:8040"] = "127.0.0.1:1";
  frontend_says("get_load_state", state_of("PREPARE"));
  EXPECT_EQ(rollback().kind, Call::done);
  EXPECT_EQ(calls(), "get_load_state _cancel");
  EXPECT_EQ(frontend_.requests().back().path,
            "/api/demo/" + kLabel.text + "/_cancel?label=" + kLabel.text);
}

TEST_F(Loads, LabelStatesAreAskedByName) {
  frontend_says("get_load_state", state_of("VISIBLE"));
  EXPECT_EQ(StreamLoader(address_, options_).label_state(kLabel), LabelState::visible);
  EXPECT_EQ(frontend_.requests().back().path, "/api/demo/get_load_state?label=" + kLabel.text);
  address_.frontends = {{"127.0.0.1", 1}};
  EXPECT_EQ(StreamLoader(address_, options_).label_state(kLabel), LabelState::unreachable);
}

// Several tables in one transaction.
class Groups : public Loads {
protected:
  Groups() : other_(batch_of("orders")), progress_(batch_of("_walrock_progress")) {
    frontend_says("begin", status_of("OK"));
    frontend_says("rollback", status_of("OK"));
    frontend_says("get_load_state", state_of("VISIBLE"));
  }

  static Batch batch_of(std::string table) {
    Batch batch;
    batch.spec.target = {"demo", std::move(table)};
    batch.spec.columns = "`id`";
    Body body;
    body.bytes = "1\x02";
    body.size = body.bytes.size();
    batch.bodies.push_back(std::move(body));
    batch.row_count = 1;
    return batch;
  }

  GroupOutcome load_group() {
    return StreamLoader(address_, options_).load_group({kLabel, {&batch_, &other_}, &progress_});
  }

  Batch other_;
  Batch progress_;
};

using Outcome = GroupOutcome::Kind;

TEST_F(Groups, EveryCallGoesToAFrontendAndSaysWhatItIs) {
  GroupOutcome const outcome = load_group();
  EXPECT_EQ(outcome.kind, Outcome::committed) << outcome.message;
  EXPECT_EQ(calls(), "begin load load load commit get_load_state");
  for (FakeRequest const& request : frontend_.requests())
    if (request.path.find("/api/transaction/") == 0) {
      EXPECT_EQ(request.headers.at("transaction_type"), "multi") << request.path;
    }
  EXPECT_EQ(sent("load").headers.at("transaction_type"), "multi");
  EXPECT_EQ(frontend_.requests().at(0).headers.at("timeout"), "600") << "20 s otherwise";
  EXPECT_EQ(frontend_.requests().at(0).headers.count("table"), 0U);
}

TEST_F(Groups, OnlyWhatIsVisibleIsCommittedAndOnlyWhatIsAbortedIsGone) {
  struct Case {
    std::string answer;
    std::string state;
    Outcome kind;
  };
  for (Case const& c : std::vector<Case>{
           {status_of("OK"), "VISIBLE", Outcome::committed},
           {status_of("OK"), "COMMITTED", Outcome::unsettled},
           {status_of("OK"), "PREPARE", Outcome::unsettled},
           {status_of("OK"), "UNKNOWN", Outcome::unsettled},
           {status_of("FAILED", "publish timeout"), "VISIBLE", Outcome::committed},
           {status_of("FAILED", "publish timeout"), "COMMITTED", Outcome::unsettled},
           {status_of("FAILED", "stream load task l does not exist"), "UNKNOWN",
            Outcome::unsettled},
           {status_of("FAILED", "Failed to load table orders: too many filtered rows"), "ABORTED",
            Outcome::gone},
           {"<html>", "ABORTED", Outcome::gone},
           {"<html>", "<html>", Outcome::unsettled}}) {
    frontend_says("commit", c.answer);
    frontend_says("get_load_state", state_of(c.state));
    EXPECT_EQ(load_group().kind, c.kind) << c.answer << " " << c.state;
  }
  frontend_says("get_load_state", state_of("VISIBLE"));
  lose("commit");
  EXPECT_EQ(load_group().kind, Outcome::committed) << "without an answer its state tells";
}

TEST_F(Groups, ARefusedRowIsBlamedOnTheTableThatIsNamed) {
  frontend_says("commit", status_of("FAILED", "Failed to load table orders: too many filtered "
                                              "rows, tracking_url: http://x/log"));
  frontend_says("get_load_state", state_of("ABORTED"));
  GroupOutcome const outcome = load_group();
  EXPECT_EQ(outcome.cause, Load::rows_refused);
  EXPECT_EQ(outcome.culprit, std::optional<std::size_t>(1));
}

TEST_F(Groups, WhatARollbackSaysIsNotBelieved) {
  ok("load", status_of("INTERNAL_ERROR", "disk full"));
  frontend_says("get_load_state", state_of("ABORTED"));
  GroupOutcome const gone = load_group();
  EXPECT_EQ(gone.kind, Outcome::gone);
  EXPECT_EQ(gone.cause, Load::failed);
  EXPECT_EQ(gone.culprit, std::optional<std::size_t>(0));
  calls_.clear();
  frontend_says("get_load_state", state_of("PREPARE"));
  EXPECT_EQ(load_group().kind, Outcome::unsettled) << "OK, and it is still open";
  EXPECT_EQ(calls(), "begin load rollback get_load_state _cancel get_load_state");
  frontend_says("get_load_state", state_of("UNKNOWN"));
  EXPECT_EQ(load_group().kind, Outcome::unsettled) << "its progress is asked for";
}

TEST_F(Groups, BytesThatDidNotArriveAreNoSuccess) {
  ok("load", R"({"Status":"OK","Message":"","LoadBytes":3})");
  frontend_says("get_load_state", state_of("ABORTED"));
  GroupOutcome const outcome = load_group();
  EXPECT_EQ(outcome.kind, Outcome::gone);
  EXPECT_NE(outcome.message.find("StarRocks counted 3"), std::string::npos) << outcome.message;
  EXPECT_EQ(calls().find("commit"), std::string::npos);
}

TEST_F(Groups, ABeginThatIsRefusedHasBegunNothing) {
  frontend_says("begin", status_of("FAILED", "current running txns on db 1 is 1000, larger than "
                                             "limit 1000"));
  GroupOutcome const busy = load_group();
  EXPECT_EQ(busy.kind, Outcome::gone);
  EXPECT_EQ(busy.cause, Load::busy);
  EXPECT_EQ(calls(), "begin");
  frontend_says("begin", status_of("LABEL_ALREADY_EXISTS"));
  EXPECT_EQ(load_group().cause, Load::label_exists);
  lose("begin");
  frontend_says("get_load_state", state_of("<html>"));
  EXPECT_EQ(load_group().kind, Outcome::unsettled);
  address_.frontends = {{"127.0.0.1", 1}};
  GroupOutcome const away = load_group();
  EXPECT_EQ(away.kind, Outcome::gone);
  EXPECT_EQ(away.cause, Load::unreachable);
}

TEST_F(Groups, SettlingIsWithoutAVerdictUntilTheStateTells) {
  using Verdict = GroupVerdict::Kind;
  auto const verdict = [this] {
    return StreamLoader(address_, options_).settle_group(kLabel, "job").kind;
  };
  for (auto const& [state, kind] : std::map<std::string, Verdict>{
           {"ABORTED", Verdict::gone},
           {"COMMITTED", Verdict::unreachable},
           {"PREPARE", Verdict::unreachable},
           {"PREPARED", Verdict::unreachable},
           {"<html>", Verdict::unreachable},
           {"VISIBLE", Verdict::unreachable}, // nobody says of which tables it was
           {"UNKNOWN", Verdict::unreachable}}) {
    frontend_says("get_load_state", state_of(state));
    EXPECT_EQ(verdict(), kind) << state;
  }
}

TEST_F(Loads, StatementsWithoutAServerAreUnreachable) {
  address_.mysql_port = 1;
  StreamLoader loader(address_, options_);
  EXPECT_EQ(loader.truncate({"demo", "users"}).kind, Call::unreachable);
  EXPECT_EQ(loader.add_columns({"demo", "users"}, {}).kind, Call::unreachable);
}

} // namespace
} // namespace walrock
