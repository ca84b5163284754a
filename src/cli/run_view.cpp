#include "cli/run_view.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/format.h>

#include "base/log.h"
#include "cli/terminal_board.h"

namespace walrock {

namespace {

// Redraws the board four times a second at most.
class BoardView final : public RunView {
public:
  void show(Status const& status) override {
    auto const now = std::chrono::steady_clock::now();
    if (!next_.is_over(now) && status.state == state_)
      return;
    next_ = {now + Milliseconds(250)};
    state_ = status.state;
    rates_.add(status, now);
    TerminalSize const size = terminal_size();
    // One column is kept free: a full line would wrap on some terminals. At least half of the
    // screen stays for the log.
    ViewLimits const limits{size.columns - 1, std::max<std::size_t>(6, size.rows * 2 / 3)};
    std::vector<std::string> lines = status_lines(status, &rates_, limits);
    lines.insert(lines.begin(), std::string(std::min<std::size_t>(size.columns - 1, 100), '-'));
    board_.draw(std::move(lines));
  }

private:
  TerminalBoard board_;
  RateMeter rates_;
  Deadline next_{TimePoint::min()};
  EngineState state_ = EngineState::starting;
};

// The engine logs its start and what happens to tables; this adds what happens to the whole, and
// how far it is every ten seconds while it copies, every minute later.
class LogView final : public RunView {
public:
  void show(Status const& status) override {
    auto const now = std::chrono::steady_clock::now();
    if (status.state != state_)
      say_state(status, now);
    if (now - sampled_at_ >= Milliseconds(500)) {
      rates_.add(status, now);
      sampled_at_ = now;
    }
    if (next_.is_over(now)) {
      bool const is_under_way =
          status.state == EngineState::copying || status.state == EngineState::running;
      if (is_under_way)
        log::info("progress {}", progress_text(status, rates_));
      plan_next(status, now);
    }
  }

private:
  void say_state(Status const& status, TimePoint now) {
    state_ = status.state;
    std::string const& why = status.trouble.empty() ? status.phase : status.trouble;
    log::info("job={} state={}{}{}", status.job_id, to_string(status.state),
              why.empty() ? "" : ": ", why);
    plan_next(status, now);
  }

  void plan_next(Status const& status, TimePoint now) {
    bool const is_copying = status.state == EngineState::copying;
    next_ = {now + std::chrono::seconds(is_copying ? 10 : 60)};
  }

  RateMeter rates_;
  EngineState state_ = EngineState::starting;
  TimePoint sampled_at_{};
  Deadline next_;
};

} // namespace

std::unique_ptr<RunView> make_run_view() {
  if (is_terminal())
    return std::make_unique<BoardView>();
  return std::make_unique<LogView>();
}

} // namespace walrock
