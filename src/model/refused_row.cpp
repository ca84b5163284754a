#include "model/refused_row.h"

#include <algorithm>

#include <fmt/format.h>

namespace walrock {

namespace {
constexpr std::size_t kNamedRows = 3;
}

std::string to_string(std::span<KeyCell const> key) {
  std::string out;
  for (KeyCell const& cell : key)
    out += (out.empty() ? "" : ", ") + cell.column + "=" + cell.text;
  return out;
}

std::string to_string(RefusedRow const& row) {
  std::string const key = to_string(std::span<KeyCell const>(row.key));
  std::string which = key.empty() ? row.row : key;
  if (!row.column.empty())
    which += (which.empty() ? "column " : ", column ") + row.column;
  return which.empty() ? row.reason : fmt::format("row {}: {}", which, row.reason);
}

std::string describe_refusals(std::span<RefusedRow const> rows, std::uint64_t refused,
                              std::uint64_t total) {
  bool const is_counted = refused > 0;
  std::string out = is_counted ? fmt::format("{} of {} rows refused", refused, total)
                               : fmt::format("at least {} of {} rows refused", rows.size(), total);
  std::size_t const named = std::min(rows.size(), kNamedRows);
  for (std::size_t i = 0; i < named; ++i)
    out += (i == 0 ? ": " : "; ") + to_string(rows[i]);
  if (is_counted && named > 0 && refused > named)
    out += fmt::format("; and {} more", refused - named);
  else if (!is_counted && rows.size() > named)
    out += "; and more";
  return out;
}

} // namespace walrock
