#include "starrocks/version.h"

#include <charconv>

#include <fmt/format.h>

namespace walrock {

namespace {
// Takes a number from the front of the text.
bool take_number(std::string_view& text, int& number) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0)
    return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_dot(std::string_view& text) {
  if (text.empty() || text.front() != '.')
    return false;
  text.remove_prefix(1);
  return true;
}
} // namespace

std::optional<ServerVersion> parse_server_version(std::string_view text) {
  ServerVersion version;
  if (!take_number(text, version.major_number) || !take_dot(text) ||
      !take_number(text, version.minor_number))
    return std::nullopt;
  if (take_dot(text) && !take_number(text, version.patch_number))
    return std::nullopt;
  return version;
}

std::string to_string(ServerVersion version) {
  return fmt::format("{}.{}.{}", version.major_number, version.minor_number, version.patch_number);
}

} // namespace walrock
