// What became of the partitions of a table, and what it means for its target. Pure.
//
// Changes of partitions arrive under the name of their root. What PostgreSQL never sends is that a
// partition came (ATTACH), went (DETACH, DROP) or was truncated by itself. So looks at the catalog
// are compared; docs/design/partitions.md says why each rule is exact.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/partition_tree.h"
#include "model/table_options.h"
#include "schema/leaf_identity.h"

namespace walrock {

struct PartitionChange {
  enum class Kind {
    none,       // the stream brings all there is to know
    copy_again, // the target has rows too many or too few
    refused,    // a partition's changes do not arrive, or do not tell the row
  };
  Kind kind = Kind::none;
  std::string reason; // which partition, and what happened to it
  // Of one that is refused.
  ErrorCode code = ErrorCode::table_changed;
  std::string advice;
};

// One partitioned table: what is known of its partitions, and what the stream brought since.
class PartitionedTable {
public:
  // known: of the checkpoint; nothing: the first look is believed.
  PartitionedTable(NeededIdentity needed, std::optional<PartitionTree> known,
                   DroppedPartitions dropped)
      : needed_(std::move(needed)), known_(std::move(known)), dropped_(dropped) {}

  // The stream brought a TRUNCATE of the table itself.
  void note_truncation(std::uint32_t xid) { truncations_.push_back(xid); }
  // The stream brought a wanted row of this partition. True when no look has seen it: from then on
  // it is known by its oid, which must be durable no later than the row.
  [[nodiscard]] bool note_row_of(Oid partition, std::uint32_t xid);
  // A copy begins whose snapshot sees exactly these partitions; tree.lsn is where it stands.
  void note_copy(PartitionTree tree);
  // What keeps it from being followed from there on.
  [[nodiscard]] std::optional<PartitionChange> refusal_of(PartitionTree const& now) const;

  // Of these is_empty must be known before the look is judged.
  [[nodiscard]] std::vector<Oid> must_be_measured(PartitionTree const& now) const;
  // The stream must have brought everything up to now.lsn. From then on `now` is what is known; a
  // look from before the copy says nothing.
  PartitionChange judge(PartitionTree const& now);
  [[nodiscard]] std::optional<PartitionTree> const& known() const { return known_; }

private:
  // As a look saw it.
  [[nodiscard]] Partition const* known_by_look(Oid oid) const;
  [[nodiscard]] std::string what_is_gone(PartitionTree const& now) const;
  [[nodiscard]] std::string what_happened_to(Partition const& partition,
                                             PartitionTree const& now) const;
  [[nodiscard]] std::string what_came_with(Partition const& partition,
                                           PartitionTree const& now) const;
  [[nodiscard]] bool is_truncated_with_root(Partition const& partition,
                                            PartitionTree const& now) const;
  void forget_what_is_settled(PartitionTree const& now);

  NeededIdentity needed_;
  std::optional<PartitionTree> known_;
  DroppedPartitions dropped_;
  std::vector<std::uint32_t> truncations_;
  std::map<Oid, std::uint32_t> seen_;
  PartitionTree copied_; // the snapshot of the last copy
};

} // namespace walrock
