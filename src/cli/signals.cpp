#include "cli/signals.h"

#include <ctime>

#include <unistd.h>

namespace walrock {

SignalWatch::SignalWatch() {
  ::sigemptyset(&signals_);
  for (int const signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
    ::sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN); // a limit of file sizes is a full disk, not an end
}

SignalWatch::Event SignalWatch::wait(Milliseconds most) const {
  timespec const time{most.count() / 1000, (most.count() % 1000) * 1'000'000};
  switch (::sigtimedwait(&signals_, nullptr, &time)) {
  case SIGINT:
  case SIGTERM:
  case SIGHUP: return Event::stop;
  case SIGUSR1: return Event::woken;
  default: return Event::none;
  }
}

void SignalWatch::wake() {
  ::kill(::getpid(), SIGUSR1);
}

} // namespace walrock
