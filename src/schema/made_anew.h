// Changes of a table that ALTER of the target cannot follow, because the values of old rows are
// others and the stream never brings them: its target is made anew, beside the old one, filled by a
// copy and swapped in. docs/design/made-anew.md. Pure.
#pragma once

#include <optional>
#include <string>

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"

namespace walrock {

// What the target is made anew as, and what of the source that is right for.
struct NewDesign {
  TargetTable target; // under its own name; on the way to the copy under that of its twin
  SourceShape shape;
};

// Why the old rows are not what a target holds that was filled with `before`, as a clause about the
// table; empty when they may be: then what the stream says decides, see diff(). Renamed columns,
// ones that were dropped and added again under their name, tables that an ALTER has rewritten.
[[nodiscard]] std::string rows_differ_because(SourceShape const& before, SourceTable const& now);

// The same, where no description of the stream is at hand to compare with: of types, too.
[[nodiscard]] std::string change_unseen(SourceShape const& before, SourceTable const& now,
                                        TargetTable const& target, TableOptions const& options,
                                        bool suspects_rewrites = true);

// Of `before` what matters to a target that is copied anyway: names and types, no rows.
[[nodiscard]] SourceShape without_rows(SourceShape before, SourceTable const& now);

// The same columns, of the same types, in the same places.
[[nodiscard]] bool has_same_columns(SourceShape const& a, SourceShape const& b);

// Nothing where it would be another kind of table (with a key, without, with hashes), which is set
// aside instead. Throws as target_table_for().
[[nodiscard]] std::optional<NewDesign>
design_anew(SourceTable const& now, TargetTable const& target, TableOptions const& options);

} // namespace walrock
