#include "model/label.h"

#include <cctype>
#include <string_view>

#include <fmt/format.h>

namespace walrock {

namespace {

// FNV-1a: stable over builds and machines, as the format demands.
std::uint64_t hash_of(TargetName const& target) {
  std::uint64_t hash = 14695981039346656037ULL;
  auto const mix = [&hash](std::string_view text) {
    for (char const c : text)
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xFFU) * 1099511628211ULL;
  };
  mix(target.database);
  mix(target.table);
  return hash;
}

std::string cleaned(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_')
      c = '_';
  return out;
}

} // namespace

Label make_label(LabelParts const& parts) {
  return {parts.target.database,
          fmt::format("{}_{}_{}_{:016x}_{}_{}_{}", cleaned(parts.prefix, 24),
                      cleaned(parts.job, 32), parts.incarnation, hash_of(parts.target), parts.epoch,
                      parts.part, parts.attempt)};
}

} // namespace walrock
