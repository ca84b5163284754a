// PostgreSQL's array text -> the array text of a load. Pure.
//
//   array    [ bounds "=" ] list
//   list     "{" [ entry { "," entry } ] "}"
//   entry    list | NULL | "quoted, \" and \\ escaped" | unquoted
//
// Lower bounds other than 1 ("[2:3]={7,8}") cannot be said: neither JSON nor StarRocks has them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/table_plan.h"

namespace walrock {

enum class ArrayStyle : std::uint8_t {
  json,      // ["a \"b\"",null,1.5]; NaN and Infinity as strings
  starrocks, // ["a ""b""",null,1.5]: the CSV form of ARRAY columns
};

struct ArrayFormat {
  ArrayStyle style = ArrayStyle::json;
  ArrayElement element = ArrayElement::text;
  // The target's elements are DATE or DATETIME: the zone is cut off, and years that StarRocks does
  // not know cannot be said.
  bool is_moment = false;
  bool is_real = false;    // the target's elements are FLOAT
  int most_dimensions = 6; // as in PostgreSQL; an ARRAY column has one
};

// False when the text is not an array or cannot be said; `out` then has a torn end.
[[nodiscard]] bool append_array(std::string_view text, ArrayFormat format, std::string& out);
// [2:3]={7,8} -> {7,8}
[[nodiscard]] std::string_view without_bounds(std::string_view array);

} // namespace walrock
