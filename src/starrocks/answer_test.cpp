// Every family of answers in the protocol notes, and what is made of it.
#include "starrocks/answer.h"

#include <gtest/gtest.h>

namespace walrock {
namespace {

using Kind = LoadOutcome::Kind;

std::string json_of(std::string const& status, std::string const& message) {
  return "{\n  \"Status\": \"" + status + "\",\n  \"Message\": \"" + message + "\"\n}";
}

TEST(ParseAnswer, ReadsTheCountsOfAPrepare) {
  Answer const answer = parse_answer(
      200,
      R"({"Status":"OK","Message":"","Label":"l1","TxnId":501,"Db":"new key","NumberTotalRows":5,
               "NumberLoadedRows":3,"NumberFilteredRows":2,"NumberUnselectedRows":0,"LoadBytes":57,
               "ErrorURL":"http://be:8040/api/_load_error_log?file=e"})");
  EXPECT_EQ(answer.status, AnswerStatus::ok);
  EXPECT_EQ(answer.label, "l1");
  EXPECT_EQ(answer.txn_id, 501);
  EXPECT_EQ(answer.total_rows, 5U);
  EXPECT_EQ(answer.loaded_rows, 3U);
  EXPECT_EQ(answer.filtered_rows, 2U);
  EXPECT_EQ(answer.unselected_rows, 0U);
  EXPECT_EQ(answer.error_url, "http://be:8040/api/_load_error_log?file=e");
}

TEST(ParseAnswer, KnowsTheStatusWords) {
  struct Case {
    char const* word;
    AnswerStatus status;
  };
  for (Case const& c :
       {Case{"OK", AnswerStatus::ok}, Case{"Success", AnswerStatus::ok},
        Case{"Publish Timeout", AnswerStatus::publish_timeout},
        Case{"LABEL_ALREADY_EXISTS", AnswerStatus::label_exists},
        Case{"Label Already Exists", AnswerStatus::label_exists},
        Case{"TXN_NOT_EXISTS", AnswerStatus::txn_missing},
        Case{"TXN_IN_PROCESSING", AnswerStatus::txn_in_processing},
        Case{"SERVICE_UNAVAILABLE", AnswerStatus::busy},
        Case{"DATA_QUALITY_ERROR", AnswerStatus::rows_refused},
        Case{"FAILED", AnswerStatus::failed}, Case{"Fail", AnswerStatus::failed},
        Case{"INTERNAL_ERROR", AnswerStatus::failed}, Case{"ok", AnswerStatus::failed},
        Case{"OK ", AnswerStatus::failed}, Case{"a word of tomorrow", AnswerStatus::failed}})
    EXPECT_EQ(parse_answer(200, json_of(c.word, "m")).status, c.status) << c.word;
}

TEST(ParseAnswer, WhatIsNotAnAnswerIsNeverSuccess) {
  for (char const* const text :
       {"", "OK", "<html><body>Status: OK</body></html>", "null", "[]", "[{\"Status\":\"OK\"}]",
        "{\"Status\":\"OK\"", "{\"Status\":true}", "{\"Status\":null,\"Message\":\"OK\"}", "{}",
        "{\"Status\":\"OK\"} trailing", "\"OK\"", "{\"Message\":\"OK\"}", "{\"Status\":{\"a\":1}}"})
    EXPECT_EQ(parse_answer(200, text).status, AnswerStatus::not_understood) << text;
  EXPECT_EQ(parse_answer(500, json_of("OK", "")).status, AnswerStatus::not_understood);
  EXPECT_EQ(parse_answer(307, "").status, AnswerStatus::not_understood);
  Answer const page = parse_answer(502, "<html>\n\n<h1>Bad   Gateway</h1>" + std::string(900, 'x'));
  EXPECT_NE(page.message.find("HTTP 502"), std::string::npos);
  EXPECT_NE(page.message.find("<html> <h1>Bad Gateway</h1>"), std::string::npos) << page.message;
  EXPECT_LT(page.message.size(), 300U);
}

TEST(ParseAnswer, DeepValuesAreDroppedWhileTheyAreRead) {
  std::string const deep(200'000, '[');
  EXPECT_EQ(parse_answer(200, deep).status, AnswerStatus::not_understood);
  EXPECT_EQ(parse_answer(200, "{\"Status\":" + deep).status, AnswerStatus::not_understood);
  std::string const closed = deep + std::string(deep.size(), ']');
  EXPECT_EQ(parse_answer(200, "{\"Status\":\"OK\",\"x\":" + closed + "}").status, AnswerStatus::ok);
}

TEST(ParseAnswer, EveryPrefixOfAnAnswerIsNotUnderstood) {
  std::string const whole = json_of("OK", "done");
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(parse_answer(200, whole.substr(0, n)).status, AnswerStatus::not_understood) << n;
}

TEST(ParseAnswer, CountsThatAreNotNumbersAreNoCounts) {
  Answer const answer = parse_answer(
      200,
      R"({"Status":"OK","NumberLoadedRows":"3","NumberFilteredRows":-1,"NumberTotalRows":1.5})");
  EXPECT_FALSE(answer.loaded_rows);
  EXPECT_FALSE(answer.filtered_rows);
  EXPECT_FALSE(answer.total_rows);
}

TEST(ParseAnswer, ReadsTheRestForm) {
  Answer const refused = parse_answer(
      401, R"({"status":"FAILED","code":"1","msg":"Access denied for u@10.0.0.1","message":"x"})");
  EXPECT_EQ(refused.status, AnswerStatus::failed);
  EXPECT_TRUE(says_login_refused(refused));
  EXPECT_EQ(kind_of_failure(refused), Kind::unreachable);
  Answer const denied = parse_answer(
      401,
      R"({"status":"FAILED","msg":"Access denied; you need (at least one of) the INSERT privilege"})");
  EXPECT_FALSE(says_login_refused(denied));
  EXPECT_EQ(kind_of_failure(denied), Kind::target_broken);
}

TEST(ParseAnswer, ReadsLabelStates) {
  struct Case {
    char const* word;
    LabelState state;
  };
  for (Case const& c :
       {Case{"UNKNOWN", LabelState::unknown}, Case{"PREPARE", LabelState::prepare},
        Case{"PREPARED", LabelState::prepared}, Case{"COMMITTED", LabelState::committed},
        Case{"VISIBLE", LabelState::visible}, Case{"ABORTED", LabelState::aborted},
        Case{"", LabelState::unreachable}, Case{"visible", LabelState::unreachable}})
    EXPECT_EQ(
        label_state_of(parse_answer(200, std::string(R"({"state":")") + c.word +
                                             R"(","status":"OK","code":"0","msg":"Success"})")),
        c.state)
        << c.word;
  EXPECT_EQ(label_state_of(parse_answer(
                200, R"({"status":"FAILED","code":"1","msg":"unknown database, database=d"})")),
            LabelState::unknown);
  EXPECT_EQ(
      label_state_of(parse_answer(401, R"({"status":"FAILED","msg":"Access denied for u@x"})")),
      LabelState::unreachable);
  EXPECT_EQ(label_state_of(parse_answer(200, "<html>VISIBLE</html>")), LabelState::unreachable);
}

TEST(KindOfFailure, FollowsTheFamiliesOfTheProtocol) {
  struct Case {
    char const* status;
    char const* message;
    Kind kind;
  };
  for (Case const& c : {
           Case{"INTERNAL_ERROR", "too many filtered rows", Kind::rows_refused},
           Case{"Fail", "Load is aborted, reason: There is a data quality issue.",
                Kind::rows_refused},
           Case{"DATA_QUALITY_ERROR", "anything", Kind::rows_refused},
           Case{"INTERNAL_ERROR", "illegal json started with X", Kind::rows_refused},
           Case{"FAILED", "current running txns on db 10 is 1000, larger than limit 1000",
                Kind::busy},
           Case{"INTERNAL_ERROR",
                "Failed to load data into tablet 7, because of too many versions, current/limit: "
                "1001/1000. You can reduce",
                Kind::busy},
           Case{"MEM_LIMIT_EXCEEDED", "x", Kind::busy},
           Case{"INTERNAL_ERROR", "Memory limit exceeded", Kind::busy},
           Case{"FAILED", "Service is shutting down, please retry later!", Kind::busy},
           Case{"TXN_IN_PROCESSING", "Transaction in processing, please retry later", Kind::busy},
           Case{"INTERNAL_ERROR",
                "Stream Load exceed http cuncurrent limit 48, please try again later", Kind::busy},
           Case{"FAILED", "unknown database, database=d", Kind::target_broken},
           Case{"FAILED", "database d not exists", Kind::target_broken},
           Case{"FAILED", "unknown table \\\"d.transactions\\\"", Kind::target_broken},
           Case{"ANALYSIS_ERROR", "Mapping column is not in table. column: c", Kind::target_broken},
           Case{"ANALYSIS_ERROR", "Column has no default value. column: c", Kind::target_broken},
           Case{"ANALYSIS_ERROR", "Duplicate column: c", Kind::target_broken},
           Case{"ANALYSIS_ERROR", "key column k not in partial update columns",
                Kind::target_broken},
           Case{"NOT_AUTHORIZED",
                "Access denied; you need (at least one of) the INSERT privilege(s) for this "
                "operation",
                Kind::target_broken},
           Case{"FAILED", "Database[d] data size exceeds quota[1 GB]", Kind::busy},
           Case{"TXN_NOT_EXISTS", "Transaction with label database_x not exists", Kind::failed},
           Case{"ABORTED", "current transaction is aborted", Kind::failed},
           Case{"INTERNAL_ERROR", "load request not equal last.", Kind::failed},
           Case{"FAILED", "No backend alive.", Kind::unreachable},
           Case{"FAILED", "transaction with op load label l has no node", Kind::unreachable},
           Case{"INTERNAL_ERROR", "no valid Basic authorization", Kind::unreachable},
           Case{"INTERNAL_ERROR", "something new", Kind::failed},
       })
    EXPECT_EQ(kind_of_failure(parse_answer(200, json_of(c.status, c.message))), c.kind)
        << c.status << " " << c.message;
  EXPECT_EQ(kind_of_failure(parse_answer(200, "<html/>")), Kind::unreachable);
}

TEST(SaysAborted, KnowsTheTextsOfOldAndNewServers) {
  for (char const* const text :
       {"class com.starrocks.common.UserException: cannot commit aborted transaction 7, label l",
        "class com.starrocks.common.StarRocksException: Can not commit ABORTED transaction 7, "
        "label is l"})
    EXPECT_TRUE(says_aborted(parse_answer(200, json_of("FAILED", text)))) << text;
  EXPECT_FALSE(says_aborted(parse_answer(200, json_of("FAILED", "publish timeout: 20000"))));
  EXPECT_FALSE(says_aborted(parse_answer(200, json_of("OK", "cannot commit aborted"))));
}

TEST(Excerpt, IsNotCutWithinALetter) {
  std::string const text = "a\xC3\xA9\xE2\x82\xAC."; // a e-acute euro
  EXPECT_EQ(excerpt(text, 1), "a...");
  EXPECT_EQ(excerpt(text, 2), "a...");
  EXPECT_EQ(excerpt(text, 3), "a\xC3\xA9...");
  EXPECT_EQ(excerpt(text, 4), "a\xC3\xA9...");
  EXPECT_EQ(excerpt(text, 5), "a\xC3\xA9...");
  EXPECT_EQ(excerpt(text, 6), "a\xC3\xA9\xE2\x82\xAC...");
  EXPECT_EQ(excerpt(text, 7), text);
}

} // namespace
} // namespace walrock
