#include "base/file_bytes.h"

#include <cerrno>

#include <unistd.h>

namespace walrock {

bool write_bytes(int fd, std::uint64_t at, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    ssize_t const count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR)
      continue;
    if (count == 0)
      errno = ENOSPC;
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    at += static_cast<std::uint64_t>(count);
  }
  return true;
}

std::optional<std::size_t> read_bytes(int fd, std::uint64_t at, char* to,
                                      std::size_t size) noexcept {
  std::size_t filled = 0;
  while (filled < size) {
    ssize_t const count = ::pread(fd, to + filled, size - filled, static_cast<off_t>(at + filled));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return std::nullopt;
    if (count == 0)
      break;
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

} // namespace walrock
