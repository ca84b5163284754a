#include "starrocks/kept_rows.h"

#include <gtest/gtest.h>

namespace walrock {
namespace {

TargetTable table_with(std::vector<std::string> const& columns) {
  TargetTable table;
  table.name = {"demo", "t"};
  for (std::string const& name : columns)
    table.columns.push_back({name, "INT", true, std::nullopt, ""});
  return table;
}

TargetName const kTwin{"demo", "twin"};

TEST(KeptRows, GoIntoTheTwinAsTheyAre) {
  EXPECT_EQ(keep_rows_sql(table_with({"id", "v"}), kTwin, KeptRows::as_they_are, 0),
            "INSERT INTO `demo`.`twin` (`id`, `v`) SELECT `id`, `v` FROM `demo`.`t`");
}

TEST(KeptRows, AreMarkedAndKeepTheTimeTheyHave) {
  EXPECT_EQ(keep_rows_sql(table_with({"id", "_walrock_deleted", "_walrock_deleted_at"}), kTwin,
                          KeptRows::marked, 1),
            "INSERT INTO `demo`.`twin` (`id`, `_walrock_deleted`, `_walrock_deleted_at`) SELECT "
            "`id`, TRUE, CASE WHEN `_walrock_deleted` THEN `_walrock_deleted_at` ELSE "
            "\"2000-01-01 00:00:00.000001\" END FROM `demo`.`t`");
}

TEST(KeptRows, OfAHistoryStandBeforeTheMarkOfTheCopy) {
  EXPECT_EQ(copy_mark_sql({"demo", "t"}, kTwin, 0),
            "INSERT INTO `demo`.`twin` (`_walrock_lsn`, `_walrock_index`, `_walrock_commit_time`, "
            "`_walrock_operation`) SELECT MAX(`_walrock_lsn`) + 1, 0, \"2000-01-01 "
            "00:00:00.000000\", \"copy\" FROM `demo`.`t` HAVING MAX(`_walrock_lsn`) IS NOT NULL");
}

TEST(KeptRows, WhatIsNotMarkedYetIsMarked) {
  EXPECT_EQ(mark_deleted_sql({"demo", "t"}, {{"_walrock_deleted", "1"}, {"_walrock_xid", {}}}),
            "UPDATE `demo`.`t` SET `_walrock_deleted` = \"1\", `_walrock_xid` = NULL WHERE "
            "`_walrock_deleted` IS NULL OR NOT `_walrock_deleted`");
}

} // namespace
} // namespace walrock
