#include "base/crc32c.h"

#include <string>

#include <gtest/gtest.h>

namespace walrock {
namespace {

TEST(Crc32c, TheSumsOfItsStandard) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU); // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(Crc32c, PartsGiveTheSumOfTheWhole) {
  std::string const whole = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    EXPECT_EQ(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))), crc32c(whole)) << cut;
}

} // namespace
} // namespace walrock
