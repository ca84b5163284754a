// Stop requests from outside. Lives on the main thread, which waits for them here; made before any
// other thread, so that none of them is interrupted.
#pragma once

#include <csignal>

#include "base/time.h"

namespace walrock {

class SignalWatch {
public:
  // Blocks SIGINT, SIGTERM, SIGHUP and SIGUSR1 in this thread and those it starts from now on;
  // ignores SIGPIPE.
  SignalWatch();

  enum class Event {
    stop,  // SIGINT, SIGTERM or SIGHUP
    woken, // wake() was called
    none,  // the time is over
  };
  [[nodiscard]] Event wait(Milliseconds most) const;
  // Ends a wait(); any thread.
  static void wake();

private:
  sigset_t signals_{};
};

} // namespace walrock
