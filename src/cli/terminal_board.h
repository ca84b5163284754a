// A few lines at the bottom of a terminal that are drawn again in place; log lines scroll above
// them. Writes to stderr. While one exists it is the log's sink, so there is at most one.
// draw() belongs to one thread; log lines come from any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace walrock {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// Whether stderr is a terminal that understands how to move the cursor.
[[nodiscard]] bool is_terminal();
[[nodiscard]] TerminalSize terminal_size();

class TerminalBoard {
public:
  TerminalBoard();
  ~TerminalBoard(); // leaves the last lines standing
  TerminalBoard(TerminalBoard const&) = delete;
  TerminalBoard& operator=(TerminalBoard const&) = delete;

  // Each line must fit the terminal's width.
  void draw(std::vector<std::string> lines);
  // A line above the board.
  void print_above(std::string_view line);

private:
  void write_with_board(std::string_view above) WALROCK_ANNOTATE(requires_capability(mutex_));

  Mutex mutex_;
  std::vector<std::string> lines_ WALROCK_GUARDED_BY(mutex_);
  std::size_t drawn_count_ WALROCK_GUARDED_BY(mutex_) = 0;
};

} // namespace walrock
