// What must not be forgotten, and the interface of the place that keeps it.
//
// The store is written by one thread, in transactions: when write() returns, everything in the
// update is durable (synced). When it throws, nothing that depends on the update may happen. With
// Retry::later the same update is written again, until it succeeds: whether the failed attempt left
// the whole of it or nothing is not known, and makes no difference, because it replaces by key.
// With Retry::never this walrock has to end: the store is damaged, or another walrock has taken
// over the job (instance_running), and from then on nothing of this one is ever read again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/label.h"
#include "model/lsn.h"
#include "model/names.h"
#include "model/table_state.h"

namespace walrock {

// Which job and which server the checkpoint belongs to.
struct JobRecord {
  std::string job_id;
  std::string system_identifier; // of the PostgreSQL cluster, IDENTIFY_SYSTEM
  std::string source_database;
  std::string slot_name;
  std::string publication_name;
  Lsn consistent_lsn; // where the slot began
  // Of the server when its WAL was last read, IDENTIFY_SYSTEM; 0: not known. A promotion begins a
  // new one at a position of the old one; two promotions may give the same number.
  std::uint32_t timeline = 0;
  Lsn timeline_start;   // where it began; unset for a timeline without a history
  std::string log_id{}; // of the durable spool that stands in the slot's place; empty: none
  bool operator==(JobRecord const&) const = default;
};

struct TableRecord {
  RelationId id;
  TableName source;
  TargetName target;
  TableState state = TableState::init;
  // Every transaction whose commit_lsn is below it is in the target. Of a copied table first the
  // consistent point of its snapshot, then end_lsn of the last applied transaction.
  Lsn applied_lsn;
  std::uint64_t copied_rows = 0;
  Oid filenode = 0; // pg_class.relfilenode when it was last described
  // "attnum:name" of the columns when it was last described, a line each: tells a rename that
  // happened while walrock was down from a drop and an add. Then the partitions, as
  // partition_tree.h says.
  std::string layout;
  std::string reason; // why it is errored: code, message and advice in words
  bool operator==(TableRecord const&) const = default;
};

// A label that may be alive in StarRocks.
struct LabelRecord {
  enum class State {
    intended, // about to be begun: a restart rolls it back
    recorded, // prepared, and its rows will not be loaded again: a restart commits it
  };
  Label label;
  RelationId table;
  std::uint64_t epoch = 0; // order of commits of one table: epoch, then part
  std::uint32_t part = 0;
  State state = State::intended;
  Lsn end_lsn; // applied_lsn of the table once all its labels of this epoch are committed
  std::uint64_t row_count = 0;
  // Its rows, or others of its epoch, were completed with what the target held: they cannot be
  // loaded a second time where some of them may be committed. Also when that is not known.
  bool reads_back = false;
  bool operator==(LabelRecord const&) const = default;
};

// Everything one write makes durable together.
struct CheckpointUpdate {
  std::optional<JobRecord> job;
  std::vector<TableRecord> tables; // inserted or replaced, by id
  std::vector<RelationId> dropped_tables;
  std::vector<LabelRecord> labels;    // inserted or replaced, by label
  std::vector<Label> finished_labels; // forgotten
  std::optional<Lsn> flushed_lsn;
  std::optional<Lsn> logged_lsn;

  [[nodiscard]] bool is_empty() const {
    return !job && tables.empty() && dropped_tables.empty() && labels.empty() &&
           finished_labels.empty() && !flushed_lsn && !logged_lsn;
  }
};

struct Checkpoint {
  std::optional<JobRecord> job;
  std::vector<TableRecord> tables;
  std::vector<LabelRecord> labels; // ordered by table, epoch, part
  Lsn flushed_lsn;
  // Of the durable spool: what it has is acknowledged up to here. It means nothing at or below
  // flushed_lsn.
  Lsn logged_lsn;
  std::uint64_t incarnation = 0; // of the last start

  // For people.
  int format = 0;                 // version of the format it was read from
  std::uint64_t write_number = 0; // of the last write; 0: not known
  std::int64_t written_at_ms = 0; // Unix time of the last write; 0: not known
};

// What makes an empty store say the same.
[[nodiscard]] inline CheckpointUpdate everything_of(Checkpoint const& checkpoint) {
  CheckpointUpdate update;
  update.job = checkpoint.job;
  update.tables = checkpoint.tables;
  update.labels = checkpoint.labels;
  update.flushed_lsn = checkpoint.flushed_lsn;
  update.logged_lsn = checkpoint.logged_lsn;
  return update;
}

class CheckpointStore {
public:
  virtual ~CheckpointStore() = default;
  [[nodiscard]] virtual Checkpoint read() = 0;
  // Only in the incarnation that was begun last, on this store or any other of the job.
  virtual void write(CheckpointUpdate const& update) = 0;
  // A new number, durable before it is returned: greater than every one before. It ends the
  // incarnation before: a walrock that still writes in it is refused from now on.
  [[nodiscard]] virtual std::uint64_t begin_incarnation() = 0;
};

} // namespace walrock
