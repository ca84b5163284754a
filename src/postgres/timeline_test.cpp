#include "postgres/timeline.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

SourceHistory on_timeline(std::uint32_t timeline, Lsn wal_end, std::vector<EndedTimeline> ended) {
  return {"7", timeline, wal_end, false, std::move(ended)};
}

ErrorCode code_of(SourceHistory const& now, KnownPosition const& known) {
  try {
    (void)require_same_history(now, known);
  } catch (Error const& error) {
    return error.code();
  }
  return ErrorCode::stopped; // none
}

TEST(Timeline, HistoryFilesAreRead) {
  auto const ended = parse_timeline_history("1\t0/3000148\tno recovery target specified\n\n"
                                            "# a remark\n 2 \t1/A0 after LSN\n");
  EXPECT_EQ(ended, (std::vector<EndedTimeline>{{1, Lsn{0x3000148}}, {2, Lsn{0x1000000A0}}}));
  EXPECT_TRUE(parse_timeline_history("").empty());
  EXPECT_THROW((void)parse_timeline_history("one\t0/3\n"), ProtocolViolation);
  EXPECT_THROW((void)parse_timeline_history("1\n"), ProtocolViolation);
}

TEST(Timeline, AnotherClusterIsNeverFollowed) {
  EXPECT_EQ(code_of(on_timeline(1, Lsn{500}, {}), {"8", 1, {}, Lsn{100}}),
            ErrorCode::source_replaced);
}

TEST(Timeline, TheSameTimelineGoesOnWhileItsWalReachesAsFarAsTheTarget) {
  EXPECT_EQ(code_of(on_timeline(1, Lsn{500}, {}), {"7", 1, {}, Lsn{500}}), ErrorCode::stopped);
  EXPECT_EQ(code_of(on_timeline(1, Lsn{499}, {}), {"7", 1, {}, Lsn{500}}),
            ErrorCode::source_rewound);
}

TEST(Timeline, AStandbyThatIsBehindIsWaitedFor) {
  SourceHistory behind = on_timeline(1, Lsn{499}, {});
  behind.is_in_recovery = true;
  EXPECT_THROW((void)require_same_history(behind, {"7", 1, {}, Lsn{500}}), ConnectionLost);
}

TEST(Timeline, APromotionBehindWhatTheTargetHoldsIsFollowedFromItsBeginning) {
  EXPECT_EQ(require_same_history(on_timeline(2, Lsn{700}, {{1, Lsn{600}}}), {"7", 1, {}, Lsn{500}}),
            Lsn{600});
}

TEST(Timeline, SeveralPromotionsAreFollowed) {
  EXPECT_EQ(require_same_history(on_timeline(3, Lsn{900}, {{1, Lsn{600}}, {2, Lsn{800}}}),
                                 {"7", 1, {}, Lsn{500}}),
            Lsn{600});
}

TEST(Timeline, CommitsThatAPromotionLostAreADivergence) {
  EXPECT_EQ(code_of(on_timeline(2, Lsn{700}, {{1, Lsn{600}}}), {"7", 1, {}, Lsn{601}}),
            ErrorCode::timeline_diverged);
}

TEST(Timeline, AnOldPrimaryIsADivergence) {
  EXPECT_EQ(code_of(on_timeline(1, Lsn{700}, {}), {"7", 2, Lsn{600}, Lsn{650}}),
            ErrorCode::timeline_diverged);
}

TEST(Timeline, AnotherTimelineOfTheSameNumberIsADivergence) {
  EXPECT_EQ(code_of(on_timeline(2, Lsn{700}, {{1, Lsn{610}}}), {"7", 2, Lsn{600}, Lsn{650}}),
            ErrorCode::timeline_diverged);
}

TEST(Timeline, ACheckpointThatDoesNotKnowItsTimelineIsOnlyComparedByPosition) {
  EXPECT_EQ(code_of(on_timeline(4, Lsn{700}, {{3, Lsn{600}}}), {"7", 0, {}, Lsn{650}}),
            ErrorCode::stopped);
}

} // namespace
} // namespace walrock
