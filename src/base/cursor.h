// Reads big-endian integers and strings from bytes, with every read checked.
// Reading past the end throws ProtocolViolation, never undefined behaviour. Any thread; a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace walrock {

class Cursor {
public:
  explicit Cursor(std::span<std::byte const> bytes) : rest_(bytes) {}
  explicit Cursor(std::string_view text)
      : rest_(reinterpret_cast<std::byte const*>(text.data()), text.size()) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64() { return big_endian(8); }
  std::int16_t i16() { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }

  // The next n bytes, a view into the input.
  std::string_view text(std::size_t n) {
    need(n);
    std::string_view out(reinterpret_cast<char const*>(rest_.data()), n);
    rest_ = rest_.subspan(n);
    return out;
  }

  // Up to the next zero byte, which is skipped; a view into the input.
  std::string_view zero_terminated() {
    void const* zero = rest_.empty() ? nullptr : std::memchr(rest_.data(), 0, rest_.size());
    if (zero == nullptr)
      throw ProtocolViolation("message ends inside a string");
    auto const n = static_cast<std::size_t>(static_cast<std::byte const*>(zero) - rest_.data());
    std::string_view const out = text(n);
    rest_ = rest_.subspan(1);
    return out;
  }

private:
  void need(std::size_t n) const {
    if (rest_.size() < n)
      throw ProtocolViolation("message ends " + std::to_string(n - rest_.size()) +
                              " bytes too early");
  }

  std::uint64_t big_endian(std::size_t n) {
    need(n);
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < n; ++i)
      out = out << 8 | std::to_integer<std::uint64_t>(rest_[i]);
    rest_ = rest_.subspan(n);
    return out;
  }

  std::span<std::byte const> rest_;
};

} // namespace walrock
