// What the threads of the engine share: the budget, the spool, one queue of events to the commit
// thread, one of commands to the replication thread, and a few numbers. Made before the threads,
// destroyed after them.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/channel.h"
#include "base/memory_budget.h"
#include "base/mutex.h"
#include "model/changed_values.h"
#include "model/load_target.h"
#include "pipeline/committer.h"
#include "pipeline/stream_machine.h"
#include "runtime/spool_folder.h"
#include "runtime/status.h"
#include "runtime/wake.h"
#include "runtime/watched_partitions.h"
#include "runtime/watched_publication.h"
#include "runtime/watched_tables.h"

namespace walrock {

// To the commit thread: one for each on_... of the Committer.
struct StreamStarted {
  Lsn from;
};
struct Followed {
  RelationId table;
  std::uint64_t generation = 0;
};
struct SnapshotTaken {
  std::vector<CopyRequest> requests;
  Lsn consistent_lsn;
};
struct CopiedBatch {
  CopyRequest request;
  Batch batch;
};
struct CopyRead {
  CopyRequest request;
};
struct ColumnsWanted {
  RelationId table;
  std::vector<TargetColumn> columns;
};
struct CopyFailed {
  CopyRequest request;
  ErrorReport report;
};
struct PartitionsSeen {
  RelationId table;
  PartitionTree tree;
};
struct PublishedSeen {
  RelationId table;
  Published published;
};
struct Loaded {
  CallId call = 0;
  LoadOutcome outcome;
};
struct Committed {
  CallId call = 0;
  CommitOutcome outcome;
};
struct RolledBack {
  CallId call = 0;
  CallOutcome outcome;
};
struct LabelStated {
  CallId call = 0;
  LabelState state = LabelState::unreachable;
};
struct GroupLoaded {
  CallId call = 0;
  GroupOutcome outcome;
};
struct GroupSettled {
  CallId call = 0;
  GroupVerdict verdict;
};
// The durable spool is synced up to here.
struct Logged {
  Lsn lsn;
};
struct Called {
  CallId call = 0;
  CallOutcome outcome;
};
struct QuarantineRead {
  CallId call = 0;
  QuarantineOutcome outcome;
};
using CommitEvent = std::variant<StreamStarted, Epoch, Followed, SetAside, ShapeSeen, SnapshotTaken,
                                 CopiedBatch, CopyRead, ColumnsWanted, CopyFailed, PartitionsSeen,
                                 PublishedSeen, Loaded, Committed, RolledBack, LabelStated,
                                 GroupLoaded, GroupSettled, Called, QuarantineRead, Logged>;

// To the replication thread: the catalog has another description of the table as of this position.
struct LookAgain {
  RelationId table;
  Lsn lsn;
};
using StreamCommand = std::variant<FollowFrom, Unfollow, LookAgain>;

class StreamCommands {
public:
  void push(StreamCommand command) {
    {
      MutexLock const lock(mutex_);
      commands_.push_back(std::move(command));
    }
    wake_.wake();
  }
  std::deque<StreamCommand> take() {
    MutexLock const lock(mutex_);
    return std::exchange(commands_, {});
  }
  Wake& wake() { return wake_; }

private:
  Mutex mutex_;
  std::deque<StreamCommand> commands_ WALROCK_GUARDED_BY(mutex_);
  Wake wake_;
};

// Written by the replication thread, read by the commit thread for the status.
struct StreamFigures {
  std::atomic<std::uint64_t> received_lsn{0};
  std::atomic<std::uint64_t> server_lsn{0};
  std::atomic<std::uint64_t> decoded_lsn{0}; // of the machine
  std::atomic<std::uint64_t> change_count{0};
  std::atomic<std::uint64_t> restart_count{0};
  // Of a durable spool, written by its thread.
  std::atomic<std::uint64_t> logged_lsn{0};
  std::atomic<std::uint64_t> log_used{0};
};

// What one thread saw last, for the status.
template <typename T> class Latest {
public:
  void set(T value) {
    MutexLock const lock(mutex_);
    value_ = std::move(value);
  }
  [[nodiscard]] T read() const {
    MutexLock const lock(mutex_);
    return value_;
  }

private:
  mutable Mutex mutex_;
  T value_ WALROCK_GUARDED_BY(mutex_);
};

using Trouble = Latest<std::string>; // what a thread waits for, in words

struct Shared {
  Shared(std::size_t budget_bytes, std::string const& spool_path, std::uint64_t spool_limit)
      : budget(budget_bytes), spool(spool_path, spool_limit), events(SIZE_MAX) {}

  MemoryBudget budget;
  SpoolFolder spool;
  Channel<CommitEvent> events; // bounded by the budget that its batches are charged to
  StreamCommands stream_commands;
  StreamFigures figures;
  ChangedValues changed_values;
  WatchedPartitions partitions;
  WatchedPublication publication;
  WatchedTables<std::string> columns; // their marks, see postgres/column_marks.h
  Trouble source_trouble;
  Trouble checkpoint_trouble;
  Trouble spool_trouble;
  Trouble log_trouble;             // of the durable spool
  Latest<SlotStatus> slot_outlook; // of the guardian
  std::atomic<std::uint64_t> flushed_lsn{0};
  std::atomic<std::uint64_t> acknowledged_lsn{
      0}; // what PostgreSQL is told, never below flushed_lsn
  std::atomic<std::uint64_t> epochs_in_flight{0};
  std::atomic<std::int64_t> load_ms{0};
};

} // namespace walrock
