#include "starrocks/group_load.h"

#include <gtest/gtest.h>

#include "starrocks/version.h"

namespace walrock {
namespace {

Batch into(std::string table) {
  Batch batch;
  batch.spec.target = {"demo", std::move(table)};
  return batch;
}

TEST(GroupLoad, TheTableThatStarRocksNamesIsTheCulprit) {
  Batch const orders = into("orders");
  Batch const lines = into("order_lines");
  Batch const order = into("order");
  std::vector<Batch const*> const all{&order, &orders, &lines};
  auto const culprit = [&](std::string const& said) { return culprit_of(said, all); };
  EXPECT_EQ(culprit("Failed to load table orders: too many filtered rows, tracking_url: x"), 1u);
  EXPECT_EQ(culprit("Failed to load table order_lines"), 2u);
  EXPECT_EQ(culprit("Failed to load table order, tracking_url:"), 0u);
  EXPECT_EQ(culprit("Failed to load table order_line"), std::nullopt);
  EXPECT_EQ(culprit("Can not commit CANCELLED transaction 7"), std::nullopt);
}

TEST(GroupLoad, ServersWhoseRollbackDoesNothingAreTooOld) {
  auto const is_good = [](char const* text) {
    return *parse_server_version(text) >= kFirstWithGroups;
  };
  EXPECT_FALSE(is_good("3.5.12"));
  EXPECT_FALSE(is_good("4.0.0-rc01"));
  EXPECT_FALSE(is_good("4.0.4"));
  EXPECT_TRUE(is_good("4.0.5-abc"));
  EXPECT_TRUE(is_good("4.1.0"));
}

} // namespace
} // namespace walrock
