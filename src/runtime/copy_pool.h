// The copy threads. A coordinator takes the tables that need a copy in rounds: one snapshot, the
// tables of the round, N readers that take ctid ranges from one queue. The first round reads under
// the snapshot of the slot itself; every later one under that of a temporary slot of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/channel.h"
#include "model/source_table.h"
#include "model/target_table.h"
#include "pipeline/copy_machine.h"
#include "postgres/address.h"
#include "postgres/snapshot_reader.h"
#include "runtime/shared.h"

namespace walrock {

struct CopySettings {
  SourceAddress source;
  std::string publication_name;
  std::string slot_prefix; // of temporary slots; a number is appended
  int workers = 2;
  std::uint64_t bytes_per_second = 0; // over all workers; 0: no limit
  Milliseconds lock_wait{10'000};
  CopyMachine::Limits limits;
};

struct CopiedTable {
  SourceTable source;
  TargetTable target;
  TableOptions options;
  bool ignores_incompatible = false;
  bool follows_columns = true; // schema-sync.enable: columns that the target lacks are added
  // With bad-rows: quarantine, as many rows may be there, of the table that a twin becomes.
  std::optional<std::size_t> quarantine_limit = {};
  TargetName final_target = {};
  bool may_be_made_anew = false;                // when the target cannot take what the snapshot has
  SourceShape shape = {};                       // of the source that the target fits
  std::shared_ptr<NewDesign const> design = {}; // that it was made by last
};

class CopyPool {
public:
  // first_snapshot: of the slot, when it was made just now; tables: all that may be asked for.
  CopyPool(CopySettings settings, std::map<RelationId, CopiedTable> tables,
           std::unique_ptr<SnapshotKeeper> first_snapshot, Shared& shared);

  // Any thread. The table's target is empty and its stream lets everything go by. What is under way
  // for an earlier request of the table is let go of.
  void request(NeedCopy const& needed);

  // The coordinator's thread, until a stop is asked for.
  void run(std::stop_token stop);

private:
  struct Round;
  struct TableCopy;
  struct Task;

  std::unique_ptr<SnapshotKeeper> take_snapshot(std::stop_token stop);
  void copy_round(std::vector<CopyRequest> const& requests, std::stop_token stop);
  bool describe_again(Connection& connection, CopyRequest const& request,
                      CreatedSlot const& snapshot);
  // False when they cannot be followed from there on, which the committer is told.
  [[nodiscard]] bool note_partitions(Connection& connection, CopyRequest const& request,
                                     CreatedSlot const& snapshot);
  void note_published(SourceTable const& source, Lsn snapshot_lsn);
  void work(Round& round, std::stop_token stop);
  void copy_split(Round& round, Task& task, std::unique_ptr<SnapshotReader>& reader,
                  std::stop_token stop);
  void read_split(Round& round, Task& task, SnapshotReader& reader, std::stop_token stop);
  void hand_over(TableCopy& table, std::vector<Batch> batches, std::stop_token stop);
  void fail(TableCopy& table, ErrorReport report);
  void keep_to_rate(std::size_t bytes, std::stop_token stop);
  bool is_outdated(CopyRequest const& request);
  void take_designs(std::vector<CopyRequest> const& requests);
  [[nodiscard]] bool is_made_anew(CopiedTable const& table, SourceTable const& now);

  CopySettings settings_;
  std::map<RelationId, CopiedTable> tables_;
  std::unique_ptr<SnapshotKeeper> first_snapshot_;
  Shared& shared_;
  Channel<CopyRequest> requests_{SIZE_MAX};
  int snapshot_count_ = 0;

  Mutex newest_mutex_;
  std::map<RelationId, NeedCopy> newest_ WALROCK_GUARDED_BY(newest_mutex_);

  Mutex rate_mutex_;
  TimePoint rate_due_ WALROCK_GUARDED_BY(rate_mutex_){};
};

} // namespace walrock
