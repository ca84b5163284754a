// An eventfd: wakes a thread that sleeps in poll(). Any thread may wake.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

namespace walrock {

class Wake {
public:
  Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Wake() { ::close(fd_); }
  Wake(Wake const&) = delete;
  Wake& operator=(Wake const&) = delete;

  void wake() noexcept { (void)!::eventfd_write(fd_, 1); }
  void clear() noexcept {
    eventfd_t count = 0;
    (void)!::eventfd_read(fd_, &count);
  }
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

} // namespace walrock
