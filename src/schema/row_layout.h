// How the rows of a Relation become rows of a target table. Pure.
#pragma once

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/table_plan.h"
#include "model/target_table.h"

namespace walrock {

// The relation that the stream would describe this table with (no generated columns, attnum order,
// domains by their own oid): for rows that come from COPY before any message did.
[[nodiscard]] Relation relation_of(SourceTable const& source);

enum class MissingColumns { refuse, ignore };
// As ignore-incompatible-fields says.
[[nodiscard]] inline MissingColumns missing_columns(bool ignores_incompatible) {
  return ignores_incompatible ? MissingColumns::ignore : MissingColumns::refuse;
}

// Columns are matched by name; the types come from the catalog where it still describes this
// relation, else from the relation alone. Target columns that the relation does not have are not
// loaded. Throws Error target_table_mismatch for a key column without a source, for a type that
// cannot hold its source, and (unless ignored) for a source column that the target does not have.
[[nodiscard]] TablePlan plan_for(Relation const& relation, SourceTable const& source,
                                 TargetTable const& target,
                                 MissingColumns missing = MissingColumns::refuse,
                                 TableOptions const& options = {});

} // namespace walrock
