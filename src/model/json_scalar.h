// Pure.
#pragma once

#include <string_view>

namespace walrock {

// StarRocks takes a JSON text of a CSV field that begins otherwise for a string of its own: 5, true
// and null would become "5", "true" and "null".
[[nodiscard]] inline bool is_json_scalar(std::string_view text) {
  std::size_t const start = text.find_first_not_of(" \t\n\r");
  return start == std::string_view::npos ||
         (text[start] != '{' && text[start] != '[' && text[start] != '"');
}

} // namespace walrock
