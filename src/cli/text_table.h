// Rows of cells as aligned lines. Pure. Widths are counted in code points.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace walrock {

enum class Align { left, right };

// Two blanks between columns, none at the end of a line; the first row is the heading.
[[nodiscard]] std::vector<std::string>
table_lines(std::vector<std::vector<std::string>> const& rows, std::vector<Align> const& columns);

// At most width code points, the last one "~" when something was cut; line ends become blanks.
[[nodiscard]] std::string cut_line(std::string_view line, std::size_t width);

[[nodiscard]] std::size_t width_of(std::string_view text);

} // namespace walrock
