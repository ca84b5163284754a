#include "model/lsn.h"

#include <charconv>

#include <fmt/format.h>

namespace walrock {

std::string to_string(Lsn lsn) {
  return fmt::format("{:X}/{:X}", lsn.value >> 32, lsn.value & 0xFFFFFFFFULL);
}

namespace {
bool parse_half(std::string_view text, std::uint64_t& out) {
  if (text.empty() || text.size() > 8)
    return false;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}
} // namespace

std::optional<Lsn> parse_lsn(std::string_view text) {
  auto const slash = text.find('/');
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  if (slash == std::string_view::npos || !parse_half(text.substr(0, slash), high) ||
      !parse_half(text.substr(slash + 1), low))
    return std::nullopt;
  return Lsn{high << 32 | low};
}

} // namespace walrock
