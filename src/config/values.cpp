#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace walrock {

namespace {

struct Unit {
  std::string_view word;
  std::uint64_t factor;
};

constexpr std::array kDurationUnits{
    Unit{"ms", 1},       Unit{"s", 1'000},     Unit{"sec", 1'000},    Unit{"m", 60'000},
    Unit{"min", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000},
};
constexpr std::array kSizeUnits{
    Unit{"b", 1},
    Unit{"k", 1ULL << 10},
    Unit{"kb", 1ULL << 10},
    Unit{"kib", 1ULL << 10},
    Unit{"m", 1ULL << 20},
    Unit{"mb", 1ULL << 20},
    Unit{"mib", 1ULL << 20},
    Unit{"g", 1ULL << 30},
    Unit{"gb", 1ULL << 30},
    Unit{"gib", 1ULL << 30},
    Unit{"t", 1ULL << 40},
    Unit{"tb", 1ULL << 40},
    Unit{"tib", 1ULL << 40},
};

// Digits, blanks, unit. Nothing on overflow of 62 bits.
template <typename Units>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, Units const& units) {
  text = trimmed(text);
  std::uint64_t number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc())
    return std::nullopt;
  auto const digits = static_cast<std::size_t>(end - text.data());
  std::string const word = lower_case(trimmed(text.substr(digits)));
  if (word.empty())
    return number == 0 ? std::optional<std::uint64_t>(0) : std::nullopt;
  for (Unit const& unit : units)
    if (unit.word == word)
      return number > (1ULL << 62) / unit.factor
                 ? std::nullopt
                 : std::optional<std::uint64_t>(number * unit.factor);
  return std::nullopt;
}

std::optional<int> parse_port(std::string_view text) {
  std::optional<std::int64_t> const port = parse_integer(text);
  if (!port || *port < 0 || *port > 65'535)
    return std::nullopt;
  return static_cast<int>(*port);
}

} // namespace

std::string to_string(HostPort const& address) {
  if (address.host.find(':') != std::string::npos)
    return fmt::format("[{}]:{}", address.host, address.port);
  return fmt::format("{}:{}", address.host, address.port);
}

std::string_view trimmed(std::string_view text) {
  std::size_t const first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::optional<bool> parse_boolean(std::string_view text) {
  std::string const word = lower_case(trimmed(text));
  if (word == "true" || word == "yes" || word == "on")
    return true;
  if (word == "false" || word == "no" || word == "off")
    return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = trimmed(text);
  std::int64_t number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
  std::optional<std::uint64_t> const count = parse_with_unit(text, kDurationUnits);
  if (!count)
    return std::nullopt;
  return Milliseconds(static_cast<std::int64_t>(*count));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  text = trimmed(text);
  if (text.ends_with("/s"))
    text.remove_suffix(2);
  return parse_with_unit(text, kSizeUnits);
}

std::optional<HostPort> parse_address(std::string_view text, int default_port) {
  text = trimmed(text);
  if (text.empty() || text.find_first_of(" \t\"'@?#") != std::string_view::npos)
    return std::nullopt;
  if (text.front() == '/')
    return HostPort{std::string(text), default_port};
  std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (text.front() == '[') {
    std::size_t const close = text.find(']');
    if (close == std::string_view::npos)
      return std::nullopt;
    host = text.substr(1, close - 1);
    colon = close + 1 < text.size() ? close + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && text[colon] != ':')
      return std::nullopt;
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    return HostPort{std::string(text), default_port}; // IPv6 without brackets, so without a port
  }
  if (host.empty() || host.find('/') != std::string_view::npos)
    return std::nullopt;
  if (colon == std::string_view::npos)
    return HostPort{std::string(host), default_port};
  std::optional<int> const port = parse_port(text.substr(colon + 1));
  if (!port)
    return std::nullopt;
  return HostPort{std::string(host), *port};
}

std::vector<std::string> split_list(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  bool is_quoted = false;
  auto const finish = [&] {
    if (std::string_view const word = trimmed(part); !word.empty())
      parts.emplace_back(word);
    part.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      part += c;
      part += text[++i];
      continue;
    }
    if (c == '"')
      is_quoted = !is_quoted;
    if (!is_quoted && (c == '(' || c == '[' || c == '{'))
      ++depth;
    if (!is_quoted && (c == ')' || c == ']' || c == '}'))
      --depth;
    if (!is_quoted && depth <= 0 && separators.find(c) != std::string_view::npos)
      finish();
    else
      part += c;
  }
  finish();
  return parts;
}

std::string duration_text(Milliseconds duration) {
  auto const count = static_cast<std::uint64_t>(duration.count());
  for (Unit const& unit : {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}})
    if (count != 0 && count % unit.factor == 0)
      return fmt::format("{}{}", count / unit.factor, unit.word);
  return fmt::format("{}ms", count);
}

std::string size_text(std::uint64_t bytes) {
  for (Unit const& unit : {Unit{"GB", 1ULL << 30}, Unit{"MB", 1ULL << 20}, Unit{"kB", 1ULL << 10}})
    if (bytes != 0 && bytes % unit.factor == 0)
      return fmt::format("{}{}", bytes / unit.factor, unit.word);
  return fmt::format("{}B", bytes);
}

} // namespace walrock
