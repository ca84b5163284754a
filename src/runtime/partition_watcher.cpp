#include "runtime/partition_watcher.h"

#include <algorithm>

#include "base/log.h"
#include "base/pause.h"
#include "postgres/partitions.h"

namespace walrock {

namespace {

constexpr Milliseconds kStreamLag(2'500); // keepalives come every second, and two must agree
constexpr Milliseconds kStep(50);

bool is_same(PartitionTree const& a, PartitionTree const& b) {
  return std::equal(a.partitions.begin(), a.partitions.end(), b.partitions.begin(),
                    b.partitions.end(), [](Partition const& x, Partition const& y) {
                      return x.oid == y.oid && x.filenode == y.filenode &&
                             x.attached_xid == y.attached_xid;
                    });
}

} // namespace

void PartitionWatcher::look(Connection& connection, std::stop_token const& stop) {
  auto const roots = shared_.partitions.ids();
  if (roots.empty())
    return;
  try {
    if (looks_.empty())
      take_look(connection, roots, stop);
  } catch (ConnectionLost const&) {
    throw;
  } catch (Stopped const&) {
    throw;
  } catch (Error const& error) {
    log::warning("partitions cannot be looked at: what is attached, detached or truncated stays "
                 "unseen: {}",
                 error.what());
    throw;
  }
  if (wait_for_stream(stop))
    judge();
}

void PartitionWatcher::take_look(Connection& connection, std::vector<RelationId> const& roots,
                                 std::stop_token const& stop) {
  auto looks = read_partitions(connection, roots, stop);
  for (auto& [root, tree] : looks) {
    std::vector<Oid> unmeasured;
    shared_.partitions.with(root,
                            [&unmeasured, &seen = tree](PartitionedTable const& table) { // clang 14
                              unmeasured = table.must_be_measured(seen);
                            });
    for (Partition& partition : tree.partitions)
      if (std::find(unmeasured.begin(), unmeasured.end(), partition.oid) != unmeasured.end())
        partition.is_empty = is_file_empty(connection, partition.oid, stop);
  }
  looks_ = std::move(looks);
}

// True once the stream has brought everything that the looks saw.
bool PartitionWatcher::wait_for_stream(std::stop_token const& stop) const {
  Lsn wanted;
  for (auto const& [root, tree] : looks_)
    wanted = std::max(wanted, tree.lsn);
  for (Milliseconds waited(0); waited < kStreamLag; waited += kStep) {
    if (Lsn{shared_.figures.decoded_lsn.load()} >= wanted)
      return true;
    if (!pause_for(kStep, stop))
      return false;
  }
  return false;
}

void PartitionWatcher::judge() {
  for (auto const& [root, tree] : looks_)
    judge_one(root, tree);
  looks_.clear();
}

// The committer hears first what it must do, then what is known from then on.
void PartitionWatcher::judge_one(RelationId root, PartitionTree const& now) {
  shared_.partitions.with(root, [&](PartitionedTable& table) {
    log::debug("partitions looked at root={} lsn={}", root.oid, to_string(now.lsn));
    auto const before = table.known();
    PartitionChange const change = table.judge(now);
    if (change.kind != PartitionChange::Kind::none)
      shared_.events.push_now(SetAside{root, report_of(change)});
    bool const is_new = !before || !is_same(*before, *table.known());
    if (is_new)
      shared_.events.push_now(PartitionsSeen{root, *table.known()});
  });
}

} // namespace walrock
