#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace walrock {

namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

bool is_continuation(std::uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

// The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
bool is_second(std::uint8_t first, std::uint8_t second) {
  switch (first) {
  case 0xE0: return second >= 0xA0 && second <= 0xBF;
  case 0xED: return second >= 0x80 && second <= 0x9F;
  case 0xF0: return second >= 0x90 && second <= 0xBF;
  case 0xF4: return second >= 0x80 && second <= 0x8F;
  default: return is_continuation(second);
  }
}

} // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty())
    return 0;
  std::uint8_t const first = byte_at(text, 0);
  if (first < 0x80)
    return 1;
  std::size_t const size = first < 0xC2   ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (size == 0 || text.size() < size || !is_second(first, byte_at(text, 1)))
    return 0;
  for (std::size_t i = 2; i < size; ++i)
    if (!is_continuation(byte_at(text, i)))
      return 0;
  return size;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    std::size_t const size = utf8_sequence(text);
    if (size == 0)
      return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t const size = utf8_sequence(text);
    if (size == 0)
      out += kReplacement;
    else
      out.append(text.substr(0, size));
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string_view utf8_prefix(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes)
    return text;
  while (most_bytes > 0 && is_continuation(byte_at(text, most_bytes)))
    --most_bytes;
  return text.substr(0, most_bytes);
}

} // namespace walrock
