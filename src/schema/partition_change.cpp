#include "schema/partition_change.h"

#include <algorithm>

#include <fmt/format.h>

namespace walrock {

namespace {

bool is_leaf(Partition const& partition) {
  return partition.relkind != 'p' && partition.filenode != 0;
}

// The partition and what is between it and the root.
std::vector<Partition const*> way_up(Partition const& partition, PartitionTree const& tree) {
  std::vector<Partition const*> out;
  for (Partition const* step = &partition; step != nullptr && out.size() < tree.partitions.size();
       step = tree.find(step->parent))
    out.push_back(step);
  return out;
}

std::string what_is_not_logged(PartitionTree const& now) {
  for (Partition const& partition : now.partitions) {
    if (partition.relkind == 'f')
      return fmt::format("its partition {} is a foreign table: its rows are not in this server's "
                         "WAL",
                         to_string(partition.name));
    if (partition.persistence == 'u')
      return fmt::format("its partition {} is unlogged: its changes are not in the WAL",
                         to_string(partition.name));
  }
  return {};
}

} // namespace

std::optional<PartitionChange> PartitionedTable::refusal_of(PartitionTree const& now) const {
  PartitionChange out;
  out.kind = PartitionChange::Kind::refused;
  if (out.reason = what_is_not_logged(now); !out.reason.empty()) {
    out.advice = "Detach the partition, drop the target table and start again; or follow the other "
                 "partitions as tables of their own.";
    return out;
  }
  if (auto const fault = identity_fault(needed_, now.partitions)) {
    out.code = ErrorCode::replica_identity_missing;
    out.reason = fault->message;
    out.advice = then_copy_anew(fault->sql);
    return out;
  }
  return std::nullopt;
}

Partition const* PartitionedTable::known_by_look(Oid oid) const {
  Partition const* const found = known_ ? known_->find(oid) : nullptr;
  return found != nullptr && found->attached_xid != 0 ? found : nullptr;
}

bool PartitionedTable::note_row_of(Oid partition, std::uint32_t xid) {
  if (copied_.lsn.is_set() && copied_.has_ended(xid))
    return false; // the stream is behind the copy, which has the row, or from which it is gone
  seen_[partition] = xid;
  if (!known_ || known_->find(partition) != nullptr)
    return false;
  Partition by_oid;
  by_oid.oid = by_oid.filenode = partition;
  by_oid.name.table_name = std::to_string(partition);
  known_->partitions.insert(
      std::upper_bound(known_->partitions.begin(), known_->partitions.end(), partition,
                       [](Oid oid, Partition const& other) { return oid < other.oid; }),
      by_oid);
  return true;
}

void PartitionedTable::note_copy(PartitionTree tree) {
  copied_ = tree;
  known_ = std::move(tree);
  seen_.clear(); // what was read before is in the snapshot, or gone from it
}

std::vector<Oid> PartitionedTable::must_be_measured(PartitionTree const& now) const {
  std::vector<Oid> out;
  for (Partition const& partition : now.partitions)
    if (known_ && is_leaf(partition) && known_by_look(partition.oid) == nullptr)
      out.push_back(partition.oid);
  return out;
}

// TRUNCATE of the root gives every leaf a new file, in one transaction that the stream brings with
// its xid. A later one of the leaf alone would be the last to change its row in pg_class. Being
// attached changes that row as well, and says nothing of the file.
bool PartitionedTable::is_truncated_with_root(Partition const& partition,
                                              PartitionTree const& now) const {
  if (std::find(truncations_.begin(), truncations_.end(), partition.changed_xid) ==
      truncations_.end())
    return false;
  auto const way = way_up(partition, now);
  return std::none_of(way.begin(), way.end(), [&](Partition const* step) {
    return step->attached_xid == partition.changed_xid && known_by_look(step->oid) == nullptr;
  });
}

// Of a partition that is new since.
std::string PartitionedTable::what_came_with(Partition const& partition,
                                             PartitionTree const& now) const {
  if (!is_leaf(partition) || is_truncated_with_root(partition, now))
    return {};
  // A table's first file has its oid for a name.
  if (partition.filenode != partition.oid)
    return fmt::format("partition {} is new, and was truncated or rewritten since it was made",
                       to_string(partition.name));
  auto const way = way_up(partition, now);
  bool const is_of_the_tree_since_made =
      std::all_of(way.begin(), way.end(), [&](Partition const* step) {
        return step->is_created_attached || known_by_look(step->oid) != nullptr;
      });
  if (is_of_the_tree_since_made || partition.is_empty)
    return {};
  return fmt::format("partition {} was attached with rows", to_string(partition.name));
}

std::string PartitionedTable::what_happened_to(Partition const& partition,
                                               PartitionTree const& now) const {
  Partition const* const before = known_by_look(partition.oid);
  if (before == nullptr)
    return what_came_with(partition, now);
  if (before->attached_xid != partition.attached_xid)
    return fmt::format("partition {} was detached and attached again", to_string(partition.name));
  if (before->filenode != partition.filenode && !is_truncated_with_root(partition, now))
    return fmt::format("partition {} was truncated by itself, or rewritten",
                       to_string(partition.name));
  return {};
}

std::string PartitionedTable::what_is_gone(PartitionTree const& now) const {
  if (dropped_ == DroppedPartitions::keep)
    return {};
  for (Partition const& before : known_->partitions) {
    if (!is_leaf(before) || now.find(before.oid) != nullptr)
      continue;
    if (before.attached_xid != 0)
      return fmt::format("partition {} was detached or dropped", to_string(before.name));
    // It came and went between two looks, or this one does not see its making yet.
    if (auto const row = seen_.find(before.oid); row == seen_.end() || now.has_ended(row->second))
      return fmt::format("a partition (oid {}) was detached or dropped soon after it was made",
                         before.oid);
  }
  return {};
}

PartitionChange PartitionedTable::judge(PartitionTree const& now) {
  PartitionChange out;
  if (known_ && now.lsn < known_->lsn)
    return out;
  if (auto refused = refusal_of(now)) {
    out = std::move(*refused);
  } else if (known_) {
    out.reason = what_is_gone(now);
    for (Partition const& partition : now.partitions)
      if (out.reason.empty())
        out.reason = what_happened_to(partition, now);
    if (!out.reason.empty())
      out.kind = PartitionChange::Kind::copy_again;
  }
  forget_what_is_settled(now);
  known_ = now;
  for (auto const& [oid, xid] : std::map(std::move(seen_)))
    (void)note_row_of(oid, xid);
  return out;
}

void PartitionedTable::forget_what_is_settled(PartitionTree const& now) {
  std::erase_if(truncations_, [&](std::uint32_t xid) { return now.has_ended(xid); });
  std::erase_if(seen_, [&](auto const& row) { return now.has_ended(row.second); });
  if (now.lsn >= copied_.lsn)
    copied_ = {}; // the stream has passed it, and numbers of transactions come round again
}

} // namespace walrock
