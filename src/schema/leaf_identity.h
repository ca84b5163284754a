// What updates and deletes of a partition tell of the old row. pgoutput sends as much of it as the
// partition's own replica identity has, under the name of the root and the letter of its identity;
// nothing at all of an update that leaves that part as it was. ALTER TABLE of the root does not
// reach its partitions. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/partition_tree.h"
#include "model/relation.h"
#include "model/source_table.h"
#include "model/table_options.h"
#include "model/target_table.h"
#include "schema/advice.h"

namespace walrock {

// What the target must be told of the old row.
struct NeededIdentity {
  bool is_whole = false;
  std::vector<std::string> columns; // empty: it only appends
  bool is_default = false;          // REPLICA IDENTITY DEFAULT has them, in every partition
};
[[nodiscard]] NeededIdentity needed_identity(SourceTable const& root, TargetTable const& target,
                                             TableOptions const& options);

// The partitions that do not tell it, as a sentence without its end, and the statements that cure
// it. One without a replica identity has no updates and deletes: PostgreSQL refuses them.
[[nodiscard]] std::optional<Advice> identity_fault(NeededIdentity const& needed,
                                                   std::span<Partition const> partitions);
// The same of those whose updates and deletes PostgreSQL would refuse once the root is published,
// though nobody has said so.
[[nodiscard]] std::optional<Advice> identity_lack(SourceTable const& root);

// A partition as pgoutput describes it. Where the publication has a column list, a column of
// another number than in the root may be left out there: of such a one nothing is known.
[[nodiscard]] Partition partition_of(Relation const& relation, NeededIdentity const& needed);

// The advice of a table that is set aside until its source is cured.
[[nodiscard]] std::string then_copy_anew(std::string const& sql);

} // namespace walrock
