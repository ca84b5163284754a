// Reads tables under an exported snapshot. SnapshotKeeper keeps the snapshot alive; each copy
// thread owns one SnapshotReader, which reads one split per transaction:
//
//   begin(snapshot, table) -> start_copy(table, split) -> next_line()... -> end()
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/source_table.h"
#include "model/split.h"
#include "postgres/connection.h"
#include "postgres/slot.h"

namespace walrock {

// Owns the replication connection on which the slot was created, and does nothing else with it: any
// further command on it would end the snapshot.
class SnapshotKeeper {
public:
  SnapshotKeeper(SourceAddress const& address, std::string_view slot_name, SlotLifetime lifetime,
                 std::stop_token const& stop = {});

  [[nodiscard]] CreatedSlot const& slot() const { return slot_; }
  // False once the connection, and with it the snapshot, is gone. Readers that have begun go on.
  [[nodiscard]] bool is_alive() noexcept { return connection_.is_alive(); }

private:
  Connection connection_;
  CreatedSlot slot_;
};

enum class BeginOutcome {
  ready,
  // The table was truncated, rewritten, or its partitions changed after the snapshot: the snapshot
  // would silently show no rows. It needs a snapshot of its own.
  changed,
  missing, // dropped or renamed since the table was described
  locked,  // somebody else's lock was not given up within lock_wait; try again later
};

class SnapshotReader {
public:
  // A connection of kind sql, of its own.
  explicit SnapshotReader(Connection connection) : connection_(std::move(connection)) {}
  ~SnapshotReader();
  SnapshotReader(SnapshotReader&& other) noexcept;
  SnapshotReader& operator=(SnapshotReader&&) = delete;

  // One round trip: REPEATABLE READ READ ONLY transaction, import of the snapshot, ACCESS SHARE
  // lock, comparison of pg_class.relfilenode under the snapshot with the one of now. After any
  // outcome but ready there is no transaction. Throws snapshot_lost when the snapshot is gone.
  [[nodiscard]] BeginOutcome begin(std::string_view snapshot_name, SourceTable const& table,
                                   Milliseconds lock_wait, std::stop_token const& stop = {});

  // COPY of the columns that are sent, in attnum order. Below PostgreSQL 14 (no TID range
  // scan) and for partitioned tables the split must be the whole table. Throws table_changed when a
  // column is gone.
  void start_copy(SourceTable const& table, Split const& split, std::stop_token const& stop = {});

  // The next row in COPY's text format without its newline, mutable so that escapes can be undone
  // in place; valid until the next call. Nothing after the last row.
  [[nodiscard]] std::optional<std::span<char>> next_line(std::stop_token const& stop = {});

  // Ends the transaction; after the last row.
  void end(std::stop_token const& stop = {});
  // Gives up in mid-copy: cancels it, and ends the transaction. The reader can begin again.
  void abandon(std::stop_token const& stop = {});

  // Between splits or after the last row: see catalog.h.
  [[nodiscard]] bool is_lock_awaited(RelationId id);

  [[nodiscard]] Connection& connection() { return connection_; }

private:
  void free_line() noexcept;
  void finish_copy(std::stop_token const& stop);

  Connection connection_;
  char* line_ = nullptr; // of PQgetCopyData
  bool copying_ = false;
};

// COPY ... TO STDOUT as start_copy sends it. Below 14 a range is refused (Error internal).
[[nodiscard]] std::string copy_sql(SourceTable const& table, Split const& split,
                                   int server_version);

// Splits of about pages_per_split pages: one for a small or partitioned table and below 14; the
// last one has no upper end.
[[nodiscard]] std::vector<Split> split_table(SourceTable const& table,
                                             std::uint32_t pages_per_split, int server_version);

} // namespace walrock
