// Time as walrock uses it: a monotonic clock for deadlines, durations in milliseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace walrock {

using Milliseconds = std::chrono::milliseconds;
using TimePoint = std::chrono::steady_clock::time_point;

// A moment to wait for. TimePoint::max() is "no deadline".
struct Deadline {
  TimePoint at = TimePoint::max();

  static Deadline never() { return {}; }
  static Deadline in(Milliseconds d) { return {std::chrono::steady_clock::now() + d}; }
  [[nodiscard]] bool is_over(TimePoint now) const { return now >= at; }
  // Milliseconds from now, at least 0, at most the given bound.
  [[nodiscard]] Milliseconds left(TimePoint now, Milliseconds bound) const {
    if (at <= now)
      return Milliseconds(0);
    if (at - now >= bound)
      return bound;
    return std::chrono::duration_cast<Milliseconds>(at - now) + Milliseconds(1);
  }
};

// Doubles from first to most; the caller resets it when something went well.
class Backoff {
public:
  Backoff(Milliseconds first, Milliseconds most) : first_(first), most_(most), next_(first) {}
  Milliseconds next() {
    Milliseconds const now = next_;
    next_ = next_ * 2 > most_ ? most_ : next_ * 2;
    return now;
  }
  void reset() { next_ = first_; }

private:
  Milliseconds first_;
  Milliseconds most_;
  Milliseconds next_;
};

} // namespace walrock
