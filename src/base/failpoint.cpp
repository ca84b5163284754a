#include "base/failpoint.h"

#include <array>
#include <charconv>
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/time.h"

namespace walrock {

namespace {

struct StepRow {
  char const* name;
  ErrorCode code;
  char const* sentence;
};

constexpr std::array kSteps{
#define WALROCK_FAIL_STEP(name, code, sentence) StepRow{#name, ErrorCode::code, sentence},
    WALROCK_FAIL_STEPS(WALROCK_FAIL_STEP)
#undef WALROCK_FAIL_STEP
};

enum class FailAction { kill, fail, pause };

// What is armed: written once before threads start, read after is_failpoint_armed was seen.
struct Armed {
  FailStep step{};
  FailSide side{};
  std::uint64_t nth = 1;
  FailAction action = FailAction::kill;
  std::string file;
  std::atomic<std::uint64_t> reached{0};
};
Armed armed;

constexpr Milliseconds kLook(5); // how often a pause looks for its file

StepRow const& row_of(FailStep step) {
  return kSteps[static_cast<std::size_t>(step)];
}

[[noreturn]] void refuse(std::string_view order, std::string const& why) {
  throw Error(ErrorCode::usage, fmt::format("WALROCK_FAILPOINT={}: {}", order, why))
      .set_advice("It is name[:nth][:kill|fail|pause=FILE]; the names are before_ and after_ the "
                  "steps of src/base/failpoint_steps.h. Without the variable nothing is armed.");
}

void arm_name(std::string_view order, std::string_view name) {
  for (std::size_t i = 0; i < kSteps.size(); ++i)
    for (FailSide const side : {FailSide::before, FailSide::after})
      if (failpoint_name(static_cast<FailStep>(i), side) == name) {
        armed.step = static_cast<FailStep>(i);
        armed.side = side;
        return;
      }
  refuse(order, fmt::format("there is no failpoint \"{}\"", name));
}

void arm_word(std::string_view order, std::string_view word) {
  constexpr std::string_view kPause = "pause=";
  if (word == "kill")
    armed.action = FailAction::kill;
  else if (word == "fail")
    armed.action = FailAction::fail;
  else if (word.starts_with(kPause) && word.size() > kPause.size()) {
    armed.action = FailAction::pause;
    armed.file = word.substr(kPause.size());
  } else {
    char const* const end = word.data() + word.size();
    auto const parsed = std::from_chars(word.data(), end, armed.nth);
    if (parsed.ec != std::errc() || parsed.ptr != end || armed.nth == 0)
      refuse(order, fmt::format("\"{}\" is neither a number from 1 on nor an action", word));
  }
}

[[noreturn]] void fail_at(StepRow const& row, std::string const& name) {
  std::string const what = fmt::format("failpoint {} was told to fail", name);
  if (row.code == ErrorCode::source_unreachable || row.code == ErrorCode::target_unreachable)
    throw ConnectionLost(row.code, what);
  throw Error(row.code, what);
}

} // namespace

std::string failpoint_name(FailStep step, FailSide side) {
  return fmt::format("{}_{}", side == FailSide::before ? "before" : "after", row_of(step).name);
}

std::vector<std::string> all_failpoint_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kSteps.size(); ++i)
    for (FailSide const side : {FailSide::before, FailSide::after})
      names.push_back(failpoint_name(static_cast<FailStep>(i), side));
  return names;
}

void arm_failpoint(char const* order) {
  detail::is_failpoint_armed = false;
  if (order == nullptr || *order == '\0')
    return;
  armed.nth = 1;
  armed.action = FailAction::kill;
  armed.reached = 0;
  std::string_view const whole = order;
  std::string_view rest = whole;
  for (bool is_name = true; is_name || !rest.empty(); is_name = false) {
    // A file name may have colons: what a pause waits for is the rest of the order.
    std::size_t const colon = rest.starts_with("pause=") ? rest.npos : rest.find(':');
    std::string_view const word = rest.substr(0, colon);
    rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
    if (is_name)
      arm_name(whole, word);
    else
      arm_word(whole, word);
  }
  if (armed.action == FailAction::fail && row_of(armed.step).code == ErrorCode::internal)
    refuse(whole, "nothing can fail there");
  detail::is_failpoint_armed = true;
}

namespace detail {

std::atomic<bool> is_failpoint_armed{false};

void reach_failpoint(FailStep step, FailSide side) {
  if (step != armed.step || side != armed.side || ++armed.reached != armed.nth)
    return;
  std::string const name = failpoint_name(step, side);
  log::warning("failpoint reached name={} nth={}: {}", name, armed.nth, row_of(step).sentence);
  switch (armed.action) {
  case FailAction::kill:
    ::kill(::getpid(), SIGKILL);
    for (;;) // until the signal is there
      ::pause();
  case FailAction::fail: fail_at(row_of(step), name);
  case FailAction::pause:
    while (::access(armed.file.c_str(), F_OK) != 0)
      std::this_thread::sleep_for(kLook);
    return;
  }
}

} // namespace detail

} // namespace walrock
