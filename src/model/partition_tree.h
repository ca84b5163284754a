// The partitions below a partitioned table as PostgreSQL's catalog had them at one position of the
// WAL, and the text that a checkpoint keeps of them. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/lsn.h"
#include "model/names.h"
#include "model/relation.h"

namespace walrock {

struct Partition {
  Oid oid = 0;
  Oid filenode = 0;               // pg_class.relfilenode; 0 of one that is partitioned itself
  std::uint32_t attached_xid = 0; // pg_inherits.xmin: which transaction made it a partition

  // Of a look; not kept.
  Oid parent = 0;
  TableName name;
  std::uint32_t changed_xid = 0; // pg_class.xmin: which transaction changed its file, or later ones
  bool is_created_attached = false; // by CREATE TABLE ... PARTITION OF; never attached since
  bool is_empty = false;            // its file is known to have no page
  char relkind = 'r';               // r, p partitioned itself, f foreign
  char persistence = 'p';           // p permanent, u unlogged, t temporary
  ReplicaIdentity identity = ReplicaIdentity::default_;
  std::vector<std::string> identity_columns; // of its own; empty for nothing and full
};

struct PartitionTree {
  // Every transaction that the look saw committed has ended at or below it.
  Lsn lsn;
  std::vector<Partition> partitions; // ordered by oid
  // The snapshot of the look; not kept. What began later, or was in progress, it does not see.
  std::uint32_t next_xid = 0;
  std::vector<std::uint32_t> xids_in_progress;

  [[nodiscard]] Partition const* find(Oid oid) const;
  // The look saw what this transaction did.
  [[nodiscard]] bool has_ended(std::uint32_t xid) const;
};

// TableRecord::layout: lines of columns, then for a partitioned table lines of its partitions.
[[nodiscard]] std::string with_partitions(std::string_view layout, PartitionTree const& tree);
// Nothing in a layout of an ordinary table, or written before partitions were kept.
[[nodiscard]] std::optional<PartitionTree> partitions_of(std::string_view layout);
// The lines of columns alone.
[[nodiscard]] std::string_view columns_part(std::string_view layout);

} // namespace walrock
