// Which columns of a target walrock fills itself. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"

namespace walrock {

// In the order in which they stand behind those of the source.
[[nodiscard]] std::vector<MadeColumn> made_columns(TableModel model, TableOptions const& options);
// One of them, as it is made, or added to a table that is there.
[[nodiscard]] TargetColumn made_target_column(MadeColumn made, bool is_nullable);

// Does it tell which change of which transaction an appended row came from?
[[nodiscard]] bool is_of_origin(TargetColumn const& column);

// Of `wanted` those that `existing` lacks, as they can be added to a table that is there: they take
// NULL.
[[nodiscard]] std::vector<TargetColumn> made_columns_lacking(TargetTable const& wanted,
                                                             TargetTable const& existing);

// Sentences for the operator about deletes, history and metadata-columns of this table: what they
// will not do.
[[nodiscard]] std::vector<std::string> version_sentences(SourceTable const& source,
                                                         TargetTable const& target,
                                                         TableOptions const& options);

} // namespace walrock
