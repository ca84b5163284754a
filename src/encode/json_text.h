// Writes strings into JSON text. Pure.
#pragma once

#include <string>
#include <string_view>

namespace walrock {

// What a column's expression begins with whose document travels as the one element of an array.
inline constexpr std::string_view kFirstElement = "json_query(";

// Appends the text with what JSON needs escaped: quotes, backslashes, control bytes. Other bytes,
// UTF-8 of any length among them, stay as they are. Without the quotes around it.
void append_json_escaped(std::string_view text, std::string& out);
// With the quotes.
void append_json_string(std::string_view text, std::string& out);

} // namespace walrock
