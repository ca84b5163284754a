// walrock itself: its machines, driven as runtime/ drives them, but by one thread under the virtual
// clock. It dies where chance says so; what it had sent may still arrive.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/memory_budget.h"
#include "pipeline/committer.h"
#include "pipeline/copy_machine.h"
#include "pipeline/stream_machine.h"
#include "runtime/stream_log.h"
#include "runtime/stream_log_intake.h"
#include "runtime/stream_log_reader.h"
#include "schema/partition_change.h"
#include "simulation/source.h"
#include "simulation/spool_disk.h"
#include "simulation/store.h"
#include "simulation/target.h"
#include "simulation/walsender.h"

namespace walrock::simulation {

// The program dies here.
struct Crash {};
// It does not start: its durable spool is switched off, and what is there is needed.
struct Refused {};

struct ProcessFaults {
  double crash = 0;        // before an action is performed
  double stream_lost = 0;  // per look at the stream
  double copy_failed = 0;  // per copy of a table
  double store_failed = 0; // per write
  double disk_failed = 0;  // per call, of the durable spool
  Milliseconds slowest_call{80};
};

struct ProcessSettings {
  CommitterSettings committer;
  StreamSettings stream;
  std::size_t memory = 64 << 10;
  bool uses_streaming = true;
  ExistingRows existing_rows = ExistingRows::truncate;
  std::vector<TableOptions> options; // by table: deletes, history
  std::size_t copy_label_bytes = 200;
  std::optional<std::size_t> quarantine_limit; // bad-rows: quarantine
  std::optional<SpoolSizes> durable_spool;
  bool reads_back = false;      // unchanged-values: read-back
  Milliseconds look_every{100}; // at the partitions
};

// The world outside; it outlives every process.
struct World {
  Timeline& timeline;
  Dice& dice;
  Trace& trace;
  Source& source;
  Target& target;
  Store& store;
  ProcessFaults& faults;
  std::vector<TargetName> targets; // by table
  // A table that was copied is followed from an earlier position. is_refusal: of the unit it is
  // read again for, nothing was committed.
  std::function<void(std::size_t, bool is_refusal)> on_read_again;
  // Rows of an epoch are a unit of their own, in front of a TRUNCATE; its end is where the epoch
  // began.
  std::function<void(std::size_t, Lsn end)> on_unit_before_truncate;
  SpoolDisk* spool = nullptr; // of the durable spool
  int spools_lost = 0;
  int copies_again = 0; // because of partitions
};

class Process : public std::enable_shared_from_this<Process> {
public:
  Process(World& world, ProcessSettings settings) : world_(world), settings_(std::move(settings)) {}

  // Throws Crash, Refused.
  void start();
  [[nodiscard]] bool is_alive() const { return is_alive_; }
  void kill();
  // Everything is copied or set aside, committed and acknowledged up to this position.
  [[nodiscard]] bool is_quiet(Lsn up_to) const;
  [[nodiscard]] std::string state() const;

private:
  using Event = std::function<void(Committer&, TimePoint)>;
  struct CopyRound;

  void create_slot();
  Checkpoint take_position(FoundLog& found);
  TableEntry set_up(std::size_t table, Checkpoint const& checkpoint);
  void copy_into_twin(TableEntry& entry, TargetTable shape, Checkpoint const& checkpoint);
  static void spool(Body& body);
  // Calls back in a moment, if the program is still alive then.
  void later(Milliseconds delay, std::function<void()> what);
  void guarded(std::function<void()> const& what);
  void maybe_crash(char const* where);
  Milliseconds some_delay(Milliseconds most);
  void push(Event event) { events_.push_back(std::move(event)); }

  // With a durable spool: process_log.cpp.
  [[nodiscard]] FoundLog continue_log(Checkpoint& checkpoint);
  [[nodiscard]] bool find_position(Checkpoint& checkpoint, FoundLog& found);
  void choose_log(JobRecord& job, FoundLog& found) const;
  void open_log(JobRecord const& job, FoundLog found);
  void log_step();
  [[nodiscard]] Lsn begin_reading(Lsn flushed);
  void begin_machine(Lsn from);
  [[nodiscard]] bool goes_back_in_log();
  void keep_log();
  void feed_from_log();

  // As StreamThread: process_stream.cpp.
  void stream_step();
  void follow();
  void connect();
  void disconnect(Milliseconds delay);
  bool take_commands();
  void confirm_followed();
  void read_some();
  void perform_stream(StreamActions& actions);
  void replay(Replay const& committed);
  void relieve_memory();

  // As CommitThread: process_commit.cpp.
  void commit_step();
  void perform_commits();
  bool perform(CommitterAction& action);
  void start_load(StartLoad const& load);
  void send_commit(SendCommit const& commit);
  void start_group(StartGroup const& group);
  void settle_groups();
  // Asks the target over a network that takes its time, and hands the answer to the committer.
  template <typename Answer>
  void call(std::function<Answer()> ask, std::function<void(Committer&, Answer, TimePoint)> tell);

  // As CopyPool: process_copy.cpp.
  using CopiesWanted = std::map<std::size_t, CopyRequest>; // the newest of each table
  void copy(CopiesWanted const& wanted);
  void copy_round(CopiesWanted const& wanted, Lsn position,
                  std::map<std::size_t, PartitionTree> const& trees);
  // How long it reads.
  Milliseconds copy_table(CopyRequest const& request, SourceTable const& source, Lsn position);

  // As PartitionWatcher, and what startup, stream and copy note: process_partitions.cpp.
  void watch_partitions(std::size_t table, TableRecord& record);
  void watch_step();
  void measure();
  void judge();
  void note_row(PartitionWritten const& row);
  void note_copy(std::size_t table, PartitionTree tree, Lsn snapshot);
  [[nodiscard]] std::map<std::size_t, PartitionTree> look_at_all() const;
  void keep_partitions(RelationId table, PartitionTree const& tree);

  [[nodiscard]] bool may_have_long_units() const {
    return settings_.committer.label_budget < 50 ||
           settings_.stream.batch_limits.indexed_keys < 100;
  }
  std::size_t number_of(RelationId id) const { return id.oid - kFirstOid; }

  World& world_;
  ProcessSettings settings_;
  bool is_alive_ = true;
  MemoryBudget budget_{0};
  std::unique_ptr<MemoryBudget> memory_;
  std::unique_ptr<StreamMachine> machine_;
  std::unique_ptr<Committer> committer_;
  std::vector<TargetTable> copy_targets_;
  std::vector<SourceTable> copy_sources_;
  Lsn start_lsn_;
  Lsn first_snapshot_; // of the slot that was just made
  std::map<std::size_t, PartitionTree> first_trees_;

  std::deque<Event> events_;
  std::deque<std::variant<FollowFrom, Unfollow>> commands_;
  std::deque<std::pair<RelationId, std::uint64_t>> followed_;
  Lsn shared_flushed_;
  Lsn shared_acknowledged_;
  Pace shared_pace_;

  std::unique_ptr<StreamLog> log_; // nullptr: walrock.durable-spool is off
  std::optional<StreamLogIntake> intake_;
  std::optional<StreamLogReader> reader_;
  std::unique_ptr<Walsender> walsender_;
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::string>>> spooled_;
  CommitterActions actions_; // not performed yet
  std::size_t next_action_ = 0;
  TimePoint write_again_at_{};
  CopiesWanted copies_wanted_;
  std::set<RelationId> followed_once_;
  TimePoint round_ends_at_{};

  std::map<RelationId, PartitionedTable> partitioned_;
  std::map<RelationId, PartitionTree> looks_; // not judged yet
  bool is_measured_ = false;
  Lsn judged_lsn_; // what the last look saw
};

} // namespace walrock::simulation
