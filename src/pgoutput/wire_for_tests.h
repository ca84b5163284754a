// Builds pgoutput payloads, for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace walrock {

class Wire {
public:
  Wire& u8(unsigned v) { return number(v, 1); }
  Wire& u16(unsigned v) { return number(v, 2); }
  Wire& u32(std::uint64_t v) { return number(v, 4); }
  Wire& u64(std::uint64_t v) { return number(v, 8); }
  Wire& text(std::string const& s) {
    bytes_ += s;
    bytes_ += '\0';
    return *this;
  }
  // "u" unchanged toast, "-" NULL, else a text
  Wire& row(std::vector<std::string> const& cells) {
    u16(static_cast<unsigned>(cells.size()));
    for (std::string const& cell : cells) {
      if (cell == "u" || cell == "-") {
        bytes_ += cell == "u" ? 'u' : 'n';
        continue;
      }
      bytes_ += 't';
      u32(cell.size());
      bytes_ += cell;
    }
    return *this;
  }
  Wire& type(char c) {
    bytes_ += c;
    return *this;
  }
  [[nodiscard]] std::span<std::byte const> payload() const {
    return std::as_bytes(std::span(bytes_));
  }

private:
  Wire& number(std::uint64_t v, int size) {
    for (int i = size - 1; i >= 0; --i)
      bytes_ += static_cast<char>(v >> (8 * i) & 0xFF);
    return *this;
  }
  std::string bytes_;
};

} // namespace walrock
