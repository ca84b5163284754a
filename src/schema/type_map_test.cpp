#include "schema/type_map.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "schema/source_types.h"

namespace walrock {
namespace {

constexpr Oid kNumeric = 1700, kVarchar = 1043, kBpchar = 1042, kText = 25, kInt4 = 23, kInt8 = 20,
              kBool = 16, kBytea = 17, kJsonb = 3802, kTimestamptz = 1184, kTimestamp = 1114,
              kDate = 1082, kUuid = 2950, kFloat8 = 701, kFloat4 = 700;

SourceColumn column(Oid oid, std::int32_t typmod = -1) {
  return describe_column({"c", oid, typmod, false});
}
SourceColumn numeric(int precision, int scale) {
  return column(kNumeric, (precision << 16 | (scale & 0x7FF)) + 4);
}
std::string mapped(SourceColumn const& c) {
  return to_string(map_type(c).type);
}
std::string key_mapped(SourceColumn const& c) {
  return to_string(map_key_type(c).type);
}
Fit fit_of(SourceColumn const& c, std::string_view target) {
  return fit(c, parse_target_type(target));
}
Fit::Kind kind(SourceColumn const& c, std::string_view target) {
  return fit_of(c, target).kind;
}

TEST(TargetType, EverySpellingBecomesOne) {
  std::pair<char const*, char const*> const cases[] = {
      {"tinyint(1)", "BOOLEAN"},
      {"boolean", "BOOLEAN"},
      {"tinyint(4)", "TINYINT"},
      {"tinyint", "TINYINT"},
      {"smallint(6)", "SMALLINT"},
      {"int(11)", "INT"},
      {"integer", "INT"},
      {"bigint(20)", "BIGINT"},
      {"bigint(20) unsigned", "LARGEINT"},
      {"bigint unsigned", "LARGEINT"},
      {"largeint(40)", "LARGEINT"},
      {"decimal64(10, 2)", "DECIMAL(10,2)"},
      {"decimal(10,2)", "DECIMAL(10,2)"},
      {"DECIMAL( 38 , 0 )", "DECIMAL(38,0)"},
      {"decimal", "DECIMAL(10,0)"},
      {"varchar(65533)", "VARCHAR(65533)"},
      {"string", "VARCHAR(65533)"},
      {"STRING", "VARCHAR(65533)"},
      {"varchar(1048576)", "VARCHAR(1048576)"},
      {"char(10)", "CHAR(10)"},
      {"json", "JSON"},
      {"varbinary", "VARBINARY"},
      {"varbinary(1048576)", "VARBINARY"},
      {"binary", "VARBINARY"},
      {"date", "DATE"},
      {"datetime", "DATETIME"},
      {"double", "DOUBLE"},
      {"float", "FLOAT"},
      {"array<int(11)>", "ARRAY<INT>"},
      {"ARRAY<array<varchar(10)>>", "ARRAY<ARRAY<VARCHAR(10)>>"},
      {"array<decimal64(10, 2)>", "ARRAY<DECIMAL(10,2)>"},
      {"map<int, varchar(5)>", "MAP<INT,VARCHAR(5)>"},
      {"hll", "HLL"},
      {"array", "ARRAY"},
  };
  for (auto const& [spelled, normal] : cases) {
    EXPECT_EQ(normalise_type(spelled), normal);
    EXPECT_EQ(normalise_type(normal), normal);
  }
}

TEST(TargetType, KeysAreOfFewTypes) {
  for (char const* type :
       {"BOOLEAN", "TINYINT", "BIGINT", "LARGEINT", "VARCHAR(9)", "DATE", "DATETIME"})
    EXPECT_TRUE(is_allowed_as_primary_key(parse_target_type(type))) << type;
  for (char const* type :
       {"DECIMAL(9,0)", "CHAR(9)", "DOUBLE", "FLOAT", "JSON", "VARBINARY", "ARRAY<INT>"})
    EXPECT_FALSE(is_allowed_as_primary_key(parse_target_type(type))) << type;
}

TEST(TargetType, AlterFollowsStarRocksMatrix) {
  auto const can = [](char const* from, char const* to) {
    return is_modifiable(parse_target_type(from), parse_target_type(to));
  };
  EXPECT_TRUE(can("INT", "BIGINT"));
  EXPECT_FALSE(can("BIGINT", "INT"));
  EXPECT_TRUE(can("VARCHAR(10)", "VARCHAR(20)"));
  EXPECT_FALSE(can("VARCHAR(20)", "VARCHAR(10)"));
  EXPECT_FALSE(can("VARCHAR(20)", "CHAR(20)"));
  EXPECT_TRUE(can("DECIMAL(10,2)", "DECIMAL(12,3)"));
  EXPECT_FALSE(can("DECIMAL(10,2)", "DECIMAL(10,3)"));
  EXPECT_FALSE(can("BOOLEAN", "INT"));
  EXPECT_TRUE(can("JSON", "VARCHAR(10)"));
}

TEST(TypeMap, UsualTypes) {
  std::pair<SourceColumn, char const*> const cases[] = {
      {column(kBool), "BOOLEAN"},
      {column(21), "SMALLINT"},
      {column(kInt4), "INT"},
      {column(kInt8), "BIGINT"},
      {column(kFloat4), "FLOAT"},
      {column(kFloat8), "DOUBLE"},
      {column(kText), "VARCHAR(1048576)"},
      {column(kVarchar, 104), "VARCHAR(400)"},
      {column(kVarchar), "VARCHAR(1048576)"},
      {column(kVarchar, 300004), "VARCHAR(1048576)"},
      {column(kBpchar, 14), "VARCHAR(40)"},
      {column(kUuid), "VARCHAR(36)"},
      {column(kDate), "DATE"},
      {column(kTimestamp), "DATETIME"},
      {column(kTimestamptz, 3), "DATETIME"},
      {column(kBytea), "VARBINARY"},
      {column(114), "JSON"},
      {column(kJsonb), "JSON"},
      {column(1007), "JSON"},
      {column(1009), "JSON"},
      {column(1231), "VARCHAR(1048576)"},
      {column(1020), "VARCHAR(1048576)"},
      {column(1186), "VARCHAR(64)"},
      {column(99999), "VARCHAR(1048576)"},
  };
  for (auto const& [source, target] : cases)
    EXPECT_EQ(mapped(source), target) << source.declared_type;
}

TEST(TypeMap, NumericKeepsEveryDigit) {
  EXPECT_EQ(mapped(numeric(10, 2)), "DECIMAL(10,2)");
  EXPECT_EQ(mapped(numeric(38, 10)), "DECIMAL(38,10)");
  EXPECT_EQ(mapped(numeric(39, 10)), "VARCHAR(42)");
  EXPECT_EQ(mapped(numeric(5, -2)), "DECIMAL(7,0)");
  EXPECT_EQ(mapped(numeric(3, 5)), "DECIMAL(5,5)");
  EXPECT_EQ(mapped(column(kNumeric)), "VARCHAR(1048576)");
}

TEST(TypeMap, KeysThatStarRocksRefusesBecomeTextOrLargeint) {
  EXPECT_EQ(key_mapped(numeric(20, 0)), "LARGEINT");
  EXPECT_EQ(key_mapped(numeric(10, 2)), "VARCHAR(13)");
  EXPECT_EQ(key_mapped(numeric(2, 2)), "VARCHAR(9)"); // -Infinity
  EXPECT_EQ(key_mapped(column(kFloat8)), "VARCHAR(24)");
  EXPECT_EQ(key_mapped(column(kBytea)), "VARCHAR(1048576)");
  EXPECT_EQ(key_mapped(column(kJsonb)), "VARCHAR(1048576)");
  EXPECT_EQ(key_mapped(column(kBpchar, 14)), "VARCHAR(40)");
  EXPECT_EQ(key_mapped(column(kInt4)), "INT");
  EXPECT_EQ(key_mapped(column(kTimestamptz)), "DATETIME");
}

TEST(TypeMap, EveryTypeFitsWhatItIsMappedTo) {
  for (SourceType const& type : source_types())
    for (Oid const oid : {type.oid, type.array_oid}) {
      SourceColumn const source = column(oid);
      for (TypeMapping const& mapping : {map_type(source), map_key_type(source)}) {
        Fit const fits = fit(source, mapping.type);
        EXPECT_EQ(fits.kind, Fit::Kind::exact) << source.declared_type << ": " << fits.why;
        EXPECT_EQ(fits.conversion, mapping.conversion) << source.declared_type;
        EXPECT_EQ(fits.element, mapping.element) << source.declared_type;
      }
      EXPECT_TRUE(is_allowed_as_primary_key(map_key_type(source).type)) << source.declared_type;
    }
}

TEST(TypeMap, EnumsAndUnknownTypesAreText) {
  SourceColumn label;
  label.type_oid = 70001;
  label.type_kind = TypeKind::enum_;
  EXPECT_EQ(mapped(label), "VARCHAR(255)");
  SourceColumn labels;
  labels.type_oid = 70002;
  labels.type_kind = TypeKind::array;
  EXPECT_EQ(mapped(labels), "VARCHAR(1048576)");
  EXPECT_EQ(map_type(labels).conversion, Conversion::text);
}

TEST(Fit, WiderIsFine) {
  using enum Fit::Kind;
  EXPECT_EQ(kind(column(kInt4), "BIGINT"), exact);
  EXPECT_EQ(kind(column(kInt4), "DECIMAL(10,0)"), exact);
  EXPECT_EQ(kind(column(kInt4), "DOUBLE"), exact);
  EXPECT_EQ(kind(numeric(10, 2), "DECIMAL(12,2)"), exact);
  EXPECT_EQ(kind(numeric(10, 2), "DECIMAL(12,4)"), exact);
  EXPECT_EQ(kind(numeric(9, 0), "INT"), exact);
  EXPECT_EQ(kind(numeric(18, 0), "BIGINT"), exact);
  EXPECT_EQ(kind(numeric(38, 0), "LARGEINT"), exact);
  EXPECT_EQ(kind(column(kVarchar, 104), "VARCHAR(500)"), exact);
  EXPECT_EQ(kind(column(kText), "STRING"), exact);
  EXPECT_EQ(kind(column(kDate), "DATETIME"), exact);
  EXPECT_EQ(kind(column(kBool), "TINYINT"), exact);
  EXPECT_EQ(kind(column(kFloat4), "DOUBLE"), exact);
  EXPECT_EQ(kind(column(kJsonb), "STRING"), exact);
  EXPECT_EQ(kind(column(kBytea), "STRING"), exact);
}

TEST(Fit, WhatWouldChangeValuesIsRefused) {
  using enum Fit::Kind;
  EXPECT_EQ(kind(column(kInt8), "INT"), refused);
  EXPECT_EQ(kind(column(kInt8), "DOUBLE"), refused);
  EXPECT_EQ(kind(column(kInt4), "BOOLEAN"), refused);
  EXPECT_EQ(kind(numeric(10, 2), "DECIMAL(10,1)"), refused);
  EXPECT_EQ(kind(numeric(10, 2), "DECIMAL(8,2)"), refused);
  EXPECT_EQ(kind(numeric(10, 2), "DOUBLE"), refused);
  EXPECT_EQ(kind(numeric(10, 0), "INT"), refused);
  EXPECT_EQ(kind(column(kTimestamp), "DATE"), refused);
  EXPECT_EQ(kind(column(kText), "INT"), refused);
  EXPECT_EQ(kind(column(kFloat8), "FLOAT"), refused);
  EXPECT_EQ(kind(column(kUuid), "VARCHAR(32)"), refused);
  EXPECT_EQ(kind(column(kVarchar, 104), "VARCHAR(99)"), refused);
  EXPECT_EQ(kind(column(kText), "HLL"), refused);
  EXPECT_EQ(kind(column(1231), "JSON"), refused);
}

TEST(Fit, WhatMayBeRefusedWhenItComesIsRisky) {
  using enum Fit::Kind;
  EXPECT_EQ(kind(column(kVarchar, 104), "VARCHAR(100)"), risky);
  EXPECT_EQ(kind(column(kText), "VARCHAR(255)"), risky);
  EXPECT_EQ(kind(column(kNumeric), "DECIMAL(38,10)"), risky);
  EXPECT_FALSE(fit_of(column(kText), "VARCHAR(255)").why.empty());
}

TEST(Fit, ArraysTakeArrayColumnsOfElementsThatFit) {
  using enum Fit::Kind;
  EXPECT_EQ(kind(column(1007), "ARRAY<INT>"), risky);
  EXPECT_EQ(fit_of(column(1007), "ARRAY<INT>").element, ArrayElement::number);
  EXPECT_EQ(fit_of(column(1007), "ARRAY<VARCHAR(20)>").element, ArrayElement::text);
  EXPECT_EQ(kind(column(1185), "ARRAY<DATETIME>"), risky);
  EXPECT_EQ(kind(column(1016), "ARRAY<INT>"), refused);
  EXPECT_EQ(kind(column(1231), "ARRAY<DECIMAL(10,2)>"), refused); // would be rounded
  EXPECT_EQ(kind(column(1231, (10 << 16 | 2) + 4), "ARRAY<DECIMAL(10,2)>"), risky);
  EXPECT_EQ(kind(column(1001), "ARRAY<VARBINARY>"), refused);
}

TEST(TypesDocument, IsWhatTheTableSays) {
  std::string const path = WALROCK_SOURCE_DIR "/docs/guide/types.md";
  if (std::getenv("WALROCK_UPDATE_GOLDEN") != nullptr)
    std::ofstream(path) << types_markdown();
  std::ostringstream written;
  written << std::ifstream(path).rdbuf();
  EXPECT_EQ(written.str(), types_markdown()) << "run WALROCK_UPDATE_GOLDEN=1 schema_test";
}

} // namespace
} // namespace walrock
