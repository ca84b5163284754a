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

void Process::copy(CopiesWanted const& wanted) {
  if (world_.timeline.now() < round_ends_at_) { // one round at a time
    later(Milliseconds(10), [this, wanted] { copy(wanted); });
    return;
  }
  bool const is_first = first_snapshot_.is_set();
  Lsn const position =
      is_first ? std::exchange(first_snapshot_, Lsn{}) : world_.source.take_snapshot();
  auto const trees = is_first ? std::exchange(first_trees_, {}) : look_at_all();
  if (world_.dice.chance(world_.faults.copy_failed)) { // PostgreSQL is lost before the round begins
    for (auto const& [number, request] : wanted)
      push([request = request](Committer& to, TimePoint now) {
        to.on_copy_failed(request, {ErrorCode::source_unreachable, Retry::later, "no snapshot", ""},
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
void Process::copy_round(CopiesWanted const& wanted, Lsn position,
                         std::map<std::size_t, PartitionTree> const& trees) {
  std::vector<CopyRequest> ready;
  for (auto const& [number, request] : wanted) {
    SourceTable const source = world_.source.describe(number);
    copy_sources_[number] = source;
    if (trees.contains(number))
      note_copy(number, trees.at(number), position);
    auto const added = columns_lacking(source, copy_targets_[number], settings_.options[number]);
    if (!added.empty()) {
      for (TargetColumn const& column : added)
        copy_targets_[number].columns.push_back(column);
      push([id = source.id, added](Committer& to, TimePoint) { to.on_columns_wanted(id, added); });
      continue;
    }
    ready.push_back(request);
  }
  if (ready.empty())
    return;
  world_.trace.say("copy of {} tables at {}", ready.size(), position.value);
  push([ready, position](Committer& to, TimePoint) { to.on_snapshot(ready, position); });
  Milliseconds longest{0};
  for (CopyRequest const& request : ready) {
    std::size_t const number = number_of(request.table);
    auto const tree = trees.find(number);
    if (tree == trees.end() || has_files_of(world_.source.look(number), tree->second))
      longest = std::max(longest, copy_table(request, copy_sources_[number], position));
    else
      push([request](Committer& to, TimePoint now) {
        to.on_copy_failed(
            request,
            {ErrorCode::snapshot_lost, Retry::later, "another file than the snapshot's", ""}, now);
      });
  }
  // No more threads, say: what has failed alone fails once more.
  if (world_.dice.chance(world_.faults.copy_failed))
    later(longest, [this, ready] {
      for (CopyRequest const& request : ready)
        push([request](Committer& to, TimePoint now) {
          to.on_copy_failed(request, {ErrorCode::internal, Retry::later, "the round was cut", ""},
                            now);
        });
    });
}

Milliseconds Process::copy_table(CopyRequest const& request, SourceTable const& source,
                                 Lsn position) {
  std::size_t const number = number_of(request.table);
  RowEncoder const encoder(plan_for(relation_of(source), source, copy_targets_[number],
                                    MissingColumns::refuse, settings_.options[number]));
  CopyMachine machine(encoder, {source.id, 0, {}, {}}, position, memory_.get(),
                      {settings_.copy_label_bytes, {}});
  machine.note_begin(world_.timeline.elapsed().count() + 1);
  Milliseconds at{0};
  auto const send = [&](Event event) {
    at += some_delay(Milliseconds(30));
    auto shared = std::make_shared<Event>(std::move(event));
    later(at, [this, shared] { push(std::move(*shared)); });
  };
  auto const hand_over = [&] {
    for (Batch& batch : machine.take()) {
      auto const moved = std::make_shared<Batch>(std::move(batch));
      send([request, moved](Committer& to, TimePoint) {
        to.on_copied_batch(request, std::move(*moved));
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
    send([request](Committer& to, TimePoint now) {
      to.on_copy_failed(request, {ErrorCode::snapshot_lost, Retry::later, "the copy was cut", ""},
                        now);
    });
  } else {
    hand_over();
    send([request](Committer& to, TimePoint) { to.on_copy_read(request); });
  }
  round_ends_at_ = std::max(round_ends_at_, world_.timeline.now() + at + Milliseconds(1));
  return at;
}

} // namespace walrock::simulation
