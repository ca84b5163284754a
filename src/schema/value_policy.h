// Which values a column of StarRocks cannot hold, and what the job file says becomes of them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"
#include "model/value_policy.h"
#include "schema/target_type.h"

namespace walrock {

// The name of kPolicyTypes that counts for the column.
[[nodiscard]] std::string_view policy_type_of(SourceColumn const& column);
// Of the column by its name, of its type, of all; else fail.
[[nodiscard]] ValuePolicy policy_of(SourceColumn const& column, TableOptions const& options);
// The policy that rows are encoded with. `text` has done its work when the table was made; a key
// must not be changed, two keys could become one; a column that takes no NULL gets none.
[[nodiscard]] ValuePolicy encoding_policy(SourceColumn const& column, TableOptions const& options,
                                          bool is_key, bool is_nullable);
// A text of this type means something when its end is missing.
[[nodiscard]] bool is_cuttable(SourceColumn const& column);

// A clause on the values that the target lacks, such as "infinity, BC and years after 9999"; empty
// when it holds every one.
[[nodiscard]] std::string values_lacking(SourceColumn const& column, TargetType const& target);

// For people: a sentence for every policy in force, with its columns.
// "values that StarRocks cannot hold become NULL: born (DATE)"
[[nodiscard]] std::vector<std::string>
policy_sentences(SourceTable const& source, TargetTable const& target, TableOptions const& options);

// Throws Error job_file_invalid for a policy of a column that makes no sense.
void check_policies(SourceTable const& source, TargetTable const& target,
                    TableOptions const& options);

} // namespace walrock
