#include "schema/target_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace walrock {

namespace {

using Kind = TargetType::Kind;

constexpr int kStringBytes = 65533; // STRING is an alias of VARCHAR(65533)

struct Word {
  std::string_view spelling;
  Kind kind;
};

// The first word of a type in any catalog.
constexpr Word kWords[] = {
    {"boolean", Kind::boolean},     {"bool", Kind::boolean},       {"tinyint", Kind::tinyint},
    {"smallint", Kind::smallint},   {"int", Kind::int_},           {"integer", Kind::int_},
    {"bigint", Kind::bigint},       {"largeint", Kind::largeint},  {"float", Kind::float_},
    {"double", Kind::double_},      {"decimal", Kind::decimal},    {"decimal32", Kind::decimal},
    {"decimal64", Kind::decimal},   {"decimal128", Kind::decimal}, {"decimal256", Kind::decimal},
    {"numeric", Kind::decimal},     {"char", Kind::char_},         {"varchar", Kind::varchar},
    {"string", Kind::varchar},      {"text", Kind::varchar},       {"binary", Kind::varbinary},
    {"varbinary", Kind::varbinary}, {"date", Kind::date},          {"datetime", Kind::datetime},
    {"json", Kind::json},           {"array", Kind::array},
};

constexpr std::string_view kNames[] = {
    "BOOLEAN", "TINYINT", "SMALLINT",  "INT",  "BIGINT",   "LARGEINT", "FLOAT", "DOUBLE", "DECIMAL",
    "CHAR",    "VARCHAR", "VARBINARY", "DATE", "DATETIME", "JSON",     "ARRAY", ""};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

std::string upper_without_blanks(std::string_view text) {
  std::string out;
  for (char const c : text)
    if (c != ' ')
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

// The numbers between the first parentheses.
std::vector<int> numbers_of(std::string_view text) {
  std::vector<int> numbers;
  std::size_t at = text.find('(');
  std::size_t const end = std::min(text.find(')'), text.size());
  while (at < end) {
    std::string_view const rest = trimmed(text.substr(at + 1, end - at - 1));
    int number = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), number).ec == std::errc())
      numbers.push_back(number);
    at = std::min(text.find(',', at + 1), end);
  }
  return numbers;
}

TargetType unknown_type(std::string_view text) {
  TargetType type;
  type.element = upper_without_blanks(text);
  return type;
}

// Display widths say which type a disguised one is: tinyint(1) is BOOLEAN.
TargetType integer_type(Kind kind, std::string_view text, std::vector<int> const& numbers) {
  TargetType type;
  type.kind = kind;
  if (kind == Kind::tinyint && numbers == std::vector{1})
    type.kind = Kind::boolean;
  if (kind == Kind::bigint && text.ends_with(" unsigned"))
    type.kind = Kind::largeint;
  return type;
}

TargetType string_type(Kind kind, std::string_view word, std::vector<int> const& numbers) {
  TargetType type;
  type.kind = kind;
  type.length = word == "varchar" || word == "char" ? 1 : kStringBytes;
  if (!numbers.empty())
    type.length = numbers[0];
  return type;
}

} // namespace

TargetType parse_target_type(std::string_view spelled) {
  std::string const text = lower(trimmed(spelled));
  std::string const word = text.substr(0, text.find_first_of("(< "));
  auto const* const known = std::find_if(std::begin(kWords), std::end(kWords),
                                         [&](Word const& w) { return w.spelling == word; });
  if (known == std::end(kWords))
    return unknown_type(spelled);
  std::vector<int> const numbers =
      known->kind == Kind::array ? std::vector<int>() : numbers_of(text);
  TargetType type;
  type.kind = known->kind;
  if (type.is_integer())
    return integer_type(type.kind, text, numbers);
  if (type.is_string())
    return string_type(type.kind, word, numbers);
  if (type.kind == Kind::decimal) {
    type.precision = numbers.empty() ? 10 : numbers[0];
    type.scale = numbers.size() < 2 ? 0 : numbers[1];
  }
  if (type.kind == Kind::array) {
    std::size_t const open = text.find('<');
    if (open == std::string::npos || text.back() != '>')
      return unknown_type(spelled);
    type.element = normalise_type(std::string_view(text).substr(open + 1, text.size() - open - 2));
  }
  return type;
}

std::string to_string(TargetType const& type) {
  std::string const name(kNames[static_cast<std::size_t>(type.kind)]);
  switch (type.kind) {
  case Kind::char_:
  case Kind::varchar: return name + "(" + std::to_string(type.length) + ")";
  case Kind::decimal:
    return name + "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
  case Kind::array: return name + "<" + type.element + ">";
  case Kind::other: return type.element;
  default: return name;
  }
}

std::string normalise_type(std::string_view text) {
  return to_string(parse_target_type(text));
}

bool is_allowed_as_primary_key(TargetType const& type) {
  return type.kind == Kind::boolean || type.is_integer() || type.kind == Kind::varchar ||
         type.kind == Kind::date || type.kind == Kind::datetime;
}

bool is_allowed_as_duplicate_key(TargetType const& type) {
  return is_allowed_as_primary_key(type) || type.kind == Kind::decimal || type.kind == Kind::char_;
}

std::string zero_value(TargetType const& type) {
  switch (type.kind) {
  case Kind::date: return "1970-01-01";
  case Kind::datetime: return "1970-01-01 00:00:00";
  case Kind::json: return "{}";
  case Kind::array: return "[]";
  case Kind::char_:
  case Kind::varchar:
  case Kind::varbinary:
  case Kind::other: return "";
  default: return "0";
  }
}

namespace {

// From -> to, besides VARCHAR long enough, CHAR, VARCHAR and DECIMAL, which have rules of their
// own.
constexpr std::pair<Kind, Kind> kModifications[] = {
    {Kind::tinyint, Kind::smallint}, {Kind::tinyint, Kind::int_},
    {Kind::tinyint, Kind::bigint},   {Kind::tinyint, Kind::largeint},
    {Kind::tinyint, Kind::double_},  {Kind::smallint, Kind::int_},
    {Kind::smallint, Kind::bigint},  {Kind::smallint, Kind::largeint},
    {Kind::smallint, Kind::double_}, {Kind::int_, Kind::bigint},
    {Kind::int_, Kind::largeint},    {Kind::int_, Kind::double_},
    {Kind::bigint, Kind::largeint},  {Kind::bigint, Kind::double_},
    {Kind::float_, Kind::double_},   {Kind::date, Kind::datetime},
    {Kind::datetime, Kind::date},    {Kind::varchar, Kind::json},
};

} // namespace

bool is_modifiable(TargetType const& from, TargetType const& to) {
  if (from == to)
    return true;
  if (from.is_string() && to.is_string())
    return to.length >= from.length && (from.kind == Kind::char_ || to.kind == Kind::varchar);
  if (from.kind == Kind::decimal && to.kind == Kind::decimal)
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
  if (to.kind == Kind::varchar)
    return from.is_integer() || from.kind == Kind::float_ || from.kind == Kind::double_ ||
           from.kind == Kind::json ||
           (from.kind == Kind::decimal && to.length >= from.precision + 3);
  return std::find(std::begin(kModifications), std::end(kModifications),
                   std::pair(from.kind, to.kind)) != std::end(kModifications);
}

} // namespace walrock
