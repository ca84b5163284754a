#include "postgres/read_quota.h"

#include <array>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace walrock {
namespace {

TEST(ReadQuota, NoMoreThanTheQuotaIsReadWhileItLives) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  std::string const sent(100, 'x');
  ASSERT_EQ(::send(pair[0], sent.data(), sent.size(), 0), 100);
  std::array<char, 200> buffer{};
  {
    ReadQuota const quota(30);
    EXPECT_EQ(::recv(pair[1], buffer.data(), 20, MSG_DONTWAIT), 20);
    EXPECT_EQ(::recv(pair[1], buffer.data(), 200, MSG_DONTWAIT), 10);
    EXPECT_EQ(::recv(pair[1], buffer.data(), 200, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
  }
  EXPECT_EQ(::recv(pair[1], buffer.data(), 200, MSG_DONTWAIT), 70);
  ::close(pair[0]);
  EXPECT_EQ(::recv(pair[1], buffer.data(), 200, 0), 0) << "an end stays an end";
  ::close(pair[1]);
}

} // namespace
} // namespace walrock
