// Makes a stop request end a poll(): an eventfd that becomes readable when the token is asked.
// For this folder; one per wait, on the waiting thread's stack.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include <sys/eventfd.h>
#include <unistd.h>

namespace walrock {

class StopSignal {
public:
  explicit StopSignal(std::stop_token const& stop) {
    if (!stop.stop_possible())
      return;
    fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    callback_.emplace(stop, Wake{fd_});
  }
  ~StopSignal() {
    callback_.reset(); // waits for a wake that is under way
    if (fd_ >= 0)
      ::close(fd_);
  }
  StopSignal(StopSignal const&) = delete;
  StopSignal& operator=(StopSignal const&) = delete;

  // -1, which poll() ignores, when no stop is possible.
  [[nodiscard]] int fd() const { return fd_; }

private:
  struct Wake {
    int fd;
    void operator()() const noexcept { (void)!::eventfd_write(fd, 1); }
  };

  int fd_ = -1;
  std::optional<std::stop_callback<Wake>> callback_;
};

} // namespace walrock
