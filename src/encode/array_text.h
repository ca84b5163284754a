// PostgreSQL's array text -> the array text of a load. Pure.
//
//   array    [ bounds "=" ] list
//   list     "{" [ entry { "," entry } ] "}"
//   entry    list | NULL | "quoted, \" and \\ escaped" | unquoted
//
// Lower bounds other than 1 ("[2:3]={7,8}") are not kept: neither JSON nor StarRocks has them.
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
  // The target's elements are DATE or DATETIME: the zone +00 is cut off, and years that StarRocks
  // does not know are refused.
  bool is_moment = false;
};

// False when the text is not an array or an element cannot be said; `out` then has a torn end.
[[nodiscard]] bool append_array(std::string_view text, ArrayFormat format, std::string& out);

// Is this a date or timestamp of PostgreSQL that StarRocks reads as the same moment: a year of four
// digits, not infinity, not BC (which StarRocks would silently ignore)?
[[nodiscard]] inline bool is_known_moment(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text.back() != 'C';
}

} // namespace walrock
