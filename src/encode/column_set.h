// A set of columns of a TablePlan, by position. A value; any thread. Sets of up to 64 columns cost
// no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace walrock {

class ColumnSet {
public:
  void add(std::size_t column) {
    std::size_t const word = column / 64;
    std::uint64_t const bit = std::uint64_t{1} << (column % 64);
    if (word == 0) {
      first_ |= bit;
      return;
    }
    if (rest_.size() < word)
      rest_.resize(word);
    rest_[word - 1] |= bit;
  }

  [[nodiscard]] bool has(std::size_t column) const {
    std::size_t const word = column / 64;
    std::uint64_t const bits = word == 0 ? first_ : word <= rest_.size() ? rest_[word - 1] : 0;
    return (bits >> (column % 64) & 1) != 0;
  }

  [[nodiscard]] bool empty() const { return first_ == 0 && rest_.empty(); }

  [[nodiscard]] std::size_t hash() const {
    std::uint64_t h = first_ * 0x9e3779b97f4a7c15u;
    for (std::uint64_t const word : rest_)
      h = (h ^ word ^ h >> 29) * 0x9e3779b97f4a7c15u;
    return static_cast<std::size_t>(h ^ h >> 32);
  }

  // Columns are only ever added, so rest_ ends with a word that is not zero and == is exact.
  bool operator==(ColumnSet const&) const = default;

private:
  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> rest_;
};

} // namespace walrock

template <> struct std::hash<walrock::ColumnSet> {
  std::size_t operator()(walrock::ColumnSet const& set) const noexcept { return set.hash(); }
};
