// Bytes at a place of an open file, all of them: pread and pwrite until they are done. What failed
// is in errno. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace walrock {

[[nodiscard]] bool write_bytes(int fd, std::uint64_t at, std::string_view bytes) noexcept;
// How many there were: fewer than `size` at the end of the file. Nothing when it failed.
[[nodiscard]] std::optional<std::size_t> read_bytes(int fd, std::uint64_t at, char* to,
                                                    std::size_t size) noexcept;

} // namespace walrock
