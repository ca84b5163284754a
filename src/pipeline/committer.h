// LOAD and COMMIT, decided: what is loaded when, what is recorded, committed, rolled back or asked
// about, table by table; and flushed_lsn, the only position that is ever acknowledged.
//
// A machine: events in, actions out, nothing waits. Lives on the commit thread. A turn is any
// number of events followed by finish_turn(), which gathers everything that must be durable into
// one WriteCheckpoint and puts behind it what depends on it:
//
//   hand-over ─► [intended recorded] ─► load, prepare ─► [recorded] ─► commit ─► applied
//
// Parts of a table commit in order, units (table epochs) of a table commit in order, tables are
// independent. A unit with a barrier (ADD COLUMN, TRUNCATE) waits until the table has no open
// label.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "model/checkpoint.h"
#include "model/load_target.h"
#include "model/partition_tree.h"
#include "model/published.h"
#include "pipeline/committer_actions.h"
#include "pipeline/epoch.h"
#include "pipeline/table_group.h"
#include "pipeline/table_line.h"
#include "schema/made_anew.h"

namespace walrock {

struct CommitterSettings {
  std::string label_prefix;
  std::string job_id;
  std::uint64_t incarnation = 0;
  bool is_at_least_once = false;
  std::size_t label_budget = 100;             // open and prepared labels of the job
  std::size_t units_in_flight = 3;            // of one table
  std::size_t copy_labels_in_flight = 4;      // of one table
  std::size_t commits_in_doubt = 100;         // sent to a database while one there is in doubt
  std::uint64_t waiting_limit = 4ULL << 30;   // bytes of changes that wait for copies
  std::uint64_t waiting_memory = 32ULL << 20; // of these in memory
  int failure_limit = 20;                     // loads failing in a row until a table is set aside
  bool is_across_tables = false;              // the tables of an epoch are committed together
  int group_attempts = 3;            // of such a transaction, until its tables go by themselves
  Milliseconds group_patience{5000}; // for a table that is to come along
};

// How a table enters the committer.
struct TableEntry {
  TableRecord record;
  bool is_append_only = false;
  bool has_origin = false; // append-only, and its rows say which transaction they came from
  bool is_emptied_before_copy = true;
  bool is_known_empty = false;
  // Where the copy goes when it is swapped in at its end; empty: into the table itself.
  std::optional<TargetName> twin;
  std::vector<TargetColumn> twin_columns;       // that it has and the table lacks
  std::vector<TargetColumn> owed_columns;       // to be added before the first rows
  std::shared_ptr<NewDesign const> design = {}; // of the twin, where the table is made anew
  // Rows of the target that go into the twin of a copy; and into that of the copy that comes next.
  std::optional<KeptRows> kept = {};
  std::optional<KeptRows> kept_now = {};
  // With bad-rows: quarantine, as many rows of the table may be there.
  std::optional<std::size_t> quarantine_limit;
};

// What a person may see of a table.
struct TableProgress {
  RelationId id;
  TableName name;
  TargetName target;
  TableState state = TableState::init;
  std::uint64_t copied_rows = 0;  // committed in the target
  std::uint64_t applied_rows = 0; // changes committed since walrock started
  Lsn applied_lsn;
  std::string reason;  // of an errored table
  std::string trouble; // what it waits for just now
  std::uint64_t quarantined_rows = 0;
  std::optional<TimePoint> copy_waits_until; // of one that is to be copied again
};

// What the stream must know to close epochs well.
struct Pace {
  std::size_t epochs_in_flight = 0;
  Milliseconds load_time{0}; // from hand-over to committed, smoothed
};

class Committer {
public:
  explicit Committer(CommitterSettings settings) : settings_(std::move(settings)) {}

  // Before the first turn: tables, then what the checkpoint says is alive in StarRocks.
  void add_table(TableEntry entry, TimePoint now);
  void restore(std::vector<LabelRecord> const& labels, Lsn flushed, Lsn logged = {});

  // From where the stream must hand a table over: what is recorded is not loaded again.
  [[nodiscard]] Lsn follow_position(RelationId table) const;
  // The table is copied and not set aside, and nothing else must be known before it is followed.
  [[nodiscard]] bool is_following(RelationId table) const {
    TableLine const& line = *lines_.at(table);
    return line.is_open() && !line.must_read_quarantine;
  }

  // From the stream.
  void on_stream_started(Lsn from);
  void on_epoch(Epoch epoch, TimePoint now);
  void on_followed(RelationId table, std::uint64_t generation);
  // design: it is copied again, into a table that is made anew so.
  void on_set_aside(RelationId table, ErrorReport const& report, NewDesign const* design = nullptr);

  // What is known of the partitions of a table; kept, lazily: an older one only means to look
  // again.
  void on_partitions(RelationId table, PartitionTree const& tree);
  // How the publication sends it; kept in the same way.
  void on_published(RelationId table, Published const& published);
  // How its source is described, which the target follows; kept in the same way.
  void on_shape(RelationId table, SourceShape const& shape);

  // A durable spool has everything up to here, synced.
  void on_logged(Lsn lsn);

  // From the copy.
  void on_snapshot(std::vector<CopyRequest> const& requests, Lsn consistent_lsn);
  void on_copied_batch(CopyRequest const& request, Batch batch);
  void on_copy_read(CopyRequest const& request);
  void on_copy_failed(CopyRequest const& request, ErrorReport const& report, TimePoint now);
  // The snapshot has columns that the target lacks: they are added, then a copy is asked for again.
  void on_columns_wanted(RelationId table, std::vector<TargetColumn> columns);

  // Answers.
  void on_loaded(CallId call, LoadOutcome const& outcome, TimePoint now);
  void on_committed(CallId call, CommitOutcome const& outcome, TimePoint now);
  void on_rolled_back(CallId call, CallOutcome const& outcome, TimePoint now);
  void on_label_state(CallId call, LabelState state, TimePoint now);
  void on_group_loaded(CallId call, GroupOutcome const& outcome, TimePoint now);
  void on_group_settled(CallId call, GroupVerdict const& verdict, TimePoint now);
  void on_quarantine_read(CallId call, QuarantineOutcome const& outcome, TimePoint now);
  // Of SendTruncate and the other statements.
  void on_called(CallId call, CallOutcome const& outcome, TimePoint now);

  void finish_turn(TimePoint now, CommitterActions& actions);
  // When finish_turn must be called again although nothing happens.
  [[nodiscard]] TimePoint next_deadline(TimePoint now) const;

  [[nodiscard]] Lsn flushed_lsn() const { return flushed_lsn_; }
  // As far as a checkpoint was asked to be written: what may be acknowledged after the turn's
  // actions.
  [[nodiscard]] Lsn durable_flushed_lsn() const { return written_flushed_lsn_; }
  // Invariant 6: the only position that PostgreSQL is ever told, after the turn's actions.
  [[nodiscard]] Lsn acknowledged_lsn() const {
    return std::max(written_flushed_lsn_, written_logged_lsn_);
  }
  // Microseconds since 2000 of the oldest commit that is not applied yet; 0: there is none.
  [[nodiscard]] std::int64_t oldest_commit_time() const;
  [[nodiscard]] Pace pace() const;
  [[nodiscard]] std::vector<TableProgress> progress() const;
  // Nothing is open, prepared or in doubt, and nothing waits to be loaded.
  [[nodiscard]] bool is_drained() const;
  // No new label is begun; what is under way is finished.
  void begin_drain() { is_draining_ = true; }

private:
  struct Call {
    TableLine* line = nullptr;
    LabelSlot* slot = nullptr;
  };

  // units.cpp
  void advance(TableLine& line, TimePoint now);
  void advance_units(TableLine& line, TimePoint now);
  void start_barrier(TableLine& line, Unit& unit, TimePoint now);
  void load_unit(TableLine& line, Unit& unit, TimePoint now);
  void commit_unit(TableLine& line, Unit& unit, TimePoint now);
  void finish_unit(TableLine& line);
  void record_unit(TableLine& line, Unit& unit);
  void start_load(TableLine& line, LabelSlot& slot, LabelRecord intended);
  void load_long_unit(TableLine& line, Unit& unit, TimePoint now);
  [[nodiscard]] bool is_long(TableLine const& line, Unit const& unit) const;
  [[nodiscard]] bool has_budget(TableLine const& line, Unit const& unit);
  [[nodiscard]] bool may_begin(TableLine const& line) const;
  [[nodiscard]] static bool may_record(TableLine const& line, Unit const& unit);
  void commit_slot(TableLine& line, LabelSlot& slot, TimePoint now);
  void retry_load(TableLine& line, LabelSlot& slot, LoadOutcome const& outcome, TimePoint now);
  void on_aborted(TableLine& line, LabelSlot& slot, std::string const& why, TimePoint now);
  [[nodiscard]] bool cannot_come_again(TableLine& line, LabelSlot const& slot);

  // group_commit.cpp: the units of an epoch in one transaction
  [[nodiscard]] bool may_go_together(Unit const& unit) const;
  void advance_group(TimePoint now);
  void gather_group(TimePoint now);
  [[nodiscard]] std::optional<std::uint64_t> oldest_epoch_together() const;
  [[nodiscard]] bool may_join(TableLine const& line, Unit const& unit, TimePoint now) const;
  [[nodiscard]] bool may_come(TableLine const& line, Unit const& unit) const;
  void begin_group(std::uint64_t epoch, std::vector<GroupMember> members);
  void finish_group();
  void take_group_apart(TimePoint now);
  std::vector<GroupMember> end_group();
  [[nodiscard]] bool has_room_for_group(std::string const& database);
  [[nodiscard]] std::string const& trouble_of(TableLine const& line) const;

  // table_sync.cpp: init -> copying -> copied -> catching_up -> ready, or errored
  void advance_copy(TableLine& line, TimePoint now);
  void advance_leftovers(TableLine& line, TimePoint now);
  void empty_target(TableLine& line, TimePoint now);
  void send_owed_columns(TableLine& line, TargetName const& to);
  void end_copy(TableLine& line);
  void finish_copy(TableLine& line);
  TableLine* asking(CopyRequest const& request);
  void add_copied(TableLine& line, Batch batch);
  void fail_copy(TableLine& line, ErrorReport const& report, TimePoint now);
  void begin_copy_again(TableLine& line);
  void copy_anew(TableLine& line, std::string const& why);
  void make_anew(TableLine& line, NewDesign const& design, std::string const& why);
  void begin_pause(TableLine& line, TimePoint now);
  void forget_changes(TableLine& line);
  void set_aside(TableLine& line, ErrorCode code, std::string const& message,
                 std::string const& advice);
  void read_again(TableLine& line, std::string const& why, std::vector<RefusedRow> refused = {},
                  Lsn hand_over_at = {});
  void let_go(TableLine& line);
  void reread(TableLine& line);
  void cut_target(TableLine& line, TimePoint now);
  void end_cut(TableLine& line);
  void note_committed_beyond(TableLine& line, Label const& label);
  void advance_orphans(TimePoint now);
  void end_settled_doubts();
  [[nodiscard]] bool is_held_back(std::string const& database);
  void discard_units(TableLine& line, std::size_t kept = 0);
  void discard_slot(TableLine& line, std::unique_ptr<LabelSlot> slot);
  void change_state(TableLine& line, TableState state);

  // quarantine_sync.cpp: rows that StarRocks refuses
  void on_rows_refused(TableLine& line, LabelSlot& slot, LoadOutcome const& outcome);
  void divert_refused(TableLine& line, Unit& unit);
  void divert_copied(TableLine& line, LabelSlot& slot, std::vector<RefusedRow> const& refused,
                     std::int64_t refused_at);
  void read_quarantine(TableLine& line, TimePoint now);
  void note_quarantined(TableLine& line, QuarantinedKeys const& changed);
  void add_copied_keys(TableLine& line, Batch const& batch);

  TableLine* find(RelationId table);
  CallId call_for(TableLine* line, LabelSlot* slot); // line: of an orphan none
  Call take_call(CallId call);
  [[nodiscard]] Unit* unit_of(TableLine& line, LabelSlot const& slot);
  [[nodiscard]] bool is_copy_label(TableLine const& line, LabelSlot const& slot) const;
  LabelRecord record_of(TableLine const& line, Unit const& unit, LabelSlot const& slot,
                        LabelRecord::State state) const;
  void forget(Label const& label) { update_.finished_labels.push_back(label); }
  void say(log::Level level, std::string text) { said_.push_back({level, std::move(text)}); }
  void compute_flushed();
  void note_load_times(TimePoint now);
  [[nodiscard]] bool is_waiting(TableLine const& line) const;
  void wait_behind(TableLine& line);
  static void spool_unit(Unit& unit);
  void spool_bodies(Unit& unit);
  [[nodiscard]] bool is_committed(Unit const& unit) const;
  [[nodiscard]] bool is_abandoned(TableLine const& line, LabelSlot const& slot) const;
  void drop_abandoned(TableLine& line, LabelSlot const& slot);
  [[nodiscard]] bool has_work(TableLine const& line) const;
  [[nodiscard]] TimePoint deadline_of(TableLine const& line, TimePoint now) const;
  void take_place(LabelSlot& slot);
  void give_place_back(LabelSlot& slot);

  CommitterSettings settings_;
  std::map<RelationId, std::unique_ptr<TableLine>> lines_;
  TableGroup group_;
  // Labels of tables that are not in the job any more.
  std::vector<Leftover> orphans_;
  Backoff orphan_backoff_{Milliseconds(100), Milliseconds(5000)};
  // By database with a label in doubt: the commits sent since.
  std::map<std::string, std::size_t> doubts_;
  std::unordered_map<CallId, Call> calls_;
  CallId last_call_ = 0;
  std::size_t open_labels_ = 0;
  bool is_starved_ = false; // a line waits for the label budget
  bool is_draining_ = false;

  Lsn received_lsn_; // end of the last epoch handed over in this run of the stream
  Lsn flushed_lsn_;
  Lsn written_flushed_lsn_;
  Lsn logged_lsn_; // of the durable spool; unset: there is none
  Lsn written_logged_lsn_;
  Milliseconds load_time_{0};
  std::unordered_map<std::uint64_t, TimePoint> handed_over_at_; // by epoch

  // Of the turn.
  CheckpointUpdate update_;
  bool is_urgent_ = false; // an action of the turn depends on update_
  TimePoint write_due_ = TimePoint::max();
  CommitterActions before_write_;
  CommitterActions after_write_;
  std::vector<Say> said_;
};

} // namespace walrock
