// What must hold between a table of the source, its target and what was known of both before: else
// the table is set aside. Pure but for the log.
#pragma once

#include <string>

#include "config/job_spec.h"
#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"

namespace walrock {

// All throw Error, with what to do.

void require_publishable(SourceTable const& source);

// Of the partitions: they tell the target which row goes.
void require_identities(SourceTable const& source, TargetTable const& target,
                        TableOptions const& options);

// What the target cannot follow is copied into one of another design: the job lets walrock make
// tables, and no row of the target must stay.
[[nodiscard]] bool may_be_made_anew(JobSpec const& job, TableOptions const& options);

// The line of TableRecord::layout that says in which zone the moments of the target are.
[[nodiscard]] std::string zone_line(std::string const& zone);
void require_same_zone(SourceTable const& source, std::string const& layout,
                       std::string const& zone);

// The same of how money is printed, which the database's lc_monetary says.
[[nodiscard]] std::string money_line(SourceTable const& source);
void require_same_money(SourceTable const& source, std::string const& layout);

// The target tells rows apart by the columns by which the source does now. why: what changed that,
// if it is known.
void require_key_of_target(SourceTable const& source, TargetTable const& wanted,
                           TargetTable const& existing, std::string const& why = {});

// The target has a history, or none, as the job says by now.
void require_history(TargetTable const& wanted, TargetTable const& existing,
                     TableOptions const& options);

} // namespace walrock
