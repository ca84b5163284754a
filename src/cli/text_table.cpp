#include "cli/text_table.h"

#include <algorithm>

namespace walrock {

namespace {
bool begins_code_point(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}
} // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_code_point));
}

std::vector<std::string> table_lines(std::vector<std::vector<std::string>> const& rows,
                                     std::vector<Align> const& columns) {
  std::vector<std::size_t> widths(columns.size(), 0);
  for (auto const& row : rows)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  std::vector<std::string> lines;
  for (auto const& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      std::string const padding(widths[i] - width_of(row[i]), ' ');
      line += i == 0 ? "" : "  ";
      line += columns[i] == Align::right ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string cut_line(std::string_view line, std::size_t width) {
  std::string out;
  std::size_t const whole = width_of(line);
  std::size_t taken = 0;
  for (char const c : line) {
    if (begins_code_point(c)) {
      if (taken == width || (taken + 1 == width && whole > width))
        break;
      ++taken;
    }
    out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  }
  if (whole > width && width > 0)
    out += '~';
  return out;
}

} // namespace walrock
