#include "starrocks/error_log.h"

#include <gtest/gtest.h>

namespace walrock {
namespace {

Batch batch_of(std::vector<std::string> key, std::string bytes,
               LoadFormat format = LoadFormat::csv) {
  Batch batch;
  batch.spec.format = format;
  batch.spec.key = std::move(key);
  Body body;
  body.bytes = std::move(bytes);
  batch.bodies.push_back(std::move(body));
  return batch;
}

std::vector<RefusedRow> rows_of(std::string const& log, Batch const& batch) {
  auto const entries = parse_error_log(log);
  auto rows = refused_rows(entries, batch);
  find_hashes(entries, batch, rows);
  return rows;
}

TEST(ErrorLog, FieldsAsTheyWereSentNameTheKey) {
  auto const rows =
      rows_of("Error: The field (name = what, pos = 2) is out of range. Type: varchar(4), "
              "Value: abcdef. Row: 5\x01"
              "north\x01"
              "abcdef\x01"
              "0\n",
              batch_of({"id", "area"}, ""));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(to_string(std::span<KeyCell const>(rows[0].key)), "id=5, area=north");
  EXPECT_EQ(rows[0].column, "what");
  EXPECT_EQ(to_string(rows[0]),
            "row id=5, area=north, column what: The field (name = what, pos = 2) is out of range. "
            "Type: varchar(4), Value: abcdef");
}

TEST(ErrorLog, ColumnsNameTheKey) {
  auto const rows =
      rows_of("Error: NULL value in non-nullable column 'name'. Row: [1, NULL, 100, 0]\n"
              "Error: Decimal '123.45' is out of range. The type of 'n' is DECIMAL(3,2)'. Row: [2, "
              "a, NULL, 0]\n",
              batch_of({"id"}, "1\x01x\x02"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].key, (std::vector<KeyCell>{{"id", "1"}}));
  EXPECT_EQ(rows[0].column, "name");
  EXPECT_EQ(rows[1].key, (std::vector<KeyCell>{{"id", "2"}})) << "not in the batch in this form";
  EXPECT_EQ(rows[1].column, "n");
}

TEST(ErrorLog, AKeyThatHoldsTheSeparatorIsFoundInTheBatch) {
  std::string const log = "Error: NULL value in non-nullable column 'v'. Row: [a, b, 7, NULL, 0]\n";
  std::string const bytes = std::string("a\x01"
                                        "1\x01y\x01"
                                        "0\x02") +
                            "a, b\x01"
                            "7\x01\\N\x01"
                            "0\x02";
  auto const rows = rows_of(log, batch_of({"name", "n"}, bytes));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, (std::vector<KeyCell>{{"name", "a, b"}, {"n", "7"}}));
  auto const json =
      rows_of(log, batch_of({"name", "n"}, R"([{"name":"a, b","n":7,"v":null,"__op":0}])",
                            LoadFormat::json));
  EXPECT_EQ(json[0].key, rows[0].key);
}

TEST(ErrorLog, AnObjectNamesTheKey) {
  auto const rows = rows_of(R"(Error: Value 'x' is out of range. The type of 'v' is INT'. )"
                            R"(Row: {"id":1,"v":"x","__op":0})",
                            batch_of({"id"}, "[]", LoadFormat::json));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, (std::vector<KeyCell>{{"id", "1"}}));
  EXPECT_EQ(rows[0].column, "v");
}

TEST(ErrorLog, ALineBreakInAValueDoesNotEndItsRow) {
  auto const entries = parse_error_log("Error: one. Row: 1\x01"
                                       "a\nb\n\nError: two. Row: 2\x01"
                                       "c\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].row, "1\x01"
                            "a\nb");
  EXPECT_EQ(entries[1].reason, "two");
}

TEST(ErrorLog, AValueThatLooksLikeAReasonDoesNotNameItsColumn) {
  EXPECT_EQ(column_of_reason("String 'The max length of 'x' is 1'(length=27) is too long. The max "
                             "length of 'v' is 4"),
            "v");
  EXPECT_EQ(column_of_reason("String 'The field (name = x, pos = 1)'(length=29) is too long. The "
                             "max length of 'v' is 4"),
            "v");
  EXPECT_EQ(column_of_reason("The row is out of partition ranges. Please add a new partition."),
            "");
  EXPECT_EQ(column_of_reason("The field (name = "), "");
}

TEST(ErrorLog, WhateverItSaysIsShownInPart) {
  EXPECT_TRUE(parse_error_log("").empty());
  Batch const keyless = batch_of({}, "a\x02");
  auto const strange = rows_of("<html>\nbad gateway", keyless);
  ASSERT_EQ(strange.size(), 1U);
  EXPECT_EQ(to_string(strange[0]), "<html> bad gateway");
  auto const rows = rows_of("Error: Invalid UTF-8 row. Row: a\xff\n", keyless);
  EXPECT_TRUE(rows[0].key.empty());
  EXPECT_EQ(to_string(rows[0]), "row a\xff: Invalid UTF-8 row");
  Batch const keyed = batch_of({"id"}, "1\x01x\x02");
  EXPECT_TRUE(rows_of("Error: x. Row: [", keyed)[0].key.empty());
  EXPECT_TRUE(rows_of("Error: x. Row: {\"id\"", keyed)[0].key.empty());
  EXPECT_TRUE(rows_of("Error: x. Row: 1", keyed)[0].key.empty());
  std::string const deep(100'000, '[');
  EXPECT_TRUE(rows_of("Error: x. Row: {\"id\":" + deep, keyed)[0].key.empty());
  auto const beside = rows_of(R"(Error: x. Row: {"v":[[[1]]],"id":1})", keyed);
  EXPECT_EQ(beside[0].key, (std::vector<KeyCell>{{"id", "1"}}));
  EXPECT_TRUE(rows_of("Error: x", keyed)[0].key.empty());
}

TEST(ErrorLog, EveryTruncationIsReadAsFarAsItGoes) {
  std::string const log = "Error: NULL value in non-nullable column 'v'. Row: [a, b, 7, NULL, 0]\n"
                          "Error: The field (name = v, pos = 1) is out of range. Type: int, Value: "
                          "x. Row: a\x01"
                          "7\x01x\x01"
                          "0\n"
                          "Error: x. Row: {\"name\":\"a\",\"n\":7}\n";
  Batch const batch = batch_of({"name", "n"}, "a, b\x01"
                                              "7\x01\\N\x01"
                                              "0\x02");
  for (std::size_t size = 0; size <= log.size(); ++size)
    for (RefusedRow const& row : rows_of(log.substr(0, size), batch))
      EXPECT_TRUE(row.key.empty() || row.key.size() == 2) << size;
  EXPECT_EQ(rows_of(log, batch).size(), 3U);
}

TEST(ErrorLog, ALongValueLeavesBothEndsOfItsReason) {
  auto const rows = rows_of("Error: String '" + std::string(1'000'000, 'x') +
                                "'(length=1000000) is too long. The max length of 'v' is 4. Row: "
                                "[1, NULL]\n",
                            batch_of({"id"}, "1\x01x\x02"));
  EXPECT_LT(rows[0].reason.size(), 400U);
  EXPECT_TRUE(rows[0].reason.starts_with("String 'xxx"));
  EXPECT_TRUE(rows[0].reason.ends_with("is too long. The max length of 'v' is 4"));
}

TEST(DescribeRefusals, NamesTheFirstFewAndCountsTheRest) {
  std::vector<RefusedRow> rows;
  for (int i = 1; i <= 5; ++i)
    rows.push_back({{{"id", std::to_string(i)}}, "v", "too long", ""});
  EXPECT_EQ(describe_refusals(rows, 60, 100),
            "60 of 100 rows refused: row id=1, column v: too long; row id=2, column v: too "
            "long; row id=3, column v: too long; and 57 more");
  EXPECT_EQ(describe_refusals(rows, 0, 100).find("at least 5 of 100 rows refused: row id=1"), 0U);
  EXPECT_TRUE(
      describe_refusals(rows, 0, 100).ends_with("; row id=3, column v: too long; and more"));
  EXPECT_EQ(describe_refusals({}, 1, 7), "1 of 7 rows refused");
}

} // namespace
} // namespace walrock
