// The name of one load transaction. Grammar (docs/formats/labels.md):
//
//   <prefix>_<job>_<incarnation>_<hash of database and table>_<epoch>_<part>_<attempt>
//
// StarRocks allows [-\w]{1,128}; other bytes of prefix and job become '_', and both are cut so that
// the whole always fits. A label is used again only for the very same bytes, or to finish what the
// checkpoint recorded. Values; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "model/names.h"

namespace walrock {

// A label is unique in its database only.
struct Label {
  std::string database;
  std::string text;
  auto operator<=>(Label const&) const = default;
};

struct LabelParts {
  std::string prefix;
  std::string job;
  std::uint64_t incarnation = 0;
  TargetName target;
  std::string epoch; // the epoch's number, or c<number> for a batch of the copy
  std::uint32_t part = 0;
  std::uint32_t attempt = 0;
};

[[nodiscard]] Label make_label(LabelParts const& parts);

} // namespace walrock
