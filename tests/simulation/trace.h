// What happened, in words, and the end of a run in which something must not have happened.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "simulation/timeline.h"

namespace walrock::simulation {

// An invariant does not hold.
class Violation : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

class Trace {
public:
  explicit Trace(Timeline const& timeline) : timeline_(timeline) {}
  template <typename... Values> void say(fmt::format_string<Values...> format, Values&&... values) {
    if (is_kept_)
      lines_.push_back(fmt::format("{:8} ms  ", timeline_.elapsed().count()) +
                       fmt::format(format, std::forward<Values>(values)...));
  }
  void keep(bool is_kept) { is_kept_ = is_kept; }
  [[nodiscard]] std::vector<std::string> const& lines() const { return lines_; }

private:
  Timeline const& timeline_;
  bool is_kept_ = false;
  std::vector<std::string> lines_;
};

} // namespace walrock::simulation
