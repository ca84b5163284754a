#include "runtime/slot_guardian.h"

#include <gtest/gtest.h>

namespace walrock {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMB = 1 << 20;

// A slot under a virtual clock, looked at every three seconds.
struct Watched {
  explicit Watched(SlotLimits limits) : forecast(limits) {}

  SlotStatus look(std::int64_t retained_mb, std::optional<std::int64_t> safe_mb = {}) {
    Slot slot;
    slot.slot_name = "s";
    slot.wal_status = wal_status;
    slot.retained_bytes = retained_mb * kMB;
    if (safe_mb)
      slot.safe_wal_bytes = *safe_mb * kMB;
    now += 3s;
    return forecast.add(slot, now);
  }

  SlotForecast forecast;
  TimePoint now{};
  std::string wal_status = "reserved";
};

TEST(SlotForecast, SteadyGrowthIsForecastToTheSecond) {
  Watched watched({1000 * kMB, Milliseconds(100'000)});
  SlotStatus last;
  for (int look = 0; look <= 10; ++look)
    last = watched.look(look * 3); // 1 MB a second
  ASSERT_TRUE(last.seconds_left);
  EXPECT_NEAR(*last.bytes_per_second, kMB, 1);
  EXPECT_NEAR(*last.seconds_left, 970, 1);
  EXPECT_EQ(last.limit, "slot.wal-limit");
  EXPECT_EQ(last.warning, "") << "970 s are more than the 100 s of the warning";
}

TEST(SlotForecast, ALimitThatIsNearIsWarnedOfWithItsSeconds) {
  Watched watched({100 * kMB, Milliseconds(100'000)});
  SlotStatus last;
  for (int look = 0; look <= 10; ++look)
    last = watched.look(look * 3);
  EXPECT_NE(last.warning.find("slot.wal-limit in 70 s"), std::string::npos) << last.warning;
}

TEST(SlotForecast, NothingIsForecastFromAShortLook) {
  Watched watched({100 * kMB, Milliseconds(100'000)});
  EXPECT_FALSE(watched.look(0).seconds_left);
  EXPECT_FALSE(watched.look(3).seconds_left);
}

TEST(SlotForecast, ASawtoothThatDoesNotRiseIsNoGrowth) {
  Watched watched({100 * kMB, Milliseconds(3'600'000)});
  for (int look = 0; look < 60; ++look) {
    SlotStatus const outlook = watched.look(look % 5 * 10); // falls back to 0 every 15 s
    EXPECT_FALSE(outlook.seconds_left && look > 12) << look;
  }
}

TEST(SlotForecast, ASawtoothThatRisesIsForecastByItsLows) {
  Watched watched({1000 * kMB, Milliseconds(3'600'000)});
  SlotStatus last;
  for (int look = 0; look <= 60; ++look)
    last = watched.look(look + look % 5 * 10); // the lows rise by 1 MB every 3 s
  ASSERT_TRUE(last.bytes_per_second);
  EXPECT_NEAR(*last.bytes_per_second, kMB / 3.0, kMB / 30.0);
}

TEST(SlotForecast, TheNearerOfTwoLimitsCounts) {
  Watched watched({1000 * kMB, Milliseconds(100'000)});
  SlotStatus last;
  for (int look = 0; look <= 10; ++look)
    last = watched.look(look * 3, 50 - look * 3);
  EXPECT_EQ(last.limit, "max_slot_wal_keep_size");
  EXPECT_NEAR(*last.seconds_left, 20, 1);
}

TEST(SlotForecast, WhatStandsStillNearTheLimitIsWarnedOfToo) {
  Watched watched({100 * kMB, Milliseconds(0)});
  EXPECT_EQ(watched.look(79).warning, "");
  EXPECT_NE(watched.look(81).warning, "");
}

TEST(SlotForecast, BeyondTheLimitTheServerIsSaidToInvalidate) {
  Watched watched({});
  watched.wal_status = "unreserved";
  SlotStatus const outlook = watched.look(100, -5);
  EXPECT_NE(outlook.warning.find("invalidates it at its next checkpoint"), std::string::npos);
}

TEST(SlotForecast, WithoutALimitThereIsNothingToWarnOf) {
  Watched watched({});
  SlotStatus last;
  for (int look = 0; look <= 30; ++look)
    last = watched.look(look * 1000);
  EXPECT_EQ(last.warning, "");
  EXPECT_FALSE(last.seconds_left);
}

} // namespace
} // namespace walrock
