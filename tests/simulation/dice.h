// The only source of chance in a simulated run: the same seed gives the same run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace walrock::simulation {

class Dice {
public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  // 0 <= result < bound; bound > 0. (Not std::uniform_int_distribution: its results differ between
  // standard libraries.)
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::uint64_t>(most - least + 1)));
  }
  bool chance(double probability) {
    return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }
  template <typename T> T const& pick(std::vector<T> const& from) {
    return from[below(from.size())];
  }

private:
  std::mt19937_64 engine_;
};

} // namespace walrock::simulation
