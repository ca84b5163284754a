// Cuts one fuzzed input into the parts that a target wants. Runs out quietly: then everything is 0
// or empty.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace walrock {

class Input {
public:
  Input(std::uint8_t const* bytes, std::size_t size) : rest_(bytes, size) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty())
      return 0;
    std::uint8_t const out = rest_.front();
    rest_ = rest_.subspan(1);
    return out;
  }
  std::string_view text(std::size_t size) {
    auto const part = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(part.size());
    return {reinterpret_cast<char const*>(part.data()), part.size()};
  }
  // Two bytes of length, then so many bytes: the frames of a stream.
  std::string_view frame() {
    std::size_t const high = byte();
    return text(high << 8U | byte());
  }
  std::string_view rest() { return text(rest_.size()); }

private:
  std::span<std::uint8_t const> rest_;
};

} // namespace walrock
