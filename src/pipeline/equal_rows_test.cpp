#include "pipeline/equal_rows.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

class EqualRowsTest : public testing::Test {
protected:
  MemoryBudget budget{1 << 20};
  MemoryBudget share{1 << 18};
  EqualRows rows{&budget, &share};

  static RowHash hash(std::uint64_t number) { return {number * 3, number}; }
  void insert(std::uint64_t of, std::uint64_t lsn, std::uint64_t index) {
    rows.insert(hash(of), {Lsn{lsn}, index});
  }
  // "lsn/index", or "?rank"
  std::string remove(std::uint64_t of) {
    RowOrigin const origin = rows.remove(hash(of));
    return origin.rank != 0
               ? "?" + std::to_string(origin.rank)
               : std::to_string(origin.commit_lsn.value) + "/" + std::to_string(origin.index);
  }
};

TEST_F(EqualRowsTest, ARowOfTheEpochGoesFirst) {
  insert(1, 100, 0);
  insert(1, 100, 1);
  insert(2, 200, 0);
  EXPECT_EQ(remove(1), "100/1");
  EXPECT_EQ(remove(2), "200/0");
  EXPECT_EQ(remove(1), "100/0");
}

TEST_F(EqualRowsTest, ThenTheRowsOfTheTargetInTheirOrder) {
  EXPECT_EQ(remove(1), "?1");
  EXPECT_EQ(remove(2), "?1");
  insert(1, 100, 0);
  EXPECT_EQ(remove(1), "100/0");
  EXPECT_EQ(remove(1), "?2");
  EXPECT_EQ(remove(1), "?3");
}

TEST_F(EqualRowsTest, AnEpochBeginsWithNothingKnown) {
  insert(1, 100, 0);
  EXPECT_EQ(remove(2), "?1");
  EXPECT_GT(budget.used(), 0u);
  rows.clear();
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_EQ(remove(1), "?1");
  EXPECT_EQ(remove(2), "?1");
}

TEST_F(EqualRowsTest, WhatIsForgottenIsTakenFromTheTarget) {
  for (std::uint64_t i = 0; i < 10'000; ++i)
    insert(i, 100, i);
  EXPECT_LE(share.used(), share.limit() / 2);
  EXPECT_EQ(budget.used(), share.used());
  EXPECT_EQ(remove(0), "100/0");
  EXPECT_EQ(remove(9'999), "?1");
}

TEST_F(EqualRowsTest, TooManyDeletesAreACopy) {
  try {
    for (std::uint64_t i = 0; i < 100'000; ++i)
      (void)remove(i);
    FAIL() << "memory has an end";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::copy_needed);
  }
  EXPECT_LE(share.used(), share.limit());
}

} // namespace
} // namespace walrock
