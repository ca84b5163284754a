// Pieces of SQL text made from values. For this folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/names.h"

namespace walrock {

// {"a","b"}: an array literal, to be passed as a parameter.
[[nodiscard]] std::string array_literal(std::span<std::string const> texts);
// The two halves of the names as parameters for unnest($1::text[], $2::text[]).
struct NameArrays {
  std::string namespace_names;
  std::string table_names;
  static NameArrays of(std::span<TableName const> names);
};
// ONLY "a"."b", ONLY "c"."d": without ONLY a publication takes inheritance children along.
[[nodiscard]] std::string quoted_list(std::span<TableName const> names);

} // namespace walrock
