#include "encode/nearest_value.h"

#include <algorithm>

namespace walrock {

std::string nearest_moment(std::string_view text, MomentKind kind) {
  bool const is_early = text.starts_with('-') || text.ends_with('C'); // -infinity, BC
  std::string out = is_early ? "0001-01-01" : "9999-12-31";
  if (kind != MomentKind::date)
    out += is_early ? " 00:00:00" : " 23:59:59.999999";
  if (kind == MomentKind::timestamptz)
    out += "+00";
  return out;
}

namespace {

// Digits and nothing else, the number of them bounded only by memory; false when a one is carried
// out of the front.
bool add_one(std::string& digits) {
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    if (*digit != '9') {
      ++*digit;
      return true;
    }
    *digit = '0';
  }
  return false;
}

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

std::optional<std::string> nearest_decimal(std::string_view text, int precision, int scale) {
  bool const is_negative = text.starts_with('-');
  if (is_negative)
    text.remove_prefix(1);
  auto const most_integers = static_cast<std::size_t>(precision - scale);
  auto const kept = static_cast<std::size_t>(scale);
  std::size_t const point = std::min(text.find('.'), text.size());
  std::string_view const integers = text.substr(0, point);
  std::string_view const fraction = text.substr(std::min(point + 1, text.size()));
  bool const is_infinite = text == "Infinity";
  if (!is_infinite && (!is_digits(integers) || !is_digits(fraction)))
    return std::nullopt;
  std::string digits;
  bool is_too_large = is_infinite;
  if (!is_infinite) {
    std::size_t const zeros = std::min(integers.find_first_not_of('0'), integers.size());
    std::string_view const significant = integers.substr(zeros);
    is_too_large = significant.size() > most_integers;
    digits = std::string(most_integers - std::min(most_integers, significant.size()), '0');
    digits += significant;
    digits += fraction.substr(0, kept);
    digits.resize(significant.size() > most_integers ? digits.size() : most_integers + kept, '0');
    if (!is_too_large && fraction.size() > kept && fraction[kept] >= '5')
      is_too_large = !add_one(digits);
  }
  if (is_too_large)
    digits = std::string(most_integers + kept, '9');
  std::string out = is_negative ? "-" : "";
  std::size_t const zeros = std::min(digits.find_first_not_of('0'), most_integers);
  out += zeros == most_integers ? "0" : digits.substr(zeros, most_integers - zeros);
  if (kept > 0)
    out += "." + digits.substr(most_integers);
  bool const is_zero = out.find_first_of("123456789") == std::string::npos;
  return is_negative && is_zero ? out.substr(1) : out;
}

} // namespace walrock
