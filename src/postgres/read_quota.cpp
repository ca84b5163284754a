#include "postgres/read_quota.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include <sys/socket.h>
#include <sys/types.h>

namespace {

thread_local std::size_t t_left = SIZE_MAX;

} // namespace

namespace walrock {

ReadQuota::ReadQuota(std::size_t bytes) noexcept {
  t_left = bytes;
}

ReadQuota::~ReadQuota() {
  t_left = SIZE_MAX;
}

} // namespace walrock

// In the place of the C library's, for the whole program: the same but for the quota.
extern "C" ssize_t recv(int socket, void* buffer, std::size_t size, int flags) {
  if (t_left == 0) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t const got = ::recvfrom(socket, buffer, std::min(size, t_left), flags, nullptr, nullptr);
  if (got > 0 && t_left != SIZE_MAX)
    t_left -= static_cast<std::size_t>(got);
  return got;
}
