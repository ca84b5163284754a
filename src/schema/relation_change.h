// What a new Relation message means for the target table. Pure.
//
// PostgreSQL sends a Relation message again for many reasons, most of them harmless; what it never
// sends is the values of old rows. So a change is followed only when old rows of the target hold
// the right values by themselves: ADD COLUMN without a default or with a constant one, DROP COLUMN
// of a value column (the target keeps the column, it is no longer filled), types that the target
// column holds as it is.
#pragma once

#include <string>
#include <vector>

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"

namespace walrock {

struct RelationChange {
  enum class Kind {
    none,        // same columns, or what changed does not concern the target: see note
    followed,    // add `added` to the target (a barrier), then go on with a new plan
    unsupported, // set the table aside with `reason`
  };
  Kind kind = Kind::none;
  std::vector<TargetColumn> added;  // only those that the target does not have yet
  std::vector<std::string> dropped; // no longer filled
  std::string note;                 // for none and followed: worth a line in the log, or empty
  std::string reason;               // one sentence with table, column and both types
};

// `catalog_now` is asked after `now` arrived, so it may be newer; `filenode_before` is the
// relfilenode recorded when `before` was current (0: unknown), which tells whether a new column
// with a default was filled by rewriting the table (a partitioned table has none). `target` is the
// table as it is in StarRocks. suspects_rewrites: a new column in a new file counts as filled, also
// when nothing is left of a default.
[[nodiscard]] RelationChange diff(Relation const& before, Relation const& now,
                                  SourceTable const& catalog_now, TargetTable const& target,
                                  Oid filenode_before, TableOptions const& options = {},
                                  bool suspects_rewrites = false);

} // namespace walrock
