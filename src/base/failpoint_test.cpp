#include "base/failpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

// Nothing stays armed for the next test.
class Failpoint : public testing::Test {
protected:
  ~Failpoint() override { arm_failpoint(nullptr); }
};

TEST_F(Failpoint, WithoutAnOrderNothingHappens) {
  arm_failpoint(nullptr);
  EXPECT_FALSE(are_failpoints_armed());
  arm_failpoint("");
  EXPECT_FALSE(are_failpoints_armed());
  WALROCK_BEFORE(stream_commit);
}

TEST_F(Failpoint, EveryStepHasANameBeforeAndOneAfter) {
  auto const names = all_failpoint_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_NE(std::find(names.begin(), names.end(), "before_stream_commit"), names.end());
  EXPECT_NE(std::find(names.begin(), names.end(), "after_stop_drain"), names.end());
  for (std::string const& name : names)
    EXPECT_NO_THROW(arm_failpoint(name.c_str())) << name;
}

TEST_F(Failpoint, TheNthTimeAloneCounts) {
  arm_failpoint("after_stream_applied:3:fail");
  WALROCK_AFTER(stream_applied);
  WALROCK_BEFORE(stream_applied);
  WALROCK_AFTER(stream_commit);
  WALROCK_AFTER(stream_applied);
  EXPECT_THROW(WALROCK_AFTER(stream_applied), Error);
  EXPECT_NO_THROW(WALROCK_AFTER(stream_applied));
}

TEST_F(Failpoint, ItFailsWithTheErrorOfItsPlace) {
  arm_failpoint("before_stream_commit:fail");
  EXPECT_THROW(WALROCK_BEFORE(stream_commit), ConnectionLost);
  arm_failpoint("before_stream_recorded:fail");
  try {
    WALROCK_BEFORE(stream_recorded);
    FAIL() << "it went on";
  } catch (ConnectionLost const&) {
    FAIL() << "a checkpoint is no connection";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::checkpoint_failed);
  }
}

TEST_F(Failpoint, APauseEndsWhenTheFileIsThere) {
  std::string const path =
      (std::filesystem::temp_directory_path() / ("failpoint:" + std::to_string(::getpid())))
          .string();
  arm_failpoint(("before_copy_swap:1:pause=" + path).c_str());
  std::atomic<bool> has_passed{false};
  std::thread waiting([&] {
    WALROCK_BEFORE(copy_swap);
    has_passed = true;
  });
  EXPECT_FALSE(has_passed);
  std::ofstream(path) << "go";
  waiting.join();
  EXPECT_TRUE(has_passed);
  std::filesystem::remove(path);
}

TEST_F(Failpoint, AKillIsNotCaughtByAnybody) {
  EXPECT_EXIT(
      {
        arm_failpoint("before_stream_commit");
        WALROCK_BEFORE(stream_commit);
      },
      testing::KilledBySignal(SIGKILL), "failpoint reached name=before_stream_commit");
}

TEST_F(Failpoint, AnOrderThatCannotBeReadIsRefusedWithWhatItMayBe) {
  for (char const* order :
       {"before_nothing", "stream_commit", "before_stream_commit:0", "before_stream_commit:often",
        "before_stream_commit:pause=", "before_stop_drain:fail"}) {
    try {
      arm_failpoint(order);
      FAIL() << order;
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(std::string(error.what()).find(order), std::string::npos);
    }
    EXPECT_FALSE(are_failpoints_armed());
  }
}

} // namespace
} // namespace walrock
