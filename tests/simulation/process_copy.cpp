// The copies, as CopyPool drives them. Part of Process.
#include "simulation/process.h"

#include <algorithm>

#include "schema/row_layout.h"
#include "schema/target_design.h"

namespace walrock::simulation {

namespace {

std::string copy_line(Cells const& row) {
  std::string line;
  for (Cell const& cell : row)
    line += (line.empty() ? "" : "\t") + cell.value_or("\\N");
  return line;
}

// As the readers compare them before they read.
bool has_files_of(PartitionTree const& now, PartitionTree const& snapshot) {
  return std::equal(now.partitions.begin(), now.partitions.end(), snapshot.partitions.begin(),
                    snapshot.partitions.end(), [](Partition const& a, Partition const& b) {
                      return a.oid == b.oid && a.filenode == b.filenode;
                    });
}

} // namespace

void Process::copy(std::set<std::size_t> const& wanted) {
  if (world_.timeline.now() < round_ends_at_) { // one round at a time
    later(Milliseconds(10), [this, wanted] { copy(wanted); });
    return;
  }
  bool const is_first = first_snapshot_.is_set();
  Lsn const position = is_first ? std::exchange(first_snapshot_, Lsn{}) : world_.source.wal_end();
  auto const trees = is_first ? std::exchange(first_trees_, {}) : look_at_all();
  if (world_.dice.chance(world_.faults.copy_failed)) { // PostgreSQL is lost before the round begins
    for (std::size_t const number : wanted)
      push([id = world_.source.describe(number).id](Committer& to, TimePoint now) {
        to.on_copy_failed(id, {ErrorCode::source_unreachable, Retry::later, "no snapshot", ""},
                          now);
      });
    return;
  }
  if (trees.empty()) {
    copy_round(wanted, position, trees);
    return;
  }
  Milliseconds const delay = some_delay(Milliseconds(world_.dice.chance(0.3) ? 200 : 1));
  round_ends_at_ = world_.timeline.now() + delay + Milliseconds(1);
  later(delay, [this, wanted, position, trees] { copy_round(wanted, position, trees); });
}

// Behind the snapshot: trees are the partitions as it sees them.
void Process::copy_round(std::set<std::size_t> const& wanted, Lsn position,
                         std::map<std::size_t, PartitionTree> const& trees) {
  std::vector<RelationId> tables;
  std::vector<std::size_t> numbers;
  for (std::size_t const number : wanted) {
    SourceTable const source = world_.source.describe(number);
    copy_sources_[number] = source;
    if (trees.contains(number))
      note_copy(number, trees.at(number), position);
    auto const added = columns_lacking(source, copy_targets_[number], {});
    if (!added.empty()) {
      for (TargetColumn const& column : added)
        copy_targets_[number].columns.push_back(column);
      push([id = source.id, added](Committer& to, TimePoint) { to.on_columns_wanted(id, added); });
      continue;
    }
    tables.push_back(source.id);
    numbers.push_back(number);
  }
  if (tables.empty())
    return;
  world_.trace.say("copy of {} tables at {}", tables.size(), position.value);
  push([tables, position](Committer& to, TimePoint) { to.on_snapshot(tables, position); });
  for (std::size_t const number : numbers) {
    auto const tree = trees.find(number);
    if (tree == trees.end() || has_files_of(world_.source.look(number), tree->second))
      copy_table(number, copy_sources_[number], position);
    else
      push([id = copy_sources_[number].id](Committer& to, TimePoint now) {
        to.on_copy_failed(
            id, {ErrorCode::snapshot_lost, Retry::later, "another file than the snapshot's", ""},
            now);
      });
  }
}

void Process::copy_table(std::size_t number, SourceTable const& source, Lsn position) {
  RowEncoder const encoder(plan_for(relation_of(source), source, copy_targets_[number]));
  CopyMachine machine(encoder, {source.id, 0, {}, {}}, position, memory_.get(),
                      {settings_.copy_label_bytes, {}});
  Milliseconds at{0};
  auto const send = [&](Event event) {
    at += some_delay(Milliseconds(30));
    auto shared = std::make_shared<Event>(std::move(event));
    later(at, [this, shared] { push(std::move(*shared)); });
  };
  auto const hand_over = [&] {
    for (Batch& batch : machine.take()) {
      auto const moved = std::make_shared<Batch>(std::move(batch));
      send([id = source.id, moved](Committer& to, TimePoint) {
        to.on_copied_batch(id, std::move(*moved));
      });
    }
  };
  bool const fails = world_.dice.chance(world_.faults.copy_failed);
  for (Cells row : world_.source.rows_at(number, position)) {
    row.resize(source.columns.size());
    std::string line = copy_line(row);
    machine.on_line(line);
    if (machine.is_full())
      hand_over();
    if (fails && world_.dice.chance(0.2))
      break;
  }
  if (fails) {
    send([id = source.id](Committer& to, TimePoint now) {
      to.on_copy_failed(id, {ErrorCode::snapshot_lost, Retry::later, "the copy was cut", ""}, now);
    });
  } else {
    hand_over();
    send([id = source.id](Committer& to, TimePoint) { to.on_copy_read(id); });
  }
  round_ends_at_ = std::max(round_ends_at_, world_.timeline.now() + at + Milliseconds(1));
}

} // namespace walrock::simulation
