// SourceTable + options -> the StarRocks table that walrock would create for it. Pure.
//
// A table with a key becomes a PRIMARY KEY table, key columns first. So does one without a key
// whose updates and deletes carry the whole old row: its key is made of the hash of the row's
// values and of where the row came from (see docs/design/rows-without-key.md). Any other becomes an
// append-only DUPLICATE KEY table that also says which transaction and change each row came from
// (kLsnColumn, kIndexColumn, last): its updates and deletes could not be found again in the target.
//
// Value columns are nullable always: a delete row carries only the key, and DROP NOT NULL on the
// source then needs no change here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"
#include "schema/advice.h"

namespace walrock {

// The columns that identify a row in the target, in key order; empty: none, so append-only. Taken
// from the unique-key option, the primary key, or the index of the replica identity, the first one
// whose values every update and delete carries. Throws job_file_invalid for a unique-key that names
// no column or that two rows may have, replica_identity_missing for one that changes do not carry.
[[nodiscard]] std::vector<std::string> key_of(SourceTable const& source,
                                              TableOptions const& options);

// Throws as key_of; job_file_invalid for column-types, sort-key that make no sense;
// target_table_mismatch for names that StarRocks cannot take or that collide there.
[[nodiscard]] TargetTable target_table_for(SourceTable const& source, TargetName const& name,
                                           TableOptions const& options);

// The same beside a target that is there: what that keeps under hashes, or appends, it keeps so,
// whatever `without-key` says of new ones.
[[nodiscard]] TargetTable target_table_beside(SourceTable const& source,
                                              TargetTable const& existing,
                                              TableOptions const& options);

// The columns of the source that a target made today would have and this one lacks: a copy fills
// them, so neither defaults nor rewrites matter. Throws as target_table_for.
[[nodiscard]] std::vector<TargetColumn>
columns_lacking(SourceTable const& source, TargetTable const& target, TableOptions const& options);

// What is wrong with the key of this table, with the cure: no key at all (PostgreSQL refuses its
// updates and deletes once it is published), identity full without a key (rows are found by all
// their values, or not at all), identity nothing, a primary key that lies outside the replica
// identity. Nothing where key_of throws: the design tells that, and of its table alone.
[[nodiscard]] std::optional<Advice> key_advice(SourceTable const& source,
                                               TableOptions const& options = {});

// Publishing the table does not get in the way of those who write it: PostgreSQL refuses updates
// and deletes of a published table without a replica identity. Identity nothing is taken as the
// word of the owner that rows are only ever inserted.
[[nodiscard]] bool is_publishable(SourceTable const& table);
// Of one that is not: why it is set aside (a clause), and the statements that cure it.
[[nodiscard]] Advice unpublishable_advice(SourceTable const& table);

// Throws Error target_table_mismatch when StarRocks cannot take a name or two columns differ only
// in case.
void check_names(SourceTable const& source, TargetTable const& target);

} // namespace walrock
