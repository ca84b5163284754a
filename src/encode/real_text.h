// The greatest float4 is printed rounded up. StarRocks would take it for too large; rounded down it
// is the same number.
#pragma once

#include <string>
#include <string_view>

namespace walrock {

inline void append_real(std::string_view text, std::string& out) {
  out.append(text);
  if (text.ends_with("3.4028235e+38"))
    out[out.size() - 5] = '4';
}

} // namespace walrock
