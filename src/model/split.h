// A part of a table's copy: a range of ctid pages read by one COPY. Disjoint and complete within
// one snapshot, whatever is written meanwhile.
#pragma once

#include <cstdint>
#include <optional>

#include "model/source_table.h"

namespace walrock {

struct Split {
  RelationId table;
  std::uint32_t index = 0;
  // Pages [first_page, end_page); no end: up to the end of the table, so that pages added since the
  // size was asked are not missed. A whole-table split has neither.
  std::optional<std::uint32_t> first_page;
  std::optional<std::uint32_t> end_page;
};

} // namespace walrock
