// What the catalog says about the partitions below partitioned tables. Same thread as the
// connection.
#pragma once

#include <map>
#include <span>
#include <string_view>

#include "model/partition_tree.h"
#include "postgres/connection.h"

namespace walrock {

// All of them in one look. A table that is gone, or not partitioned, has an empty tree.
[[nodiscard]] std::map<RelationId, PartitionTree> read_partitions(Connection& connection,
                                                                  std::span<RelationId const> roots,
                                                                  std::stop_token const& stop = {});

// As a snapshot that another connection holds sees them.
[[nodiscard]] PartitionTree read_partitions_then(Connection& connection, RelationId root,
                                                 std::string_view snapshot_name);

// Its file has no page now. It waits for a lock on the partition; false when there is none.
[[nodiscard]] bool is_file_empty(Connection& connection, Oid partition,
                                 std::stop_token const& stop = {});

// The transactions that txid_current_snapshot() as text says have ended, into the tree.
void take_snapshot(std::string_view text, PartitionTree& tree);

} // namespace walrock
