// PostgreSQL's array text in every format; what becomes JSON is JSON.
#include <string>

#include <nlohmann/json.hpp>

#include "encode/array_text.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  using namespace walrock;
  Input in(bytes, size);
  std::uint8_t const shape = in.byte();
  ArrayFormat format;
  format.style = (shape & 1U) != 0 ? ArrayStyle::json : ArrayStyle::starrocks;
  format.element = static_cast<ArrayElement>(shape >> 1U & 3U);
  format.is_moment = (shape & 8U) != 0;
  format.most_dimensions = (shape & 16U) != 0 ? 1 : 6;
  std::string const text(in.rest());
  std::string out;
  if (!append_array(text, format, out) || format.style != ArrayStyle::json ||
      format.element != ArrayElement::text)
    return 0;
  // The server sends UTF-8; with other bytes nothing is JSON.
  bool const is_ascii = text.find_first_of("\x80", 0) == std::string::npos &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
  if (is_ascii && !nlohmann::json::accept(out))
    __builtin_trap();
  return 0;
}
