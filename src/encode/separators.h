// Finds the bytes that end CSV fields and rows. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "model/batch.h"

namespace walrock {

// How many bytes of the text are kColumnSeparator or kRowDelimiter. One pass over a whole encoded
// row, compared with the number of fields, is cheaper than a look at each field before it is
// copied.
[[nodiscard]] inline std::size_t count_separators(std::string_view text) {
  static_assert(kColumnSeparator == 1 && kRowDelimiter == 2);
  std::size_t count = 0;
  char const* at = text.data();
  std::size_t left = text.size();
#if defined(__SSE2__)
  __m128i const ones = _mm_set1_epi8(kColumnSeparator);
  __m128i const twos = _mm_set1_epi8(kRowDelimiter);
  for (; left >= 16; at += 16, left -= 16) {
    __m128i const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    __m128i const hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, ones), _mm_cmpeq_epi8(bytes, twos));
    auto const mask = static_cast<std::uint32_t>(_mm_movemask_epi8(hits));
    count += static_cast<std::size_t>(std::popcount(mask));
  }
#endif
  for (; left > 0; ++at, --left)
    count += static_cast<unsigned char>(*at - 1) < 2;
  return count;
}

// The text before the n-th column separator, with it; all of it when there are fewer.
[[nodiscard]] inline std::string_view first_fields(std::string_view row, std::size_t n) {
  std::size_t end = 0;
  for (; n > 0 && end < row.size(); --n) {
    void const* found = std::memchr(row.data() + end, kColumnSeparator, row.size() - end);
    if (found == nullptr)
      return row;
    end = static_cast<std::size_t>(static_cast<char const*>(found) - row.data()) + 1;
  }
  return row.substr(0, end);
}

} // namespace walrock
