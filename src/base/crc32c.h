// CRC-32C (Castagnoli): tells bytes that were torn or damaged on a disk. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace walrock {

// of: the sum of what stands before the bytes.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t of = 0);

} // namespace walrock
