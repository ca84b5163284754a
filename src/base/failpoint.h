// Failpoints: named places at which a test makes the program die, wait or fail. One of them is
// armed by the environment:
//
//   WALROCK_FAILPOINT=name[:nth][:action]     the nth time (1) that the place is reached
//     kill        SIGKILL to this process (without an action)
//     fail        throws the error that the place would meet
//     pause=FILE  waits there until FILE exists
//
// Without it a failpoint costs one relaxed load. Armed once, before threads start; reached on any
// thread. The names are in failpoint_steps.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/failpoint_steps.h"

namespace walrock {

enum class FailStep {
#define WALROCK_FAIL_STEP(name, code, sentence) name,
  WALROCK_FAIL_STEPS(WALROCK_FAIL_STEP)
#undef WALROCK_FAIL_STEP
};

enum class FailSide { before, after };

// "before_stream_commit"
[[nodiscard]] std::string failpoint_name(FailStep step, FailSide side);
// Every name, in the order of failpoint_steps.h.
[[nodiscard]] std::vector<std::string> all_failpoint_names();

// order: the value of WALROCK_FAILPOINT; nothing is armed when it is null or empty. Throws usage
// for a name that there is not, and for what is no order.
void arm_failpoint(char const* order);

namespace detail {
extern std::atomic<bool> is_failpoint_armed;
void reach_failpoint(FailStep step, FailSide side);
} // namespace detail

[[nodiscard]] inline bool are_failpoints_armed() {
  return detail::is_failpoint_armed.load(std::memory_order_relaxed);
}

// For steps that are only known at run time: ask are_failpoints_armed() before finding out.
inline void reach_failpoint(FailStep step, FailSide side) {
  if (are_failpoints_armed())
    detail::reach_failpoint(step, side);
}

} // namespace walrock

#define WALROCK_BEFORE(step)                                                                       \
  ::walrock::reach_failpoint(::walrock::FailStep::step, ::walrock::FailSide::before)
#define WALROCK_AFTER(step)                                                                        \
  ::walrock::reach_failpoint(::walrock::FailStep::step, ::walrock::FailSide::after)
