// The table beside a target that takes a copy and is swapped in at its end. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "model/names.h"

namespace walrock {

inline constexpr char kTwinSuffix[] = "_walrock_copy_";

// Each start has twins of its own: a SWAP that a dead walrock sent, and that arrives only now, must
// find none.
[[nodiscard]] inline TargetName twin_of(TargetName target, std::uint64_t incarnation) {
  target.table += kTwinSuffix + std::to_string(incarnation);
  return target;
}

// What TableRecord::reason begins with while a table is copied into a twin of another design.
inline constexpr char kMadeAnewBecause[] = "made anew because ";

} // namespace walrock
