#include "starrocks/field_reader.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

TEST(FieldReader, TextsOfArraysAreQuotedAsCsvTakesThem) {
  LoadField const field{"a", "ARRAY<VARCHAR(20)>"};
  EXPECT_EQ(as_loaded(field, R"(["a\\b","a\"b",null,"","x,[y]","\\","\"","\\\"","\\n"])"),
            R"(["a\b","a""b",null,"","x,[y]","\","""","\""","\n"])");
  EXPECT_EQ(as_loaded(field, "[]"), "[]");
  EXPECT_EQ(as_loaded(field, "[\"a\nb\"]"), "[\"a\nb\"]");
  EXPECT_EQ(as_loaded({"a", "ARRAY<DATE>"}, R"(["2021-01-05",null])"), R"(["2021-01-05",null])");
  EXPECT_EQ(as_loaded({"a", "ARRAY<DECIMAL(10,2)>"}, "[1.50,null]"), "[1.50,null]");
}

TEST(FieldReader, TextsOutsideOfArraysAreAsTheyAre) {
  EXPECT_EQ(as_loaded({"v", "VARCHAR(20)"}, R"(a\"b)"), R"(a\"b)");
  EXPECT_EQ(as_loaded({"v", "VARCHAR(20)"}, "5"), "5");
}

TEST(FieldReader, AJsonScalarIsNothingThatCsvCanSay) {
  LoadField const field{"doc", "JSON"};
  EXPECT_EQ(as_loaded(field, R"({"a": "\"\\"})"), R"({"a": "\"\\"})");
  EXPECT_EQ(as_loaded(field, R"("5")"), R"("5")");
  for (char const* const scalar : {"5", "true", "null", "-1.5"})
    try {
      (void)as_loaded(field, scalar);
      ADD_FAILURE() << scalar;
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), ErrorCode::value_unsupported);
    }
}

} // namespace
} // namespace walrock
