// Does a table that exists in StarRocks fit its source? Pure.
#pragma once

#include <string>
#include <vector>

#include "model/source_table.h"
#include "model/target_table.h"

namespace walrock {

struct Mismatch {
  std::string column;      // empty: the table as a whole
  std::string source_type; // as PostgreSQL declares it; empty when it plays no part
  std::string target_type; // as it is in StarRocks; empty when it is missing
  std::string what;        // one clause
  std::string fix;         // exact SQL, or a sentence where no statement does it
  bool is_warning = false; // rows can be loaded, but a value may come that is refused
};

// One line for an operator: column, both types, what and fix.
[[nodiscard]] std::string to_string(Mismatch const& mismatch);

// `wanted` is what target_table_for() says. Types of `existing` may have any spelling. Empty when
// it fits as it is; only warnings when it can be used.
[[nodiscard]] std::vector<Mismatch> compare(SourceTable const& source, TargetTable const& wanted,
                                            TargetTable const& existing);

} // namespace walrock
