#include "encode/row_encoder.h"

#include <functional>
#include <limits>
#include <optional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

using std::string_literals::operator""s; // NOLINT(misc-unused-using-decls): used by literals

struct Column {
  std::string name;
  std::string type = "VARCHAR(1048576)";
  Conversion conversion = Conversion::text;
  ArrayElement element = ArrayElement::text;
  bool is_nullable = true;
  std::string zero = {};
  ValuePolicy policy = ValuePolicy::fail;
  bool is_cuttable = false;
};

TablePlan plan_of(std::vector<Column> const& columns, int key_count = 1) {
  TablePlan plan;
  plan.relation.name = {"public", "t"};
  plan.target = {"demo", "t"};
  plan.key_count = key_count;
  for (Column const& c : columns) {
    auto const position = static_cast<int>(plan.columns.size());
    plan.relation.columns.push_back({c.name, 25, -1, position < key_count});
    plan.columns.push_back({position, c.name, c.type, c.conversion, c.element, c.policy,
                            c.is_cuttable, position < key_count, c.is_nullable, c.zero});
  }
  return plan;
}

ColumnPlan made(MadeColumn column, std::string_view name, std::string_view type) {
  ColumnPlan plan;
  plan.name = name;
  plan.type = type;
  plan.made = column;
  return plan;
}

TablePlan append_only_plan(std::vector<Column> const& columns) {
  TablePlan plan = plan_of(columns, 0);
  plan.model = TableModel::duplicate;
  for (char const* const name : {kLsnColumn, kIndexColumn})
    plan.columns.push_back(made(made_column_named(name), name, "BIGINT"));
  return plan;
}

Value text(std::string_view t) {
  return Value::of(t);
}
Value const kNull = Value::null();
Value const kAbsent = Value::unchanged_toast();

std::optional<std::string> csv(RowEncoder const& encoder, std::vector<Value> const& row,
                               Op op = Op::upsert, RowOrigin origin = {}) {
  std::string out;
  if (!encoder.encode_csv(row, op, origin, out))
    return std::nullopt;
  return out;
}

std::string json(RowEncoder const& encoder, std::vector<Value> const& row, Op op = Op::upsert) {
  std::string out;
  encoder.encode_json(row, op, {}, out);
  RowEncoder::finish_json(out);
  return out;
}

std::string key(RowEncoder const& encoder, std::vector<Value> const& row) {
  std::string out;
  encoder.append_key(row, out);
  return out;
}

// One value of a column of this kind, as it stands in CSV and JSON.
std::string csv_value(Column column, std::string_view value) {
  column.name = "v";
  auto const row = csv(RowEncoder(plan_of({{"k"}, column})), {text("1"), text(value)});
  return row ? row->substr(2, row->size() - 5) : "(not CSV)";
}
std::string json_value(Column column, std::string_view value) {
  column.name = "v";
  std::string const body = json(RowEncoder(plan_of({{"k"}, column})), {text("1"), text(value)});
  std::size_t const start = body.find(':', body.find(',')) + 1;
  return body.substr(start, body.rfind(",\"__op\"") - start);
}

Column const kBoolean{"v", "BOOLEAN", Conversion::boolean};
Column const kDateTime{"v", "DATETIME", Conversion::timestamptz};
Column const kBytes{"v", "VARBINARY", Conversion::bytea};
Column const kJson{"v", "JSON", Conversion::json};

TEST(EncodeCsv, FieldsEndWithSeparatorsAndTheOpIsLast) {
  RowEncoder const encoder(plan_of({{"id", "INT", Conversion::number}, {"name"}}));
  EXPECT_EQ(csv(encoder, {text("7"), text("Alice")}), "7\001Alice\0010\002");
}

TEST(EncodeCsv, EmptyTextAndNullDiffer) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}, {"b"}}));
  EXPECT_EQ(csv(encoder, {text("1"), text(""), kNull}), "1\001\001\\N\0010\002");
}

TEST(EncodeCsv, RowsAreAppended) {
  RowEncoder const encoder(plan_of({{"id"}}));
  std::string out;
  EXPECT_TRUE(encoder.encode_csv(std::vector{text("1")}, Op::upsert, {}, out));
  EXPECT_TRUE(encoder.encode_csv(std::vector{text("2")}, Op::delete_, {}, out));
  EXPECT_EQ(out, "1\0010\0022\0011\002");
}

TEST(EncodeCsv, ColumnsFollowThePlanAndNotTheRelation) {
  TablePlan plan = plan_of({{"id"}, {"a"}});
  std::swap(plan.columns[0].source_index, plan.columns[1].source_index);
  EXPECT_EQ(csv(RowEncoder(plan), {text("x"), text("7")}), "7\001x\0010\002");
}

TEST(EncodeCsv, BackslashesAndUtf8StayAsTheyAre) {
  std::string const value = "C:\\new\\\\ \xF0\x9F\x90\x98 \xE2\x82\xAC\t\n\"'";
  EXPECT_EQ(csv_value({}, value), value);
}

TEST(EncodeCsv, SaysWhatItCannotSayAndLeavesOutAsItWas) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}, {"b"}}));
  for (std::string const& bad :
       {"\001"s, "\002"s, "a\001b"s, "long enough for a vector \002"s, "\\N"s})
    for (std::size_t at = 0; at < 3; ++at) {
      std::vector<Value> row(3, text("fine"));
      row[at] = text(bad);
      std::string out = "before";
      EXPECT_FALSE(encoder.encode_csv(row, Op::upsert, {}, out)) << at;
      EXPECT_EQ(out, "before");
    }
}

TEST(EncodeCsv, OnlyTheExactNullMarkIsUnsayable) {
  for (std::string const& fine : {"\\N "s, "N"s, "\\"s, "\\n"s, "\\\\N"s})
    EXPECT_EQ(csv_value({}, fine), fine);
}

TEST(EncodeCsv, ADeleteCarriesItsKeyOnly) {
  RowEncoder const encoder(
      plan_of({{"id"}, {"a"}, {"n", "INT", Conversion::number, {}, false, "0"}}));
  EXPECT_EQ(csv(encoder, {text("1"), kAbsent, kNull}, Op::delete_), "1\001\\N\0010\0011\002");
  EXPECT_EQ(csv(encoder, {text("1"), text("\001"), text("5")}, Op::delete_),
            "1\001\\N\0010\0011\002");
  EXPECT_EQ(csv(encoder, {text("\001"), kNull, kNull}, Op::delete_), std::nullopt);
}

TEST(EncodeCsv, AbsentCellsAreLeftOut) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}, {"b"}}));
  EXPECT_EQ(csv(encoder, {text("1"), kAbsent, text("x")}), "1\001x\0010\002");
  EXPECT_EQ(csv(encoder, {text("1"), kAbsent, kAbsent}), "1\0010\002");
}

TEST(EncodeCsv, AnAbsentKeyIsRefused) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}}));
  std::string out = "before";
  EXPECT_THROW((void)encoder.encode_csv(std::vector{kAbsent, kNull}, Op::upsert, {}, out), Error);
  EXPECT_THROW(encoder.append_key(std::vector{kAbsent, kNull}, out), Error);
  EXPECT_THROW(encoder.encode_json(std::vector{kAbsent, kNull}, Op::upsert, {}, out), Error);
  EXPECT_EQ(out, "before");
}

TEST(EncodeCsv, ARowOfAnotherLayoutIsAProtocolViolation) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}}));
  EXPECT_THROW((void)csv(encoder, {text("1")}), ProtocolViolation);
  EXPECT_THROW((void)csv(encoder, {text("1"), kNull, kNull}), ProtocolViolation);
}

TEST(EncodeCsv, AppendOnlyRowsSayWhereTheyCameFrom) {
  RowEncoder const encoder(append_only_plan({{"a"}}));
  EXPECT_EQ(csv(encoder, {text("x")}, Op::upsert, {Lsn{0x16B374D848}, 12}),
            "x\00197500059720\00112\002");
  EXPECT_EQ(json(encoder, {kNull}), R"([{"a":null,"_walrock_lsn":0,"_walrock_index":0}])");
  EXPECT_EQ(encoder.spec_for(LoadFormat::csv, {}).columns, "`a`,`_walrock_lsn`,`_walrock_index`");
  EXPECT_EQ(key(encoder, {text("x")}), "");
}

// An upsert table with every column that walrock fills, behind its own.
TablePlan plan_with_made_columns() {
  TablePlan plan = plan_of({{"a"}});
  plan.relation.name = {"public", "a\"b"};
  for (MadeColumnType const& column : kMadeColumns)
    plan.columns.push_back(made(column.column, column.name, column.type));
  return plan;
}

Relation relation_with(std::vector<std::string> const& columns) {
  Relation relation;
  for (std::string const& name : columns)
    relation.columns.push_back({name, 25, -1, true});
  return relation;
}

std::string hash_of(std::string const& a) {
  return to_string(hash_of_row(std::vector{text(a)}, relation_with({"a"})));
}

constexpr std::int64_t kCommitTime = 822'830'400'000'001; // 2026-01-27 12:00:00.000001

TEST(MadeColumns, SayWhereARowCameFrom) {
  RowEncoder const encoder(plan_with_made_columns());
  RowOrigin const origin{Lsn{7}, 3, kCommitTime, 42, ChangeKind::delete_};
  EXPECT_EQ(csv(encoder, {text("x")}, Op::upsert, origin), "x\x01"
                                                           "7\x01"
                                                           "3\x01"
                                                           "2026-01-27 12:00:00.000001\x01"
                                                           "42\x01"
                                                           "delete\x01"
                                                           "public.a\"b\x01"
                                                           "1\x01"
                                                           "2026-01-27 12:00:00.000001\x01" +
                                                               hash_of("x") +
                                                               "\x01"
                                                               "0\x02");
  EXPECT_EQ(csv(encoder, {text("x")}), "x\x01"
                                       "0\x01"
                                       "0\x01\\N\x01\\N\x01read\x01public.a\"b\x01"
                                       "0\x01\\N\x01" +
                                           hash_of("x") +
                                           "\x01"
                                           "0\x02");
}

TEST(MadeColumns, AreInJsonWhatTheyAreInCsv) {
  RowEncoder const encoder(plan_with_made_columns());
  std::string const hash = hash_of("x");
  EXPECT_EQ(json(encoder, {text("x")}),
            R"([{"a":"x","_walrock_lsn":0,"_walrock_index":0,"_walrock_commit_time":null,)"
            R"("_walrock_xid":null,"_walrock_operation":"read",)"
            R"("_walrock_source_table":"public.a\"b","_walrock_deleted":"0",)"
            R"("_walrock_deleted_at":null,"_walrock_hash":")" +
                hash + R"(","__op":0}])");
}

// The hashes stand in users' tables: they may never change.
TEST(MadeColumns, TheHashTellsRowsApart) {
  Relation const two = relation_with({"a", "b"});
  EXPECT_EQ(hash_of("x"), "160058614137995738409225253788686045126");
  EXPECT_FALSE(hash_of_row(std::vector{text("ab"), text("c")}, two) ==
               hash_of_row(std::vector{text("a"), text("bc")}, two));
  EXPECT_FALSE(hash_of_row(std::vector{text("x"), kNull}, two) ==
               hash_of_row(std::vector{kNull, text("x")}, two));
  EXPECT_FALSE(hash_of_row(std::vector{text(""), kNull}, two) ==
               hash_of_row(std::vector{kNull, kNull}, two));
  EXPECT_FALSE(hash_of_row(std::vector{text("a:b"), kNull}, two) ==
               hash_of_row(std::vector{text("a"), text("b")}, two));
}

TEST(MadeColumns, ARowKeepsItsHashWhenAColumnIsAddedOrGoes) {
  RowHash const hash = hash_of_row(std::vector{text("x")}, relation_with({"a"}));
  EXPECT_EQ(hash, hash_of_row(std::vector{text("x"), kNull}, relation_with({"a", "b"})));
  EXPECT_EQ(hash, hash_of_row(std::vector{kNull, text("x")}, relation_with({"b", "a"})));
  EXPECT_FALSE(hash == hash_of_row(std::vector{text("x")}, relation_with({"b"})));
}

// hash, lsn and index in front of the source's columns
TablePlan hashed_plan(std::vector<Column> const& columns) {
  TablePlan plan = plan_of(columns, 0);
  plan.columns.insert(plan.columns.begin(), {made(MadeColumn::row_hash, kHashColumn, "LARGEINT"),
                                             made(MadeColumn::lsn, kLsnColumn, "BIGINT"),
                                             made(MadeColumn::index, kIndexColumn, "BIGINT")});
  plan.key_count = 3;
  return plan;
}

TEST(EncodeCsv, ARowWithoutAKeyStandsUnderItsHashAndOrigin) {
  RowEncoder const encoder(hashed_plan({{"a"}, {"b"}}));
  std::vector const row{text("x"), kNull};
  RowOrigin const origin{Lsn{7}, 3};
  std::string const key = hash_of("x") + "\x01"
                                         "7\x01"
                                         "3\x01";
  EXPECT_EQ(csv(encoder, row, Op::upsert, origin), key + "x\x01\\N\x01"
                                                         "0\x02");
  EXPECT_EQ(csv(encoder, row, Op::delete_, origin), key + "\\N\x01\\N\x01"
                                                          "1\x02");
  std::string appended;
  encoder.append_key(row, appended, origin);
  EXPECT_EQ(appended, key);
}

TEST(EncodeCsv, ADeleteMayNameTheRankOfTheRowThatGoes) {
  RowEncoder const encoder(hashed_plan({{"a"}, {"b"}}));
  RowOrigin unknown;
  unknown.rank = 12;
  std::string const row = csv(encoder, {text("x"), kNull}, Op::delete_, unknown).value();
  EXPECT_EQ(row, hash_of("x") + "\x01?12\x01\x01\\N\x01\\N\x01"
                                "1\x02");
  EXPECT_EQ(encoder.csv_key(row), hash_of("x") + "\x01?12\x01\x01");
}

TEST(EncodeCsv, ATextThatOnlyJsonSaysIsNotInTheDeleteOfItsRow) {
  RowEncoder const encoder(hashed_plan({{"a"}}));
  std::string out;
  EXPECT_FALSE(encoder.encode_csv(std::vector{text("a\x01")}, Op::upsert, {}, out));
  EXPECT_EQ(csv(encoder, {text("a\x01")}, Op::delete_, {}), hash_of("a\x01") + "\x01"
                                                                               "0\x01"
                                                                               "0\x01\\N\x01"
                                                                               "1\x02");
}

TEST(EncodeCsv, ARowThatWouldBeABlankLineIsNotCsv) {
  TablePlan plan = plan_of({{"a"}}, 0);
  plan.model = TableModel::duplicate;
  RowEncoder const encoder(plan);
  EXPECT_EQ(csv(encoder, {text("")}), std::nullopt);
  EXPECT_EQ(csv(encoder, {kNull}), "\\N\002");
  EXPECT_EQ(json(encoder, {text("")}), R"([{"a":""}])");
}

TEST(Conversions, BooleansBecomeDigitsOrJsonBooleans) {
  EXPECT_EQ(csv_value(kBoolean, "t"), "1");
  EXPECT_EQ(csv_value(kBoolean, "f"), "0");
  EXPECT_EQ(json_value(kBoolean, "t"), "true");
  EXPECT_EQ(json_value(kBoolean, "f"), "false");
  EXPECT_EQ(json_value({"v", "TINYINT", Conversion::boolean}, "t"), "1");
  EXPECT_THROW(csv_value(kBoolean, "true"), Error);
}

TEST(Conversions, TimestamptzLosesItsZoneAndOnlyThatOfUtc) {
  EXPECT_EQ(csv_value(kDateTime, "2026-01-31 12:00:00.5+00"), "2026-01-31 12:00:00.5");
  EXPECT_EQ(json_value(kDateTime, "2026-01-31 12:00:00+00"), "\"2026-01-31 12:00:00\"");
  EXPECT_THROW(csv_value(kDateTime, "2026-01-31 12:00:00+02"), Error);
}

TEST(Conversions, MomentsThatStarRocksWouldMisreadAreRefused) {
  for (std::string const type : {"DATE", "DATETIME"})
    for (std::string const value : {"infinity", "-infinity", "0044-03-15 BC", "12026-01-31",
                                    "0044-03-15 12:00:00 BC", "12026-01-31 12:00:00"})
      EXPECT_THROW(csv_value({"v", type}, value), Error) << value;
  EXPECT_THROW(csv_value(kDateTime, "0044-03-15 12:00:00+00 BC"), Error);
  EXPECT_EQ(csv_value({"v", "DATE"}, "9999-12-31"), "9999-12-31");
  EXPECT_EQ(csv_value({"v", "VARCHAR(32)"}, "0044-03-15 BC"), "0044-03-15 BC");
}

TEST(Conversions, ByteaIsSentAsHexDigitsAndDecodedByTheLoad) {
  RowEncoder const encoder(plan_of({{"id"}, kBytes}));
  EXPECT_EQ(csv(encoder, {text("1"), text("\\x00ff01")}), "1\00100ff01\0010\002");
  EXPECT_EQ(csv(encoder, {text("1"), text("\\x")}), "1\001\0010\002");
  EXPECT_EQ(csv(encoder, {text("1"), kNull}), "1\001\\N\0010\002");
  EXPECT_EQ(encoder.spec_for(LoadFormat::csv, {}).columns,
            "`id`,`_walrock_hex_1`,`__op`,`v`=unhex(`_walrock_hex_1`)");
  EXPECT_EQ(json(encoder, {text("1"), text("\\x00ff")}),
            R"([{"id":"1","_walrock_hex_1":"00ff","__op":0}])");
  EXPECT_THROW((void)csv(encoder, {text("1"), text("abc")}), Error);
}

// The field that carries the digits is a VARCHAR of 1 MiB.
TEST(Conversions, ByteaIsHeldAsLongAsItsDigitsTravel) {
  std::string const longest = "\\x" + std::string(1 << 20, 'a');
  EXPECT_EQ(csv_value(kBytes, longest), longest.substr(2));
  EXPECT_EQ(json_value(kBytes, longest).size(), longest.size());
  EXPECT_THROW(csv_value(kBytes, longest + "bb"), Error);
  EXPECT_THROW(json_value(kBytes, longest + "bb"), Error);
  Column cut = kBytes;
  cut.policy = ValuePolicy::clamp;
  EXPECT_EQ(csv_value(cut, longest + "bb"), longest.substr(2));
}

TEST(Conversions, DecimalsThatWouldBeRoundedAreRefused) {
  Column const decimal{"v", "DECIMAL(10,2)", Conversion::number};
  EXPECT_EQ(csv_value(decimal, "-12.50"), "-12.50");
  EXPECT_EQ(csv_value(decimal, "12.5000"), "12.5000");
  EXPECT_EQ(csv_value(decimal, "12"), "12");
  EXPECT_THROW(csv_value(decimal, "12.505"), Error);
  EXPECT_EQ(json_value(decimal, "12.50"), "\"12.50\"");
}

TEST(Conversions, NumbersAreBareInJsonOnlyWhereThatIsExact) {
  EXPECT_EQ(json_value({"v", "BIGINT", Conversion::number}, "-9223372036854775808"),
            "-9223372036854775808");
  EXPECT_EQ(json_value({"v", "LARGEINT", Conversion::number}, "18446744073709551615"),
            "\"18446744073709551615\"");
  EXPECT_EQ(json_value({"v", "DOUBLE", Conversion::number}, "-Infinity"), "\"-Infinity\"");
  EXPECT_EQ(csv_value({"v", "DOUBLE", Conversion::number}, "NaN"), "NaN");
}

TEST(Conversions, JsonKeepsTheDocumentNullApartFromSqlNull) {
  RowEncoder const encoder(plan_of({{"id"}, kJson}));
  EXPECT_EQ(csv(encoder, {text("1"), text(R"({"a": "\u0001"})")}),
            "1\001{\"a\": \"\\u0001\"}\0010\002");
  EXPECT_EQ(json(encoder, {text("1"), text(R"({"a":1})")}),
            R"([{"id":"1","_walrock_json_1":"[{\"a\":1}]","__op":0}])");
  EXPECT_EQ(json(encoder, {text("1"), text("null")}),
            R"([{"id":"1","_walrock_json_1":"[null]","__op":0}])");
  for (char const* const scalar : {"null", "5", "-1.5", "true", " false"})
    EXPECT_EQ(csv(encoder, {text("1"), text(scalar)}), std::nullopt)
        << "StarRocks would make a string of it: " << scalar;
  EXPECT_EQ(csv(encoder, {text("1"), text(" \"5\"")}), "1\001 \"5\"\0010\002");
  EXPECT_EQ(encoder.spec_for(LoadFormat::csv, {}).columns, "`id`,`v`,`__op`");
  EXPECT_EQ(encoder.spec_for(LoadFormat::json, {}).columns,
            "`id`,`_walrock_json_1`,`__op`,`v`=json_query(parse_json(`_walrock_json_1`),'$[0]')");
}

struct ArrayCase {
  std::string text;
  ArrayElement element;
  std::string json;
};

TEST(Conversions, ArraysBecomeJsonText) {
  using enum ArrayElement;
  std::vector<ArrayCase> const cases{
      {"{}", number, "[]"},
      {"{1,2,NULL}", number, "[1,2,null]"},
      {"{{1,2},{3,4}}", number, "[[1,2],[3,4]]"},
      {"{1.5,NaN,-Infinity,1e+20}", number, R"([1.5,"NaN","-Infinity",1e+20])"},
      {"{t,f,NULL}", boolean, "[true,false,null]"},
      {R"({a,"b c","",NULL,"NULL","x\"y\\z"})", text, R"(["a","b c","",null,"NULL","x\"y\\z"])"},
      {"{\"tab\there\",\001}", text, R"(["tab\there","\u0001"])"},
      {R"({"{\"a\": [1, 2]}","\"null\"",NULL,3})", json, R"([{"a": [1, 2]},"null",null,3])"},
      {"{\xF0\x9F\x90\x98}", text, "[\"\xF0\x9F\x90\x98\"]"},
      {R"({"{","}",",","\\"})", text, R"(["{","}",",","\\"])"},
  };
  for (ArrayCase const& c : cases) {
    EXPECT_EQ(csv_value({"v", "JSON", Conversion::array, c.element}, c.text), c.json) << c.text;
    EXPECT_EQ(csv_value({"v", "VARCHAR(99)", Conversion::array, c.element}, c.text), c.json);
  }
}

TEST(Conversions, ArraysForArrayColumnsAreInStarRocksForm) {
  using enum ArrayElement;
  EXPECT_EQ(csv_value({"v", "ARRAY<INT>", Conversion::array, number}, "{1,NULL}"), "[1,null]");
  EXPECT_EQ(csv_value({"v", "ARRAY<VARCHAR(9)>", Conversion::array, text}, R"({"a\"b,c",NULL})"),
            R"(["a""b,c",null])");
  EXPECT_EQ(
      csv_value({"v", "ARRAY<DATETIME>", Conversion::array, text}, R"({"2026-01-31 12:00:00+00"})"),
      R"(["2026-01-31 12:00:00"])");
  EXPECT_EQ(json_value({"v", "ARRAY<VARCHAR(9)>", Conversion::array, text}, R"({"a\"b"})"),
            R"(["a\"b"])");
  EXPECT_EQ(csv_value({"v", "ARRAY<VARCHAR(9)>", Conversion::array, text}, "{\001}"), "(not CSV)");
  EXPECT_THROW(csv_value({"v", "ARRAY<DATE>", Conversion::array, text}, "{infinity}"), Error);
}

TEST(Conversions, EveryTornArrayIsRefused) {
  std::string const whole = R"([1:1][1:3]={{ab,"c\"d",NULL}})";
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_THROW(csv_value({"v", "JSON", Conversion::array}, whole.substr(0, n)), Error) << n;
  for (std::string const bad : {"{a}b", "{,}", "{a,}", "{{{{{{{1}}}}}}}", "{\"a\"b}"})
    EXPECT_THROW(csv_value({"v", "JSON", Conversion::array}, bad), Error) << bad;
}

TEST(EncodeJson, EscapesWhatJsonNeedsAndNothingElse) {
  EXPECT_EQ(json_value({}, "a\"b\\c\nd\001\x1f\x7f\xE2\x82\xAC/"),
            "\"a\\\"b\\\\c\\nd\\u0001\\u001f\x7f\xE2\x82\xAC/\"");
  EXPECT_EQ(json_value({}, "\\N"), R"("\\N")");
}

TEST(EncodeJson, RowsFormOneArray) {
  RowEncoder const encoder(plan_of({{"id", "INT", Conversion::number}, {"odd \"name`"}}));
  std::string out;
  encoder.encode_json(std::vector{text("1"), kNull}, Op::upsert, {}, out);
  encoder.encode_json(std::vector{text("2"), kAbsent}, Op::delete_, {}, out);
  RowEncoder::finish_json(out);
  EXPECT_EQ(out, R"([{"id":1,"odd \"name`":null,"__op":0},{"id":2,"odd \"name`":null,"__op":1}])");
  EXPECT_EQ(encoder.spec_for(LoadFormat::json, {}).columns, "`id`,`odd \"name```,`__op`");
}

TEST(EncodeJson, DeletesCarryZerosWhereNullIsNotAllowed) {
  RowEncoder const encoder(plan_of({{"id"},
                                    {"n", "INT", Conversion::number, {}, false, "0"},
                                    {"j", "JSON", Conversion::json, {}, false, "{}"},
                                    {"s", "VARCHAR(9)", Conversion::text, {}, false, ""}}));
  EXPECT_EQ(json(encoder, {text("1"), kNull, kNull, kNull}, Op::delete_),
            R"([{"id":"1","n":0,"_walrock_json_2":"[{}]","s":"","__op":1}])");
}

std::string refusal_of(std::function<void()> const& encode) {
  try {
    encode();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::value_unsupported);
    return error.what();
  }
  return "taken";
}

TEST(Refusal, NamesTheRowByItsKey) {
  RowEncoder const encoder(plan_of(
      {{"id", "INT", Conversion::number}, {"area"}, {"n", "DECIMAL(5,2)", Conversion::number}}, 2));
  std::vector<Value> const row{text("5"), text("north"), text("1.234")};
  std::string out = "before";
  std::string const why = "; row id=5, area=north";
  EXPECT_THAT(refusal_of([&] { (void)encoder.encode_csv(row, Op::upsert, {}, out); }),
              testing::AllOf(testing::StartsWith("column n of public.t: the value 1.234"),
                             testing::EndsWith(why)));
  EXPECT_THAT(refusal_of([&] { encoder.encode_json(row, Op::upsert, {}, out); }),
              testing::EndsWith(why));
  EXPECT_EQ(out, "before");
  std::string const before = *csv(encoder, {text("5"), text("north"), text("1")});
  std::vector<AbsentField> absent;
  EXPECT_THAT(refusal_of([&] { (void)encoder.merge_csv(row, before, {}, {}, out, absent); }),
              testing::EndsWith(why));
}

TEST(Refusal, NamesTheRowOfAKeyThatIsRefusedItself) {
  RowEncoder const encoder(plan_of({{"at", "DATE"}, {"area"}}, 2));
  std::string out;
  EXPECT_THAT(refusal_of([&] {
                encoder.append_key(std::vector{text("0044-03-15 BC"), kNull}, out);
              }),
              testing::EndsWith("; row at=0044-03-15 BC, area=?"));
}

struct PolicyCase {
  Column column;
  std::string value;
  std::string clamped; // "\\N": NULL
};

std::vector<PolicyCase> policy_cases() {
  Column const date{"v", "DATE"};
  Column const timestamp{"v", "DATETIME"};
  Column const decimal{"v", "DECIMAL(5,2)", Conversion::number};
  Column short_text{"v", "VARCHAR(4)"};
  Column const short_other = short_text;
  short_text.is_cuttable = true;
  Column const array{"v", "JSON", Conversion::array, ArrayElement::number};
  Column const one_dimension{"v", "ARRAY<INT>", Conversion::array, ArrayElement::number};
  return {{date, "infinity", "9999-12-31"},
          {date, "-infinity", "0001-01-01"},
          {date, "0044-03-15 BC", "0001-01-01"},
          {date, "10000-01-01", "9999-12-31"},
          {timestamp, "infinity", "9999-12-31 23:59:59.999999"},
          {kDateTime, "0001-12-31 00:00:00+00 BC", "0001-01-01 00:00:00"},
          {decimal, "NaN", "\\N"},
          {decimal, "Infinity", "999.99"},
          {decimal, "-1000", "-999.99"},
          {decimal, "1.005", "1.01"},
          {decimal, "-0.004", "0.00"},
          {decimal, "999.995", "999.99"},
          {decimal, "9.995", "10.00"},
          {{"v", "INT", Conversion::number}, "NaN", "\\N"},
          {{"v", "LARGEINT", Conversion::number}, "NaN", "\\N"},
          {short_text, "\xC3\xA4\xC3\xB6\xC3\xBC", "\xC3\xA4\xC3\xB6"},
          {short_text, "a\xF0\x9F\x98\x80", "a"},
          {short_other, "abcde", "\\N"},
          {array, "[2:3]={7,8}", "[7,8]"},
          {array, "[0:0][5:6]={{7,8}}", "[[7,8]]"},
          {one_dimension, "[2:2]={7}", "[7]"},
          {one_dimension, "{{1,2}}", "\\N"}};
}

TEST(Policy, ClampTakesTheNearestValueAndNullNone) {
  for (PolicyCase const& c : policy_cases()) {
    Column column = c.column;
    column.policy = ValuePolicy::clamp;
    EXPECT_EQ(csv_value(column, c.value), c.clamped) << c.value;
    column.policy = ValuePolicy::null;
    EXPECT_EQ(csv_value(column, c.value), "\\N") << c.value;
    EXPECT_EQ(json_value(column, c.value), "null") << c.value;
  }
}

TEST(Policy, JsonSaysTheSameAsCsv) {
  for (PolicyCase const& c : policy_cases()) {
    Column column = c.column;
    column.policy = ValuePolicy::clamp;
    std::string const said = json_value(column, c.value);
    bool const is_bare = c.clamped == "\\N" || c.column.type == "ARRAY<INT>";
    EXPECT_EQ(said, c.clamped == "\\N" ? "null" : is_bare ? c.clamped : '"' + c.clamped + '"');
  }
}

TEST(Policy, FailRefusesWhatWouldBeBentAndLeavesLengthsToStarRocks) {
  for (PolicyCase const& c : policy_cases()) {
    if (c.column.type == "VARCHAR(4)")
      EXPECT_EQ(csv_value(c.column, c.value), c.value);
    else
      EXPECT_THROW(csv_value(c.column, c.value), Error) << c.value;
  }
}

TEST(Policy, WhatIsHeldIsNeverChanged) {
  Column decimal{"v", "DECIMAL(5,2)", Conversion::number};
  for (decimal.policy = ValuePolicy::clamp;
       std::string const value : {"0", "-0.01", "999.99", "1.50", "1.500", "-999"})
    EXPECT_EQ(csv_value(decimal, value), value);
  Column none{"v", "DECIMAL(2,2)", Conversion::number};
  EXPECT_EQ(csv_value(none, "0.99"), "0.99");
  EXPECT_THROW(csv_value(none, "1.00"), Error);
}

TEST(Conversions, TheGreatestFloatIsNotTooLarge) {
  Column const real{"v", "FLOAT", Conversion::number};
  EXPECT_EQ(csv_value(real, "3.4028235e+38"), "3.4028234e+38");
  EXPECT_EQ(csv_value(real, "-3.4028235e+38"), "-3.4028234e+38");
  EXPECT_EQ(std::stof("3.4028234e+38"), std::numeric_limits<float>::max());
  EXPECT_EQ(json_value(real, "3.4028233e+38"), "\"3.4028233e+38\"");
}

TEST(Conversions, TheGreatestFloatOfAnArrayIsNotTooLarge) {
  Column const reals{"v", "ARRAY<FLOAT>", Conversion::array, ArrayElement::number};
  EXPECT_EQ(csv_value(reals, "{3.4028235e+38,NULL,-3.4028235e+38,NaN}"),
            "[3.4028234e+38,null,-3.4028234e+38,NaN]");
  EXPECT_EQ(json_value(reals, "{3.4028235e+38,1}"), "[3.4028234e+38,1]");
  Column const doubles{"v", "ARRAY<DOUBLE>", Conversion::array, ArrayElement::number};
  EXPECT_EQ(csv_value(doubles, "{3.4028235e+38}"), "[3.4028235e+38]");
}

TEST(Conversions, JsonTellsMinusZeroFromZero) {
  Column const many{"v", "JSON", Conversion::array, ArrayElement::number};
  EXPECT_EQ(csv_value(many, "{-0,0,-0.5}"), "[-0.0,0,-0.5]");
}

TEST(Policy, NumbersOfJsonThatWouldBeRoundedAreNotHeld) {
  Column json = kJson;
  std::string const value = R"({"n": 12345678901234567890123.45})";
  EXPECT_THROW(csv_value(json, value), Error);
  EXPECT_THROW(json_value(json, value), Error);
  json.policy = ValuePolicy::clamp;
  EXPECT_EQ(csv_value(json, value), R"({"n": 1.2345678901234568e+22})");
  EXPECT_EQ(json_value(json, value), R"("[{\"n\": 1.2345678901234568e+22}]")");
  json.policy = ValuePolicy::null;
  EXPECT_EQ(csv_value(json, value), "\\N");
  EXPECT_EQ(json_value(json, value), "null");
  EXPECT_EQ(json_value(json, "12345678901234567890123"), "null");
  EXPECT_EQ(csv_value(json, R"({"n": 18446744073709551615})"), R"({"n": 18446744073709551615})");
}

TEST(Policy, ArraysOfJsonHoldNeitherTheDocumentNullNorRoundedNumbers) {
  Column many{"v", "JSON", Conversion::array, ArrayElement::json};
  EXPECT_EQ(csv_value(many, R"({"\"null\"",NULL,"{\"a\": null}",1,{2}})"),
            R"(["null",null,{"a": null},1,[2]])");
  for (std::string const value : {R"({"null",NULL})", R"({" null "})", R"({{1},{"null"}})",
                                  "{0.12345678901234567890}", R"({"{\"n\": 1e400}"})"}) {
    many.policy = ValuePolicy::fail;
    EXPECT_THROW(csv_value(many, value), Error) << value;
    EXPECT_THROW(json_value(many, value), Error) << value;
    many.policy = ValuePolicy::clamp;
    EXPECT_EQ(csv_value(many, value), "\\N") << "none is near";
  }
}

TEST(Policy, AChangeIsCountedOnceForARowThatIsKept) {
  Column date{"v", "DATE"};
  date.policy = ValuePolicy::clamp;
  ChangedValues changed;
  RowEncoder const encoder(plan_of({{"id"}, date, {"t"}}), &changed);
  EXPECT_TRUE(csv(encoder, {text("1"), text("2024-01-01"), text("")}));
  EXPECT_TRUE(changed.read().empty());
  EXPECT_FALSE(csv(encoder, {text("1"), text("infinity"), text("\\N")})); // JSON is next
  EXPECT_TRUE(changed.read().empty());
  (void)json(encoder, {text("1"), text("infinity"), text("\\N")});
  EXPECT_TRUE(csv(encoder, {text("1"), text("infinity"), text("")}));
  ChangedValues::Column const column{{"public", "t"}, "v"};
  EXPECT_EQ(changed.read(), (std::map<ChangedValues::Column, std::uint64_t>{{column, 2}}));
}

TEST(Policy, BytesThatAreNoUtf8AreSeenWhereTheSourceHasNoEncoding) {
  Column value{"v"};
  auto const encoded = [&](std::string_view bytes) {
    TablePlan plan = plan_of({{"id"}, value});
    plan.is_unencoded = true;
    return csv(RowEncoder(plan), {text("1"), text(bytes)});
  };
  EXPECT_EQ(encoded("\xC3\xA9"), "1\001\xC3\xA9\0010\002");
  EXPECT_THROW(encoded("caf\xE9"), Error);
  value.policy = ValuePolicy::null;
  EXPECT_EQ(encoded("caf\xE9"), "1\001\\N\0010\002");
  value.policy = ValuePolicy::clamp;
  EXPECT_EQ(encoded("caf\xE9!"), "1\001caf\xEF\xBF\xBD!\0010\002");
  for (std::string const bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"})
    EXPECT_TRUE(encoded(bad)->find("\xEF\xBF\xBD") != std::string::npos);
}

TEST(Policy, OtherZonesAreCutOffWhateverTheirOffset) {
  TablePlan plan = plan_of({{"id"}, kDateTime});
  EXPECT_THROW((void)csv(RowEncoder(plan), {text("1"), text("2026-01-31 12:00:00+01")}), Error);
  plan.is_utc = false;
  RowEncoder const encoder(plan);
  for (std::string const zone : {"+01", "-03:30", "+00:53:28", "+00"})
    EXPECT_EQ(csv(encoder, {text("1"), text("2026-01-31 12:00:00.5" + zone)}),
              "1\0012026-01-31 12:00:00.5\0010\002");
  EXPECT_THROW((void)csv(encoder, {text("1"), text("2026-01-31 12:00:00")}), Error);
}

TEST(Spec, AbsentColumnsMakeAPartialUpdate) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}, kBytes}));
  EXPECT_FALSE(encoder.spec_for(LoadFormat::csv, {}).partial_update);
  std::vector<Value> const row{text("1"), text("x"), kAbsent};
  ColumnSet const absent = encoder.absent_of(row);
  EXPECT_TRUE(absent.has(2));
  EXPECT_FALSE(absent.has(1));
  LoadSpec const spec = encoder.spec_for(LoadFormat::csv, absent);
  EXPECT_TRUE(spec.partial_update);
  EXPECT_EQ(spec.columns, "`id`,`a`,`__op`");
  EXPECT_EQ(spec.key, std::vector<std::string>{"id"});
  EXPECT_EQ(spec.target, (TargetName{"demo", "t"}));
}

TEST(Spec, TemporaryNamesAvoidTheTablesColumns) {
  RowEncoder const encoder(plan_of({{"id"}, kBytes, {"_WALROCK_hex_1"}}));
  EXPECT_EQ(encoder.spec_for(LoadFormat::csv, {}).columns,
            "`id`,`_walrock_hex_1_`,`_WALROCK_hex_1`,`__op`,`v`=unhex(`_walrock_hex_1_`)");
}

TEST(ColumnSet, HoldsAnyNumberOfColumns) {
  ColumnSet a, b;
  for (std::size_t const i : {0u, 63u, 64u, 1599u})
    a.add(i);
  for (std::size_t const i : {1599u, 64u, 63u, 0u})
    b.add(i);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_TRUE(a.has(64) && a.has(1599));
  EXPECT_FALSE(a.has(65) || a.has(1) || a.has(5000));
  b.add(1);
  EXPECT_NE(a, b);
  EXPECT_TRUE(ColumnSet().empty());
}

TEST(Keys, AreTheStartOfTheCsvRow) {
  RowEncoder const encoder(plan_of({{"a", "BOOLEAN", Conversion::boolean}, {"b"}, {"v"}}, 2));
  std::vector<Value> const row{text("t"), text("x"), kNull};
  EXPECT_EQ(key(encoder, row), "1\001x\001");
  EXPECT_EQ(encoder.csv_key(*csv(encoder, row)), key(encoder, row));
  EXPECT_EQ(encoder.csv_key(*csv(encoder, row, Op::delete_)), key(encoder, row));
}

TEST(Keys, DifferWhateverTheyHold) {
  RowEncoder const encoder(plan_of({{"a"}, {"b"}}, 2));
  std::vector<std::string> const fields{"",     "\001", "\002",  "\001\001", "\002\003", "\002\004",
                                        "\003", "a",    "a\001", "\001a",    "\\N",      "\\N\002"};
  std::vector<std::string> keys;
  for (std::string const& a : fields)
    for (std::string const& b : fields)
      keys.push_back(key(encoder, {text(a), text(b)}));
  keys.push_back(key(encoder, {kNull, text("a")}));
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST(Merge, AbsentCellsTakeTheFieldsOfTheRowBefore) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}, {"b"}, {"c"}}));
  std::string const before = *csv(encoder, {text("1"), text("old a"), kNull, text("old c")});
  std::vector<AbsentField> absent;
  std::string out = "x";
  EXPECT_TRUE(encoder.merge_csv(std::vector{text("1"), kAbsent, text("new b"), kAbsent}, before, {},
                                {}, out, absent));
  EXPECT_EQ(out, "x1\001old a\001new b\001old c\0010\002");
}

TEST(Merge, SaysWhatCsvCannotSay) {
  RowEncoder const encoder(plan_of({{"id"}, {"a"}, {"b"}}));
  std::string const before = *csv(encoder, {text("1"), text("a"), kNull});
  std::vector<AbsentField> absent;
  for (std::string const& bad : {"\001"s, "\002"s, "\\N"s}) {
    std::string out = "x";
    EXPECT_FALSE(
        encoder.merge_csv(std::vector{text("1"), kAbsent, text(bad)}, before, {}, {}, out, absent));
    EXPECT_EQ(out, "x");
  }
}

// --- random rows against an independent reader
// ----------------------------------------------------

std::vector<std::optional<std::string>> split_row(std::string_view row) {
  std::vector<std::optional<std::string>> fields(1, "");
  for (char const c : row.substr(0, row.size() - 1)) {
    if (c == '\001')
      fields.emplace_back("");
    else
      *fields.back() += c;
  }
  for (auto& field : fields)
    if (field == "\\N")
      field.reset();
  return fields;
}

std::string random_text(std::mt19937& random) {
  static std::vector<std::string> const pieces{"a",
                                               "\\",
                                               "N",
                                               "\\N",
                                               "\001",
                                               "\002",
                                               "\"",
                                               "\n",
                                               "",
                                               "\xF0\x9F\x90\x98",
                                               "ordinary words of some length",
                                               "\003",
                                               "0"};
  std::string out;
  // Separators are rare, so that most rows are CSV.
  for (auto n = random() % 6; n > 0; --n) {
    std::string const& piece = pieces[random() % pieces.size()];
    if ((piece != "\001" && piece != "\002") || random() % 8 == 0)
      out += piece;
  }
  return out;
}

TEST(Random, RowsReadBackAsTheyWere) {
  auto const seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int csv_rows = 0;
  for (int round = 0; round < 20000; ++round) {
    std::size_t const width = 1 + random() % 5;
    std::vector<Column> columns(width);
    for (std::size_t i = 0; i < width; ++i)
      columns[i].name = "c" + std::to_string(i);
    RowEncoder const encoder(plan_of(columns, 1));
    std::vector<std::string> texts(width);
    std::vector<Value> row(width);
    bool sayable = true;
    std::vector<std::optional<std::string>> expected;
    for (std::size_t i = 0; i < width; ++i) {
      texts[i] = random_text(random);
      auto const dice = random() % 10;
      row[i] = i > 0 && dice == 0 ? kNull : i > 0 && dice == 1 ? kAbsent : text(texts[i]);
      if (row[i].is_text())
        sayable &= texts[i].find_first_of("\001\002") == std::string::npos && texts[i] != "\\N";
      if (!row[i].is_unchanged_toast())
        expected.push_back(row[i].is_null() ? std::nullopt : std::optional(texts[i]));
    }
    expected.emplace_back("0");
    auto const encoded = csv(encoder, row);
    ASSERT_EQ(encoded.has_value(), sayable);
    if (!encoded)
      continue;
    ++csv_rows;
    ASSERT_EQ(split_row(*encoded), expected);
    ASSERT_EQ(encoder.csv_key(*encoded), key(encoder, row));
  }
  EXPECT_GT(csv_rows, 5000);
}

} // namespace
} // namespace walrock
