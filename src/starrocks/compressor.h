// Compresses one body. Pure.
#pragma once

#include <string>
#include <string_view>

#include "model/batch.h"

namespace walrock {

// One complete LZ4 or ZSTD frame. Compression::none is a copy.
[[nodiscard]] std::string compressed(std::string_view bytes, Compression compression);

} // namespace walrock
