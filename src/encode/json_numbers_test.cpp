#include "encode/json_numbers.h"

#include <string>

#include <gtest/gtest.h>

namespace walrock {
namespace {

bool holds(std::string const& json) {
  return holds_json_numbers(json, true);
}

TEST(JsonNumbers, WhatAnIntegerOfSixtyFourBitsOrADoubleHoldsIsHeld) {
  for (char const* number : {"0",
                             "-0",
                             "-0.0",
                             "1.50",
                             "0.1",
                             "100000000000000000000",
                             "9223372036854775807",
                             "-9223372036854775808",
                             "18446744073709551615",
                             "123456789012345",
                             "0.123456789012345",
                             "1e22",
                             "1.7976931348623157e308",
                             "5e-324",
                             "2.2250738585072014e-308",
                             "1E+300",
                             "0e400",
                             "15000000000000000000000000.000",
                             "0.00000000000000000000000000001",
                             "0.30000000000000004"}) {
    bool const is_out_of_range = std::string(number) == "0e400"; // StarRocks refuses it
    EXPECT_EQ(holds(number), !is_out_of_range) << number;
    EXPECT_EQ(holds("{\"a\": [" + std::string(number) + ", true]}"), !is_out_of_range) << number;
  }
}

TEST(JsonNumbers, WhatWouldBeRoundedIsNot) {
  for (char const* number :
       {"12345678901234567890123.45", "18446744073709551617", "-9223372036854775809",
        "0.12345678901234567890", "1e400", "-1e309", "1e-400", "4e-324", "1234567890123456.78",
        "0.30000000000000001", "52.520006599999999", "36893488147419103232", "9007199254740993.0",
        "123456789012345678901", "1.797693134862315808e308",
        "1.00000000000000000000000000000000000001"}) {
    EXPECT_FALSE(holds(number)) << number;
    for (std::string const before : {"", "  ", "\"x\", ", "\"\\\"\", ", "{\"k\": [null]}, "})
      EXPECT_FALSE(holds("[" + before + number + "]")) << before << number;
    EXPECT_FALSE(holds("{\"n\":" + std::string(number) + "}")) << number;
  }
  EXPECT_FALSE(holds(std::string(400, '9')));
  EXPECT_FALSE(holds("1" + std::string(400, '0')));
}

TEST(JsonNumbers, ALongNumberIsFoundWhereverItStands) {
  for (std::size_t before = 0; before < 40; ++before)
    for (char const* number : {"9007199254740993.5", "1e-400", "1e400"})
      EXPECT_FALSE(holds("[\"" + std::string(before, 'x') + "\"," + number + "]")) << before;
}

TEST(JsonNumbers, DigitsWithinStringsAreNoNumbers) {
  EXPECT_TRUE(holds(R"({"12345678901234567890.12345": "98765432109876543210.5e400"})"));
  EXPECT_TRUE(holds(R"(["\"12345678901234567890.12345", "\\", "1e400"])"));
  EXPECT_FALSE(holds(R"(["\\", 12345678901234567890.12345])"));
  EXPECT_TRUE(holds(R"(["4111-1111-1111-1111", 1])"));
  EXPECT_TRUE(holds(""));
}

TEST(JsonStrings, HalfASurrogatePairIsNotHeld) {
  for (char const* held :
       {R"("\\ud800")", R"("\ud83d\ude00 \uD83D\uDE00")", R"("\u00e4\ue000\ud7ff")", "\"\"",
        R"({"a": "\"\n\\"})", R"("\\\ud83d\ude00")"})
    EXPECT_TRUE(holds_json_strings(held)) << held;
  for (char const* lone :
       {R"("\ud800")", R"("\uDFFF")", R"("\ud83dx\ude00")", R"("\ud83d\n")", R"("\ude00\ud83d")",
        R"("\ud83d\u0041")", R"(["\ud83d", "\ude00"])", R"("\\\ud800")", R"("\ud83d\ud83d\ude00")"})
    EXPECT_FALSE(holds_json_strings(lone)) << lone;
}

TEST(JsonNumbers, NumbersOfJsonbHaveNoExponents) {
  EXPECT_TRUE(holds_json_numbers("[1e400]", false)) << "nobody looks for what cannot be there";
  EXPECT_FALSE(holds_json_numbers("[0.12345678901234567890]", false));
}

TEST(JsonNumbers, TheNearestDocumentIsHeldAndChangesNumbersOnly) {
  auto const near = [](std::string const& json) {
    std::string const out = nearest_json_numbers(json);
    EXPECT_TRUE(holds(out)) << out;
    return out;
  };
  EXPECT_EQ(
      near(R"({"n": 12345678901234567890123.45, "s": "12345678901234567890123.45", "m": 1.50})"),
      R"({"n": 1.2345678901234568e+22, "s": "12345678901234567890123.45", "m": 1.50})");
  EXPECT_EQ(near("-18446744073709551617"), "-1.8446744073709552e+19");
  EXPECT_EQ(near("[1e400,-1e400,1e-400]"),
            "[1.7976931348623157e+308,-1.7976931348623157e+308,0e+00]");
  EXPECT_EQ(near("[1, 2]"), "[1, 2]");
}

} // namespace
} // namespace walrock
