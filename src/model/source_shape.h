// What a table of the source was when its target was filled, as a checkpoint keeps it: so that a
// change that the stream says nothing of is noticed. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/names.h"

namespace walrock {

struct ColumnShape {
  int attnum = 0;
  std::string name;
  // As the wire carries it: of a domain its own, and -1. 0: kept by an earlier version, not known.
  Oid type_oid = 0;
  std::int32_t typmod = -1;
  // pg_attribute.xmin: which transaction changed the column's definition last; 0: not known.
  std::uint32_t changed_xid = 0;

  bool operator==(ColumnShape const&) const = default;
};

struct SourceShape {
  Oid filenode = 0; // pg_class.relfilenode; 0: partitioned, or not known
  std::vector<ColumnShape> columns;

  bool operator==(SourceShape const&) const = default;
};

// TableRecord::layout: lines of columns first, then one of what is not their names, then others.
[[nodiscard]] std::string shape_text(SourceShape const& shape);
[[nodiscard]] SourceShape shape_of(std::string_view layout);
// The layout with another shape, everything else as it was.
[[nodiscard]] std::string with_shape(std::string_view layout, SourceShape const& shape);

} // namespace walrock
