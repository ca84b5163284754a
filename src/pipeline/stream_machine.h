// READ, DECODE, TRANSFORM, ENCODE of the stream: payloads of pgoutput in, epochs out.
//
// A machine: lives on the replication thread, never waits, calls no I/O. The driver feeds it the
// payloads and keepalives in order and performs the actions in order, at once, before the next
// call.
//
// The only position is (commit_lsn of the transaction, index in it): a table takes a transaction
// when its commit_lsn is at or above the table's follow position, which moves to end_lsn when an
// epoch is handed over. Message LSNs are never looked at (invariant 8).
//
// Transactions that are still in progress (protocol 2 and later) are spooled as they come and
// replayed when they commit; what a subtransaction rolled back is left out then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/memory_budget.h"
#include "base/time.h"
#include "model/source_table.h"
#include "model/table_options.h"
#include "pgoutput/decoder.h"
#include "pipeline/committer.h"
#include "pipeline/epoch.h"
#include "pipeline/table_batches.h"
#include "schema/made_anew.h"

namespace walrock {

struct StreamSettings {
  Milliseconds freshness{1000};       // from commit on the source to visible in the target
  std::size_t epoch_bytes = 32 << 20; // an epoch is handed over beyond this
  TableBatches::Limits batch_limits;
  ChangedValues* changed_values = nullptr; // where they are counted; must outlive the machine
};

// The follow position of a table that waits for its snapshot.
inline constexpr Lsn kNothingWanted{UINT64_MAX};

// What the machine must know of a table before it can follow it.
struct FollowedTable {
  SourceTable source;
  TargetTable target; // as it is in StarRocks
  Lsn from;           // transactions with a commit_lsn below it are not wanted
  std::uint64_t generation = 0;
  bool ignores_incompatible = false; // ignore-incompatible-fields
  bool follows_columns = true;       // schema-sync.enable: new columns are added to the target
  TableOptions options;              // column-types of columns that are added
  bool may_be_made_anew = false;     // when the target cannot follow a change
  // With bad-rows: quarantine, as many rows of the table may be there.
  std::optional<std::size_t> quarantine_limit;
};

// To the committer.
struct HandOver {
  Epoch epoch;
};
// Ask the catalog about the relation and call on_described with the answer, before anything else.
// behind: the transaction that it came with, which the catalog must have seen.
struct Describe {
  RelationId table;
  std::optional<std::uint32_t> behind = {};
};
// Keep a payload of a transaction in progress.
struct SpoolPayload {
  std::uint32_t xid = 0;
  std::uint32_t sub_xid = 0;
  std::span<std::byte const> payload;
};
// Feed the payloads of xid to on_replayed, but those of aborted_xids, then call on_replay_end.
// Nothing else is read from the connection meanwhile.
struct Replay {
  std::uint32_t xid = 0;
  std::set<std::uint32_t> aborted_xids;
};
struct ForgetTransaction {
  std::uint32_t xid = 0;
};
// report.retry is not never: the table is copied again, with a design into one that is made anew.
struct SetAside {
  RelationId table;
  ErrorReport report;
  std::shared_ptr<NewDesign const> design = nullptr;
};
// The target follows this description of its source.
struct ShapeSeen {
  RelationId table;
  SourceShape shape;
};

// Of a partitioned table: what its partitions are judged with.
struct RootTruncated {
  RelationId table;
  std::uint32_t xid = 0;
};
struct PartitionWritten {
  RelationId table;
  Oid partition = 0;
  std::uint32_t xid = 0;
};

using StreamAction =
    std::variant<HandOver, Describe, SpoolPayload, Replay, ForgetTransaction, SetAside, ShapeSeen,
                 RootTruncated, PartitionWritten, SpoolBody, Say>;
using StreamActions = std::vector<StreamAction>;

class StreamMachine {
public:
  StreamMachine(StreamSettings settings, MemoryBudget* budget);
  ~StreamMachine();

  // A new START_REPLICATION from here: the open epoch and transactions in progress are forgotten,
  // they come again.
  void start(Lsn from);

  void follow(FollowedTable table);
  void unfollow(RelationId table);
  // The table is wanted from another position, under a new generation. True when transactions that
  // it now wants have gone by: the driver must start the stream again. keys, refused,
  // hand_over_at: as in FollowFrom.
  [[nodiscard]] bool follow_from(RelationId table, Lsn from, std::uint64_t generation,
                                 QuarantinedKeys keys = {},
                                 std::vector<RefusedRow> const& refused = {},
                                 Lsn hand_over_at = {});

  void on_payload(std::span<std::byte const> payload, TimePoint now, StreamActions& actions);
  void on_keepalive(Lsn wal_end, TimePoint now, StreamActions& actions);
  void on_described(RelationId table, std::optional<SourceTable> const& source,
                    StreamActions& actions);
  // The catalog has another description of the table as of this position: once all before it is
  // read, the machine asks.
  void look_again(RelationId table, Lsn lsn);
  void on_replayed(std::span<std::byte const> payload, StreamActions& actions);
  void on_replay_end(TimePoint now, StreamActions& actions);
  void on_pace(Pace const& pace) { pace_ = pace; }
  // Hands the epoch over when it is due.
  void on_timer(TimePoint now, StreamActions& actions);
  // Memory is short: hands the epoch over, or moves the largest body out of memory. False when
  // there is nothing to give.
  bool relieve(TimePoint now, StreamActions& actions);

  [[nodiscard]] TimePoint next_deadline() const;
  [[nodiscard]] std::uint64_t change_count() const { return change_count_; }
  // Every transaction that ended at or below it was read.
  [[nodiscard]] Lsn decoded_lsn() const { return decoded_lsn_; }

private:
  struct Table;
  struct Transaction {
    Lsn commit_lsn;
    PgTimestamp commit_time = 0;
    std::uint32_t xid = 0;
  };
  struct Streamed {
    std::set<std::uint32_t> aborted_xids;
  };
  struct HeldChange {
    std::vector<std::byte> bytes;
    bool is_streamed; // without a default: clang 14 could not make one inside the class
  };

  void take(Message const& message, TimePoint now, StreamActions& actions);
  void begin(Lsn commit_lsn, PgTimestamp commit_time, std::uint32_t xid);
  void commit(Commit const& commit, TimePoint now, StreamActions& actions);
  void on_relation(Relation const& relation, StreamActions& actions);
  [[noreturn]] void copy_again(Table& table, SourceTable const& now, std::string const& why);
  [[noreturn]] void make_anew(Table& table, SourceTable const& now, std::string const& why);
  void follow_change(Table& table, SourceTable const& now, StreamActions& actions);
  [[nodiscard]] static std::string change_of(Table const& table, SourceTable const& now);
  void judge_look(Table& table, SourceTable const& now, StreamActions& actions);
  [[nodiscard]] bool is_held(Table const& table, StreamActions& actions);
  void hold(std::span<std::byte const> payload, bool is_streamed);
  void ask_what_was_seen(StreamActions& actions);
  void plan(Table& table);
  void on_insert(Table& table, Insert const& change);
  void on_update(Table& table, Update const& change);
  void on_delete(Table& table, Delete const& change);
  void on_truncate(Truncate const& change, StreamActions& actions);
  void on_stream_abort(StreamAbort const& abort, StreamActions& actions);
  void spool(std::span<std::byte const> payload, StreamActions& actions);
  void insert_equal(Table& table, Row row, ChangeKind kind);
  void remove_equal(Table& table, Row old_row, OldRowKind old_kind);
  void replace_equal(Table& table, Update const& change, Row new_row);
  void replace_key(Table& table, Row old_row, OldRowKind old_kind, Row new_row);
  void delete_row(Table& table, Row old_row, OldRowKind old_kind);
  void truncate(Table& table);
  void mark_all_deleted(Table& table);
  static TableEpoch take_rows(Table& table);
  // Of a history.
  void append_version(Table& table, Row row, ChangeKind kind);
  void append_update(Table& table, Update const& change, Row new_row);
  [[nodiscard]] Row filled(Update const& change);
  // The table boundary: what fails here sets the table aside, the others go on.
  template <typename Work> void guarded(Table& table, StreamActions& actions, Work work);

  // Throws ProtocolViolation: what contradicts itself is never taken, let alone acknowledged.
  void require_described(RelationId id);
  void require_outside() const;
  static void require_layout(Table const& table, Row row);
  void describe(RelationId table, StreamActions& actions) const;

  Table* find(RelationId id);
  // The table, when it wants rows of the present transaction.
  Table* wanted(RelationId id);
  // The same for a row, of which a description of its partition may have told.
  Table* wanted_row(RelationId id, StreamActions& actions);
  void touch(Table& table);
  RowOrigin next_origin(Table& table, ChangeKind kind);
  static void take_quarantine(Table& table, TableEpoch& out);
  void hand_over(TimePoint now, StreamActions& actions);
  [[nodiscard]] Milliseconds linger() const;
  [[nodiscard]] TimePoint due_at() const;

  StreamSettings settings_;
  MemoryBudget* budget_;
  MemoryBudget equal_rows_share_; // a quarter of it
  Decoder decoder_;
  std::unordered_map<RelationId, std::unique_ptr<Table>> tables_;
  Table* last_table_ = nullptr; // of find(); most changes are of the table of the one before
  std::unordered_set<RelationId> described_; // by this stream since its start
  RelationId last_described_;                // of require_described(), likewise
  // Described just now and not followed: where the row that comes next is, if it is a partition.
  std::optional<Relation> partition_;
  std::vector<Table*> touched_;     // have something in the open epoch
  std::map<RelationId, Lsn> looks_; // of look_again()
  std::vector<Value> filled_;       // scratch of on_update

  std::optional<Transaction> transaction_;
  std::uint64_t transaction_count_ = 0;       // that began
  std::optional<std::uint32_t> stream_block_; // the xid of the block we are in
  std::unordered_map<std::uint32_t, Streamed> streamed_;
  std::optional<Commit> replaying_;
  std::optional<HeldChange> held_; // until its tables are described

  std::uint64_t epoch_number_ = 0;
  std::uint64_t epoch_bytes_ = 0;
  TimePoint epoch_opened_at_{};
  TimePoint handed_over_at_{};
  Lsn handed_over_lsn_; // end of the last epoch
  Lsn end_lsn_;         // of the last transaction
  Lsn idle_lsn_;        // nothing of ours is below it
  Lsn decoded_lsn_;
  std::set<Lsn> ends_; // at which an epoch must end
  Pace pace_;
  std::uint64_t change_count_ = 0;
};

} // namespace walrock
