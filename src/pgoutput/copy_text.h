// Decodes one line of COPY ... TO STDOUT in text format into a Row.
//
// Fields are separated by tabs; a field that is exactly \N is NULL; \b \f \n \r \t \v, \ooo (octal)
// and \xhh are the bytes they name, a backslash before any other character stands for that
// character. Pure; owned by one thread. Malformed input throws ProtocolViolation.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/value.h"

namespace walrock {

class CopyRowDecoder {
public:
  explicit CopyRowDecoder(std::size_t column_count) : cells_(column_count) {}

  // line: without its newline. Escapes are undone in place; the cells are views into line, and the
  // row is valid until the next call.
  Row decode(std::span<char> line);

private:
  std::vector<Value> cells_;
};

} // namespace walrock
