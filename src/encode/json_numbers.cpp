#include "encode/json_numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace walrock {

namespace {

constexpr std::size_t kExactDigits = 15; // every decimal number of so many digits fits a double
constexpr std::size_t kMostDigits = 17;  // no double needs more
constexpr std::size_t kMostExponent = 308;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Of those that may stand in a number, by the byte.
constexpr auto kOfNumber = [] {
  std::array<bool, 256> out{};
  for (char const c : std::string_view("0123456789.+-eE"))
    out[static_cast<unsigned char>(c)] = true;
  return out;
}();

bool is_of_number(char c) {
  return kOfNumber[static_cast<unsigned char>(c)];
}

std::string_view without_sign(std::string_view number) {
  return number.substr(number.starts_with('-') ? 1 : 0);
}

// A number as 0.DIGITS times ten to some power; a zero has no digits.
struct Decimal {
  char digits[kMostDigits + 1] = {};
  std::size_t count = 0; // without zeros at either end; more than kMostDigits: some are left out
  std::int64_t power = 0;
  bool operator==(Decimal const& other) const {
    return count == other.count && (count == 0 || power == other.power) &&
           std::equal(digits, digits + std::min(count, kMostDigits), other.digits);
  }
};

// Where the e stands, or the end. (find_first_of is several times slower.)
std::size_t end_of_mantissa(std::string_view number) {
  std::size_t at = 0;
  while (at < number.size() && (number[at] | 0x20) != 'e')
    ++at;
  return at;
}

std::int64_t exponent_of(std::string_view number) {
  std::size_t const at = end_of_mantissa(number);
  if (at + 1 >= number.size())
    return 0;
  std::size_t const from = at + 1 + (number[at + 1] == '+' ? 1 : 0);
  std::int64_t out = 0;
  auto const end = std::from_chars(number.data() + from, number.data() + number.size(), out);
  if (end.ec == std::errc::result_out_of_range)
    return number[from] == '-' ? -std::int64_t{INT32_MAX} : std::int64_t{INT32_MAX};
  return out;
}

Decimal decimal_of(std::string_view number) {
  number = without_sign(number);
  std::string_view const mantissa = number.substr(0, end_of_mantissa(number));
  Decimal out;
  std::size_t zeros = 0; // behind the digits so far
  bool is_fraction = false;
  for (char const c : mantissa) {
    if (c == '.') {
      is_fraction = true;
      continue;
    }
    if (c == '0' && out.count == 0) {
      out.power -= is_fraction ? 1 : 0;
      continue;
    }
    out.power += is_fraction ? 0 : 1;
    if (c == '0') {
      ++zeros;
      continue;
    }
    for (; zeros > 0; --zeros)
      if (out.count++ < kMostDigits)
        out.digits[out.count - 1] = '0';
    if (out.count++ < kMostDigits)
      out.digits[out.count - 1] = c;
  }
  out.power += out.count == 0 ? 0 : exponent_of(number);
  return out;
}

// The shortest decimal form, without an allocation.
class Shortest {
public:
  explicit Shortest(double number)
      : end_(
            std::to_chars(text_, text_ + sizeof text_, number, std::chars_format::scientific).ptr) {
  }
  [[nodiscard]] std::string_view text() const {
    return {text_, static_cast<std::size_t>(end_ - text_)};
  }

private:
  char text_[40];
  char* end_;
};

bool is_integer(std::string_view number) {
  return std::all_of(number.begin(), number.end(), is_digit);
}

// Beyond 64 bits StarRocks adds digit by digit, each time rounding, instead of rounding once.
double summed(std::string_view digits) {
  std::uint64_t whole = 0;
  std::size_t at = 0;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (; at < digits.size(); ++at) {
    auto const digit = static_cast<std::uint64_t>(digits[at] - '0');
    if (whole > (kMost - digit) / 10)
      break;
    whole = whole * 10 + digit;
  }
  double out = static_cast<double>(whole);
  for (; at < digits.size(); ++at)
    out = out * 10 + (digits[at] - '0');
  return out;
}

bool holds_integer(std::string_view number) {
  std::string_view const digits = without_sign(number);
  std::uint64_t whole = 0;
  auto const end = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  constexpr auto kLeast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + 1;
  bool const is_negative = digits.size() < number.size();
  if (end.ec == std::errc() && (!is_negative || whole <= kLeast))
    return true;
  double const kept = summed(digits);
  return std::isfinite(kept) && decimal_of(Shortest(kept).text()) == decimal_of(digits);
}

// StarRocks multiplies by the power of ten to see whether the number is too large for a double,
// and refuses the document when that, or its integer part, overflows on the way.
bool overflows(std::string_view number) {
  std::string_view const digits = without_sign(number);
  return std::min(digits.find('.'), end_of_mantissa(digits)) > kMostExponent ||
         exponent_of(number) > static_cast<std::int64_t>(kMostExponent);
}

bool holds_number(std::string_view number) {
  if (is_integer(without_sign(number)))
    return holds_integer(number);
  if (overflows(number))
    return false;
  Decimal const wanted = decimal_of(number);
  double kept = 0;
  auto const end = std::from_chars(number.data(), number.data() + number.size(), kept);
  if (end.ec != std::errc())
    return wanted.count == 0;
  return decimal_of(Shortest(kept).text()) == wanted;
}

// The characters of numbers around `at`.
std::string_view number_around(std::string_view json, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && is_of_number(json[begin - 1]))
    --begin;
  std::size_t end = at;
  while (end < json.size() && is_of_number(json[end]))
    ++end;
  return json.substr(begin, end - begin);
}

// Behind the string that begins at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\')
      ++at;
  return at + 1;
}

// Calls see(number) for each number of the document, until it gives false.
template <typename See> void each_number(std::string_view json, See see) {
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      at = end_of_string(json, at);
    } else if (is_digit(json[at]) || json[at] == '-') {
      std::string_view const number = number_around(json, at);
      if (!see(number))
        return;
      at += number.size();
    } else {
      ++at;
    }
  }
}

bool holds_all(std::string_view json) {
  bool holds = true;
  each_number(json, [&](std::string_view number) { return holds = holds_number(number); });
  return holds;
}

// A whole number of 64 bits for sure, or one of no more digits than every double has.
bool is_short(std::string_view number) {
  constexpr std::size_t kDigitsOf64Bits = 18; // 19 without a sign
  std::string_view const unsigned_number = without_sign(number);
  std::size_t digits = 0;
  std::size_t points = 0;
  for (char const c : unsigned_number) {
    digits += is_digit(c) ? 1 : 0;
    points += c == '.' ? 1 : 0;
  }
  bool const is_plain = digits + points == unsigned_number.size();
  return is_plain &&
         (digits <= kExactDigits || (points == 0 && number.size() <= kDigitsOf64Bits + 1));
}

// Is there a number of more digits than every double has? Of so many characters in a row one
// stands at a multiple of their count.
bool has_long_number(std::string_view json) {
  for (std::size_t at = kExactDigits; at < json.size(); at += kExactDigits + 1) {
    if (!is_digit(json[at]) && json[at] != '.')
      continue;
    std::string_view const number = number_around(json, at);
    if (number.size() > kExactDigits && !is_short(number))
      return true;
  }
  return false;
}

// An e in front of three or more digits: only so a short number can be beyond what a double holds.
// One of three digits in a row stands at a multiple of three, with the e at most four before it.
bool has_long_exponent(std::string_view json) {
  for (std::size_t at = 4; at < json.size(); at += 3)
    if (is_digit(json[at]))
      for (std::size_t before = at - 4; before < at; ++before)
        if ((json[before] | 0x20) == 'e')
          return true;
  return false;
}

double nearest_double(std::string_view number) {
  double near = 0;
  std::string_view const digits = without_sign(number);
  auto const end = std::from_chars(digits.data(), digits.data() + digits.size(), near);
  if (end.ec != std::errc() || !std::isfinite(near))
    near = decimal_of(digits).power > 0 ? std::numeric_limits<double>::max() : 0;
  return digits.size() < number.size() ? -near : near;
}

} // namespace

bool holds_json_strings(std::string_view json) {
  bool is_half = false; // behind the first of a pair
  for (std::size_t at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    std::string_view const escape = json.substr(at, 6);
    bool const is_surrogate =
        escape.size() == 6 && escape[1] == 'u' && (escape[2] | 0x20) == 'd' && escape[3] > '7';
    bool const is_second = is_surrogate && (escape[3] | 0x20) >= 'c';
    if (is_second != is_half)
      return false;
    is_half = is_surrogate && !is_second;
    at += escape.size() > 1 && escape[1] == 'u' ? 6 : 2;
    if (is_half && json.substr(at, 2) != "\\u")
      return false;
  }
  return !is_half;
}

bool holds_json_numbers(std::string_view json, bool has_exponents) {
  bool const is_suspect = has_long_number(json) || (has_exponents && has_long_exponent(json));
  return !is_suspect || holds_all(json);
}

std::string nearest_json_numbers(std::string_view json) {
  std::string out;
  std::size_t copied = 0;
  each_number(json, [&](std::string_view number) {
    if (holds_number(number))
      return true;
    auto const at = static_cast<std::size_t>(number.data() - json.data());
    out += json.substr(copied, at - copied);
    out += Shortest(nearest_double(number)).text();
    copied = at + number.size();
    return true;
  });
  return out.append(json.substr(copied));
}

} // namespace walrock
