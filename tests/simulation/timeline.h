// The virtual clock: what happens next, and when. Nothing in a simulated run waits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.h"

namespace walrock::simulation {

class Timeline {
public:
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] Milliseconds elapsed() const {
    return std::chrono::duration_cast<Milliseconds>(now_ - kStart);
  }
  void in(Milliseconds delay, std::function<void()> what) {
    waiting_.emplace(std::pair(now_ + delay, ++sequence_), std::move(what));
  }
  // False when nothing is left.
  bool run_next() {
    if (waiting_.empty())
      return false;
    auto const first = waiting_.begin();
    now_ = first->first.first;
    std::function<void()> const what = std::move(first->second);
    waiting_.erase(first);
    what();
    return true;
  }

private:
  static constexpr TimePoint kStart = TimePoint{} + std::chrono::hours(1);
  TimePoint now_ = kStart;
  std::uint64_t sequence_ = 0; // of two things at one moment the one that was planned first
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> waiting_;
};

} // namespace walrock::simulation
