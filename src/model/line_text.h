// Any text on one line of those that a checkpoint keeps: a newline is \n, a backslash \\. Any
// thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace walrock {

[[nodiscard]] inline std::string to_line(std::string_view text) {
  std::string out;
  for (char const c : text)
    out += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return out;
}

[[nodiscard]] inline std::string from_line(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (line[i] == '\\' && i + 1 < line.size())
      out += line[++i] == 'n' ? '\n' : line[i];
    else
      out += line[i];
  return out;
}

} // namespace walrock
