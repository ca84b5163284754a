// A StarRocks of one process: tables with rows, a table of labels, load transactions. Its rules are
// those of tests/support/transaction_rules.json (rules_test.cpp asks each of them); its faults are
// ordered by chance.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/kept_rows.h"
#include "model/load_target.h"
#include "simulation/dice.h"
#include "simulation/timeline.h"
#include "simulation/trace.h"

namespace walrock::simulation {

// Probabilities per call, unless said otherwise.
struct TargetFaults {
  double request_lost = 0;   // nothing arrives, nobody answers
  double request_late = 0;   // a commit arrives when its sender has long given up
  double answer_lost = 0;    // done, nobody answers
  double load_half_done = 0; // begun, never prepared, nobody answers
  double load_failed = 0;    // the transaction is aborted
  double load_busy = 0;
  double statement_lost = 0;      // truncate, add columns, swap
  double publish_late = 0;        // committed, visible later
  double prepared_aborted = 0;    // of a commit: the server had thrown the transaction away
  std::uint64_t refused_text = 0; // one text of so many is refused, in whatever row; 0: none
  Milliseconds prepared_timeout{86'400'000};
  Milliseconds prepare_timeout{600'000};
  std::size_t finished_labels = 1000; // remembered
  std::size_t running_limit = 1000;   // transactions that are not finished
};

// What a request carries: the bytes are its own, the program that sent it may be dead.
struct SentLoad {
  Label label;
  LoadSpec spec;
  std::vector<std::string> bodies;
  std::uint64_t row_count = 0;
};

[[nodiscard]] std::vector<std::string> columns_of(LoadSpec const& spec);

using TargetRow = std::map<std::string, std::string>; // column: text, \N is NULL

inline constexpr char kNull[] = "\\N";
inline constexpr char kDeletedColumn[] = "_walrock_deleted";
inline constexpr char kDeletedAtColumn[] = "_walrock_deleted_at";
inline constexpr char kCommitTimeColumn[] = "_walrock_commit_time";
inline constexpr char kOperationColumn[] = "_walrock_operation";
[[nodiscard]] bool is_marked_deleted(TargetRow const& row);

class Target {
public:
  Target(TargetFaults faults, Timeline& timeline, Dice& dice, Trace& trace)
      : faults_(faults), timeline_(timeline), dice_(dice), trace_(trace) {}

  void create(TargetTable const& table);
  void drop(TargetName const& name);
  [[nodiscard]] bool has(TargetName const& name) const { return tables_.contains(name); }
  [[nodiscard]] TargetTable describe(TargetName const& name) const {
    return tables_.at(name).shape;
  }
  void insert_foreign_row(TargetName const& name, TargetRow row);
  [[nodiscard]] std::vector<TargetRow> rows(TargetName const& name) const;

  // What is read back for a body; false when a row is not there.
  bool fill(LoadSpec const& spec, std::string& body,
            std::vector<FieldReference> const& references) const;
  bool place(LoadSpec const& spec, std::string& body) const; // its ranked rows

  // The calls, as they arrive.
  // Begin, load and prepare wait for each other's answers: of a sender that is dead by now only the
  // first arrives.
  LoadOutcome load(SentLoad const& sent, bool is_sender_alive);
  CommitOutcome commit(Label const& label);
  CallOutcome rollback(Label const& label);
  LabelState label_state(Label const& label);
  // Of several tables, the progress last. Nothing: it waits for its commit.
  std::optional<GroupOutcome> load_group(Label const& label, std::vector<SentLoad> const& loads,
                                         bool is_sender_alive);
  GroupOutcome commit_group(Label const& label);
  GroupVerdict settle_group(Label const& label);
  // At a start, which waits until it knows.
  GroupVerdict settle_group_silently(Label const& label);
  [[nodiscard]] std::vector<TableProgressRow> progress_of(Label const& label) const;
  CallOutcome truncate(TargetName const& name);
  CallOutcome cut(TargetName const& name, Lsn from);
  CallOutcome mark_deleted(TargetName const& name, std::vector<ColumnValue> const& values);
  // Made, then filled: of a sender that is dead by now only the first arrives.
  CallOutcome make_twin(TargetName const& name, TargetName const& twin,
                        std::optional<KeptRows> kept, bool is_sender_alive);
  CallOutcome swap_in(TargetName const& name, TargetName const& twin);
  CallOutcome add_columns(TargetName const& name, std::vector<TargetColumn> const& columns);
  QuarantineOutcome read_quarantine(TargetName const& name);
  CallOutcome empty_quarantine(TargetName const& name);

  // Nobody reaches it.
  void set_away(bool is_away) { is_away_ = is_away; }
  void restart_backends();       // open transactions are lost, prepared ones are not
  void restart_leader();         // it had not written down what is open
  void take_backends_for_dead(); // what is open is aborted
  void be_well() {
    faults_ = well(faults_);
    is_away_ = false;
  }
  // Every publication is late from now on.
  void delay_publication(bool is_late) { faults_.publish_late = is_late ? 1 : 0; }
  // Labels of a table that are begun, prepared or committed and not visible.
  [[nodiscard]] std::vector<Label> unfinished_labels() const;
  [[nodiscard]] bool refuses(std::string_view text) const;
  // Without a network in between.
  [[nodiscard]] LabelState label_state_silently(Label const& label) const;
  // What is called when the rows of a label become visible.
  std::function<void(Label const&)> on_visible;
  std::function<void(TargetName const&)> on_truncated; // or all its rows are marked deleted
  std::function<void(TargetName const&, TargetName const& twin)> on_swap; // before it happens
  // Of a label that ends without its rows, or that is forgotten. was_sent: its commit was.
  std::function<void(Label const&, bool was_sent)> on_gone;

private:
  enum class Stage { prepare, prepared, committed, visible, aborted };
  struct Piece { // the rows of one table
    SentLoad sent;
    std::uint64_t table_id = 0;
    std::uint64_t truncations = 0; // of the table when it was prepared, or committed with others
  };
  struct Transaction {
    Label label;
    std::vector<Piece> pieces;
    Stage stage = Stage::prepare;
    TimePoint ends_at{};
    bool is_lost = false; // the backends have forgotten its rows
  };
  struct Table {
    TargetTable shape;
    std::uint64_t id = 0; // a swap takes it along, a new table has a new one
    bool is_keyed = true;
    std::map<std::string, TargetRow> keyed;
    std::vector<TargetRow> appended;
    std::uint64_t truncations = 0;
    std::deque<Label> to_publish; // in the order of their commits
  };

  static TargetFaults well(TargetFaults faults);
  void end_overdue();
  Transaction* find(Label const& label);
  Table* find_table(std::uint64_t id);
  void abort(Transaction& transaction);
  void finish(Label const& label);
  CommitOutcome take_commit(Label const& label);
  void publish(Label const& last);
  void become_visible(Label const& label);
  GroupOutcome take_group_commit(Label const& label);
  std::optional<GroupOutcome> refuse_group(Transaction& transaction);
  CommitOutcome become_committed(Transaction& transaction);
  void apply(Piece const& piece, Table& table);
  void apply_row(Table& table, LoadSpec const& spec, std::vector<std::string> const& columns,
                 std::string_view row);
  [[nodiscard]] bool has_unfinished(std::uint64_t table_id) const;
  [[nodiscard]] std::string const* unknown_column(LoadSpec const& spec,
                                                  std::vector<std::string> const& columns) const;
  // The rows of a load that have a text which is refused; always the same ones.
  [[nodiscard]] std::vector<RefusedRow> refusals(SentLoad const& sent) const;
  CallOutcome statement(std::function<CallOutcome()> const& work);
  void keep_rows(Table const& from, Table& twin, KeptRows kept);

  TargetFaults faults_;
  Timeline& timeline_;
  Dice& dice_;
  Trace& trace_;
  bool is_away_ = false;
  std::uint64_t last_table_id_ = 0;
  std::map<TargetName, Table> tables_;
  std::map<Label, Transaction> labels_;
  std::deque<Label> finished_;
};

} // namespace walrock::simulation
