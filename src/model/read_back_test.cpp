#include "model/read_back.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/json_scalar.h"

namespace walrock {
namespace {

using testing::ElementsAre;

// Rows "n \x01 (empty) \x01 0 \x02" whose second field is that of the key n.
struct RowsToFill {
  std::string bytes;
  std::vector<FieldReference> references;

  explicit RowsToFill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes += std::to_string(i) + kColumnSeparator;
      references.push_back({bytes.size(), 1, {std::to_string(i)}});
      bytes.append(1, kColumnSeparator).append(1, '0').append(1, kRowDelimiter);
    }
  }
};

// A target that answers up to `most` rows, and how many it was asked for each time.
struct Target {
  std::size_t most;
  std::vector<std::size_t> asked = {};

  std::optional<FieldValues> read(std::span<WantedRow const> rows) {
    asked.push_back(rows.size());
    if (rows.size() > most)
      return std::nullopt;
    FieldValues values;
    for (WantedRow const& row : rows)
      values.emplace_back(row.fields.size(), "of " + row.key->at(0));
    return values;
  }
  std::vector<std::string> fill(RowsToFill const& rows) {
    std::vector<std::string> pieces;
    fill_references(
        rows.bytes, rows.references,
        [&](std::span<WantedRow const> wanted) { return read(wanted); },
        [&](std::string_view piece) {
          pieces.emplace_back(piece);
          return true;
        });
    return pieces;
  }
};

std::string filled(std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t i = from; i < to; ++i)
    out += std::to_string(i) + "\x01" + "of " + std::to_string(i) + "\x01" + "0\x02";
  return out;
}

TEST(ReadBack, IsAskedForAFewRowsAtATime) {
  Target target{kRowsReadBack};
  EXPECT_THAT(target.fill(RowsToFill(20)), ElementsAre(filled(0, 16), filled(16, 20)));
  EXPECT_THAT(target.asked, ElementsAre(16, 4));
}

TEST(ReadBack, IsHalvedUntilTheAnswerIsNotTooLarge) {
  Target target{3};
  EXPECT_THAT(target.fill(RowsToFill(5)), ElementsAre(filled(0, 2), filled(2, 4), filled(4, 5)));
  EXPECT_THAT(target.asked, ElementsAre(5, 5, 4, 2, 2, 1));
}

// A row that was moved twice within its label.
TEST(ReadBack, OfOneRowTheKeysAreAskedForOneByOne) {
  RowsToFill rows(0);
  rows.bytes = "7\x01\x01\x01"
               "0\x02";
  rows.references = {{2, 1, {"5"}}, {3, 2, {"6"}}};
  Target target{1};
  EXPECT_THAT(target.fill(rows), ElementsAre("7\x01of 5\x01of 6\x01"
                                             "0\x02"));
  EXPECT_EQ(target.asked.back(), 1U);
}

TEST(ReadBack, OnlyJsonContainersAndStringsAreNoScalars) {
  for (char const* const scalar : {"5", "-1.5", "true", "false", "null", " 5", "", "  "})
    EXPECT_TRUE(is_json_scalar(scalar)) << scalar;
  for (char const* const document : {"{}", "[]", "\"5\"", " {\"a\": 1}", "\n[1]"})
    EXPECT_FALSE(is_json_scalar(document)) << document;
}

} // namespace
} // namespace walrock
