// Cells of a key (KeyHash is made of them): fields as CSV says them, each ended with a separator.
// What CSV cannot say is escaped, so that two keys never have the same bytes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "encode/separators.h"

namespace walrock {

// Not in a CSV row, so a key that had to be escaped never equals one that had not.
inline constexpr char kKeyEscape = kRowDelimiter;

// The only text that CSV reads as something else: the mark of NULL.
[[nodiscard]] inline bool is_null_mark(std::string_view text) {
  return text == "\\N";
}

// Ends a cell whose text stands in `out` from `start` on; is_null: it is the mark of NULL.
inline void close_key_cell(std::size_t start, bool is_null, std::string& out) {
  std::string_view const text = std::string_view(out).substr(start);
  if (count_separators(text) > 0) {
    std::string const plain(text);
    out.resize(start);
    for (char const c : plain) {
      bool const is_separator = c == kColumnSeparator || c == kRowDelimiter;
      if (is_separator)
        out += kKeyEscape;
      out += is_separator ? static_cast<char>(c + 2) : c;
    }
  } else if (!is_null && is_null_mark(text)) {
    out += kKeyEscape; // tells the text from NULL
  }
  out += kColumnSeparator;
}

} // namespace walrock
