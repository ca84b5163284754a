// The partition watcher, as runtime/partition_watcher, startup, stream_thread and copy_pool drive
// schema/partition_change. Part of Process.
#include "simulation/process.h"

#include <algorithm>

namespace walrock::simulation {

// Nothing happens between this look and that before the slot is made.
void Process::watch_partitions(std::size_t number, TableRecord& record) {
  auto known = partitions_of(record.layout);
  bool const is_copied = record.state == TableState::init || record.state == TableState::copying;
  if (!known || is_copied)
    known = world_.source.look(number);
  record.layout = with_partitions(record.layout, *known);
  SourceTable const source = world_.source.describe(number);
  if (record.state != TableState::errored)
    partitioned_.insert_or_assign(
        source.id, PartitionedTable(NeededIdentity(), *known, DroppedPartitions::copy_again));
}

std::map<std::size_t, PartitionTree> Process::look_at_all() const {
  std::map<std::size_t, PartitionTree> out;
  for (std::size_t i = 0; i < world_.source.table_count(); ++i)
    if (world_.source.is_partitioned(i))
      out[i] = world_.source.look(i);
  return out;
}

void Process::watch_step() {
  later(Milliseconds(1) + some_delay(settings_.look_every), [this] { watch_step(); });
  if (world_.dice.chance(world_.faults.stream_lost)) { // PostgreSQL is lost
    looks_.clear();
    return;
  }
  if (!looks_.empty() && is_measured_) {
    judge();
    return;
  }
  if (!looks_.empty())
    return;
  for (auto const& [root, table] : partitioned_)
    looks_[root] = world_.source.look(number_of(root));
  is_measured_ = false;
  later(some_delay(Milliseconds(20)), [this] { measure(); });
}

void Process::measure() {
  for (auto& [root, tree] : looks_) {
    auto const unmeasured = partitioned_.at(root).must_be_measured(tree);
    for (Partition& partition : tree.partitions)
      if (std::find(unmeasured.begin(), unmeasured.end(), partition.oid) != unmeasured.end())
        partition.is_empty = world_.source.is_file_empty(number_of(root), partition.oid);
  }
  is_measured_ = true;
}

// Once the stream has brought everything that the looks saw.
void Process::judge() {
  Lsn wanted;
  for (auto const& [root, tree] : looks_)
    wanted = std::max(wanted, tree.lsn);
  if (machine_->decoded_lsn() < wanted)
    return;
  for (auto const& [root, tree] : std::exchange(looks_, {})) {
    PartitionedTable& table = partitioned_.at(root);
    PartitionChange const change = table.judge(tree);
    if (change.kind != PartitionChange::Kind::none) {
      ++world_.copies_again;
      if (world_.source.partitions_changed(number_of(root), tree.lsn) <=
          world_.store.copied_lsn(root))
        throw Violation(fmt::format("t{} is copied again, and nothing happened since its copy: {}",
                                    number_of(root), change.reason));
      world_.trace.say("t{} is judged at {}: {}", number_of(root), tree.lsn.value, change.reason);
      push([root = root, change](Committer& to, TimePoint) {
        to.on_set_aside(root, {ErrorCode::copy_needed, Retry::later, change.reason, ""});
      });
    }
    keep_partitions(root, *table.known());
  }
  judged_lsn_ = wanted;
}

void Process::keep_partitions(RelationId table, PartitionTree const& tree) {
  push([table, tree](Committer& to, TimePoint) { to.on_partitions(table, tree); });
}

void Process::note_row(PartitionWritten const& row) {
  auto const found = partitioned_.find(row.table);
  if (found != partitioned_.end() && found->second.note_row_of(row.partition, row.xid))
    keep_partitions(row.table, *found->second.known());
}

void Process::note_copy(std::size_t number, PartitionTree tree, Lsn snapshot) {
  RelationId const id = world_.source.describe(number).id;
  tree.lsn = snapshot;
  if (auto const found = partitioned_.find(id); found != partitioned_.end())
    found->second.note_copy(tree);
  keep_partitions(id, tree);
}

} // namespace walrock::simulation
