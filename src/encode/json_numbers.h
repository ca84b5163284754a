// Which numbers and strings of a JSON document StarRocks keeps. Pure.
//
// StarRocks keeps a number without fraction and exponent as a 64-bit integer, signed or not, where
// it fits, and every other one as a double. A double holds a number when its shortest decimal form
// is that number: 0.1, 1.50 and 1e22 it does, 0.12345678901234567890 it does not.
#pragma once

#include <string>
#include <string_view>

namespace walrock {

// json: a valid document, as PostgreSQL prints it. Looks closely only where a number is long, or
// has an exponent of three digits; numbers of jsonb have none.
[[nodiscard]] bool holds_json_numbers(std::string_view json, bool has_exponents);

// json has strings without half a surrogate pair (\ud83d alone). jsonb has none, StarRocks refuses
// them: in a JSON body, where a document travels as a string, it would make it NULL.
[[nodiscard]] bool holds_json_strings(std::string_view json);

// The document with every number that is not held replaced by the nearest that is.
[[nodiscard]] std::string nearest_json_numbers(std::string_view json);

} // namespace walrock
