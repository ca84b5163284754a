#include "cli/terminal_board.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"

namespace walrock {

namespace {

// The log's sink is a plain function, so it needs to know whom to ask.
std::atomic<TerminalBoard*> current{nullptr};

void log_above(log::Level, std::string_view line) {
  if (TerminalBoard* const board = current.load(); board != nullptr)
    board->print_above(line);
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    ssize_t const written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0)
      return; // a terminal that is gone is no reason to stop
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

} // namespace

bool is_terminal() {
  char const* const term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && *term != '\0' &&
         std::string_view(term) != "dumb";
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

TerminalBoard::TerminalBoard() {
  current = this;
  log::set_sink(log_above);
}

TerminalBoard::~TerminalBoard() {
  log::set_sink(nullptr);
  current = nullptr;
}

void TerminalBoard::draw(std::vector<std::string> lines) {
  MutexLock const lock(mutex_);
  lines_ = std::move(lines);
  write_with_board({});
}

void TerminalBoard::print_above(std::string_view line) {
  MutexLock const lock(mutex_);
  write_with_board(line);
}

// One write, so that the board does not flicker: up to its first line, what goes above, the board.
void TerminalBoard::write_with_board(std::string_view above) {
  std::string out;
  if (drawn_count_ > 0)
    out += fmt::format("\x1b[{}F", drawn_count_);
  out += "\x1b[J";
  if (!above.empty())
    out += fmt::format("{}\n", above);
  for (std::string const& line : lines_)
    out += fmt::format("{}\n", line);
  drawn_count_ = lines_.size();
  write_all(out);
}

} // namespace walrock
