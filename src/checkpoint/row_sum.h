// FNV-1a over the values of a row, kept beside them: SQLite notices a damaged page by its structure
// only, and a flipped bit in an LSN would be a gap that nobody sees. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace walrock {

class RowSum {
public:
  void add(std::string_view text) {
    mix(text.size());
    for (char const c : text)
      step(static_cast<unsigned char>(c));
  }
  void add(std::int64_t number) { mix(static_cast<std::uint64_t>(number)); }

  // As SQLite stores it.
  [[nodiscard]] std::int64_t value() const { return static_cast<std::int64_t>(sum_); }

private:
  void step(unsigned char byte) { sum_ = (sum_ ^ byte) * 1099511628211ULL; }
  void mix(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      step(static_cast<unsigned char>(number >> shift));
  }

  std::uint64_t sum_ = 14695981039346656037ULL;
};

} // namespace walrock
