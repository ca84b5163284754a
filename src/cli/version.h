#pragma once

namespace walrock {

// As in CMakeLists.txt.
inline constexpr char kVersionText[] = "walrock 0.1.0";

} // namespace walrock
