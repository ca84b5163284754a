#include "pgoutput/copy_text.h"

#include <cstring>
#include <string>

#include "base/error.h"

namespace walrock {

namespace {

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// \o, \oo, \ooo: at is the first digit; leaves at behind the last.
char read_octal(char const*& at, char const* end) {
  unsigned value = 0;
  for (int digits = 0; digits < 3 && at != end && is_octal(*at); ++digits)
    value = value * 8 + static_cast<unsigned>(*at++ - '0');
  return static_cast<char>(value & 0xFFU);
}

// \xh, \xhh: at is behind the x. Without a digit it is an x, as PostgreSQL reads it.
char read_hex(char const*& at, char const* end) {
  int value = at == end ? -1 : hex_digit(*at);
  if (value < 0)
    return 'x';
  ++at;
  if (int const low = at == end ? -1 : hex_digit(*at); low >= 0) {
    value = value * 16 + low;
    ++at;
  }
  return static_cast<char>(value);
}

// at is behind the backslash; leaves at behind the escape.
char read_escape(char const*& at, char const* end) {
  if (at == end)
    throw ProtocolViolation("COPY line ends inside an escape");
  if (is_octal(*at))
    return read_octal(at, end);
  switch (char const c = *at++; c) {
  case 'b': return '\b';
  case 'f': return '\f';
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'v': return '\v';
  case 'x': return read_hex(at, end);
  default: return c;
  }
}

// Undoes the escapes of the field that begins at begin, whose first backslash is at escape; end is
// the end of the line. Returns the text and leaves at on the tab behind the field or on end.
std::string_view unescape(char* begin, char* escape, char const* end, char const*& at) {
  char* out = escape;
  at = escape;
  while (at != end && *at != '\t') {
    char const c = *at++;
    *out++ = c == '\\' ? read_escape(at, end) : c;
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

char* find(char* from, char* end, char what) {
  auto* const found =
      from == end ? nullptr : std::memchr(from, what, static_cast<std::size_t>(end - from));
  return found == nullptr ? end : static_cast<char*>(found);
}

[[noreturn]] void wrong_count(std::size_t expected, char const* than) {
  throw ProtocolViolation("COPY line has " + std::string(than) + " fields than the " +
                          std::to_string(expected) + " columns asked for");
}

} // namespace

Row CopyRowDecoder::decode(std::span<char> line) {
  char* at = line.data();
  char* const end = at + line.size();
  if (cells_.empty()) {
    if (at != end)
      wrong_count(0, "more");
    return {};
  }
  char* escape = find(at, end, '\\'); // the next backslash at or behind at
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    char* stop = find(at, end, '\t');
    if (escape >= stop) {
      cells_[i] = Value::of({at, static_cast<std::size_t>(stop - at)});
    } else if (stop - at == 2 && at[0] == '\\' && at[1] == 'N') {
      cells_[i] = Value::null();
      escape = find(stop, end, '\\');
    } else {
      char const* behind = nullptr;
      cells_[i] = Value::of(unescape(at, escape, end, behind));
      stop = line.data() + (behind - line.data());
      escape = find(stop, end, '\\');
    }
    if (i + 1 == cells_.size() ? stop != end : stop == end)
      wrong_count(cells_.size(), stop == end ? "fewer" : "more");
    at = stop == end ? end : stop + 1;
  }
  return {cells_.data(), cells_.size()};
}

} // namespace walrock
