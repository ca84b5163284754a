#include "base/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace walrock {

namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// Eight bytes at a time: table k holds what a byte makes that stands k bytes before the end.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit)
      sum = sum & 1 ? sum >> 1 ^ 0x82F63B78U : sum >> 1;
    tables[0][byte] = sum;
  }
  for (std::size_t k = 1; k < tables.size(); ++k)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xFF];
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint64_t little_endian(char const* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    word = __builtin_bswap64(word);
  return word;
}

} // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t of) {
  std::uint32_t sum = ~of;
  while (bytes.size() >= 8) {
    std::uint64_t const word = little_endian(bytes.data()) ^ sum;
    sum = 0;
    for (std::size_t i = 0; i < 8; ++i)
      sum ^= kTables[7 - i][word >> (8 * i) & 0xFF];
    bytes.remove_prefix(8);
  }
  for (char const c : bytes)
    sum = sum >> 8 ^ kTables[0][(sum ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~sum;
}

} // namespace walrock
