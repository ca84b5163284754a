// What a job says about one of its tables: options of its target and the target's name.
#pragma once

#include <map>
#include <vector>

#include "config/job_spec.h"

namespace walrock {

// Whether table-name is one plain name: only then sink.starrocks.table is the target's name as it
// stands. In a job of several tables that name and the unique-key beside it are those of one table.
[[nodiscard]] bool has_single_table(JobSpec const& job);

// The defaults of sink.starrocks, then the blocks of `tables:` that match: first patterns, then
// plain names, each in the order of the file; what a later one sets wins.
[[nodiscard]] TableOptions options_for(JobSpec const& job, TableName const& table);

// Where the rows of a table go.
[[nodiscard]] TargetName target_for(JobSpec const& job, TableName const& table);

// The same for all tables of the job. Throws job_file_invalid when two of them would go to one
// target, or when sink.starrocks.table names a target that is none of theirs.
[[nodiscard]] std::map<TableName, TargetName> targets_for(JobSpec const& job,
                                                          std::vector<TableName> const& tables);

} // namespace walrock
