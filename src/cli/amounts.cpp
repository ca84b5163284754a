#include "cli/amounts.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace walrock {

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3)
    text.insert(at - 3, ",");
  return text;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  static constexpr std::array kUnits{"kB", "MB", "GB", "TB", "PB"};
  auto amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (amount >= 999.95 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string seconds_text(double seconds) {
  if (!(seconds >= 0))
    seconds = 0;
  if (seconds < 10)
    return fmt::format("{:.1f} s", seconds);
  auto const whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 60)
    return fmt::format("{} s", whole);
  if (whole < 3600)
    return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86'400)
    return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86'400, whole / 3600 % 24);
}

std::string rate_text(double per_second) {
  if (per_second < 0.5)
    return {};
  return count_text(static_cast<std::uint64_t>(std::llround(per_second))) + "/s";
}

} // namespace walrock
