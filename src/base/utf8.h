// UTF-8. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace walrock {

// How many bytes the valid sequence at the start of the text has; 0 when there is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
// Each byte that is not part of a valid sequence becomes U+FFFD, the replacement character.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view text);
// At most so many bytes, not ending within a sequence.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t most_bytes);

} // namespace walrock
