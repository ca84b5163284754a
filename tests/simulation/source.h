// A PostgreSQL of one process: tables with rows, a write-ahead log of committed transactions and
// one logical slot. Chance decides what is written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/lsn.h"
#include "model/source_table.h"
#include "simulation/dice.h"
#include "simulation/partitions.h"
#include "simulation/rows.h"
#include "simulation/trace.h"

namespace walrock::simulation {

inline constexpr Oid kFirstOid = 16384; // of the first table

// The first three columns of every table are id, v, big; more are added by ALTER TABLE.
inline constexpr std::size_t kBig = 2; // large values that do not change are not sent again
[[nodiscard]] std::string column_name(std::size_t index);

struct SourceChange {
  std::size_t table = 0;
  char kind = 'I'; // I, U, D, T; P: a partition came, went or was emptied, which is not sent
  Cells old_row;
  Cells new_row;
  bool is_big_unchanged = false;
  std::size_t column_count = 0; // when it was written
  bool is_rolled_back = false;  // by a subtransaction of a transaction that is streamed
  Oid partition = 0;            // that has the row; 0: the table is not partitioned
  PartitionEvent event;         // of P
};

struct SourceTransaction {
  std::uint32_t xid = 0;
  Lsn commit_lsn;
  Lsn end_lsn;
  bool is_streamed = false; // sent while it was in progress
  bool is_early = false;    // its first block comes before the transaction in front of it
  bool is_aborted = false;  // streamed, and rolled back as a whole
  std::vector<SourceChange> changes;
};

// without_key: identity full, and few values, so that many rows are equal.
enum class TableKind { keyed, keyed_full, append_only, without_key };
[[nodiscard]] constexpr bool has_key(TableKind kind) {
  return kind == TableKind::keyed || kind == TableKind::keyed_full;
}
[[nodiscard]] constexpr bool is_full(TableKind kind) {
  return kind == TableKind::keyed_full || kind == TableKind::without_key;
}

struct SourceWishes {
  std::vector<TableKind> tables;
  std::set<std::size_t> partitioned; // of these, with a key
  double partition_changes = 0;      // of all changes of such a table
  bool adds_columns = false;
  bool truncates = false;
  bool changes_keys_without_big = false;
  std::set<std::size_t> sends_big; // of these tables every UPDATE carries the large value
  int largest_transaction = 6;     // changes
  double streamed = 0.1;
};

class Source {
public:
  Source(SourceWishes wishes, Dice& dice, Trace& trace);

  void write_transaction();
  // A column more, in its own transaction; rows that are there hold NULL.
  void add_column(std::size_t table);
  [[nodiscard]] Lsn wal_end() const { return wal_end_; }
  [[nodiscard]] std::size_t table_count() const { return tables_.size(); }
  [[nodiscard]] TableKind kind(std::size_t table) const { return tables_[table].kind; }
  [[nodiscard]] SourceTable describe(std::size_t table) const;
  // Rows as of a position, sorted: everything of the transactions that ended at or below it.
  [[nodiscard]] std::vector<Cells> rows_at(std::size_t table, Lsn position) const;
  [[nodiscard]] std::size_t columns_at(std::size_t table, Lsn position) const;

  [[nodiscard]] bool is_partitioned(std::size_t table) const {
    return tables_[table].partitions.has_value();
  }
  // What a look at the catalog would see now.
  [[nodiscard]] PartitionTree look(std::size_t table) const;
  [[nodiscard]] bool is_file_empty(std::size_t table, Oid partition) const {
    return tables_[table].partitions->is_file_empty(partition);
  }
  // Rows of the table that came or went without being sent: the last time up to a position.
  [[nodiscard]] Lsn changed_silently(std::size_t table, Lsn up_to) const;
  // Something became of its partitions: the last time up to a position.
  [[nodiscard]] Lsn partitions_changed(std::size_t table, Lsn up_to) const;

  // Where a snapshot of its own sees them; a slot of its own writes a record about it.
  [[nodiscard]] Lsn take_snapshot();

  // The slot.
  [[nodiscard]] bool has_slot() const { return has_slot_; }
  void create_slot();
  void drop_slot() { has_slot_ = false; }
  [[nodiscard]] Lsn confirmed() const { return confirmed_; }
  void acknowledge(Lsn position);
  // A crash and a restart: the slot's position is written now and then only.
  void crash() { confirmed_ = persisted_; }

  [[nodiscard]] std::vector<SourceTransaction> const& transactions() const { return log_; }
  [[nodiscard]] bool sends_empty_transactions() const { return sends_empty_; }

private:
  struct Table {
    TableKind kind = TableKind::keyed;
    std::size_t column_count = 3;
    Rows rows;
    std::optional<Partitions> partitions;
    int next_id = 1;
    std::vector<std::pair<Lsn, std::size_t>> columns_since;
  };

  std::uint32_t take_xid();
  void write_change(SourceTransaction& transaction);
  void write_truncate(SourceTransaction& transaction, SourceChange first);
  bool write_insert(Table& table, SourceChange& change);
  void write_keyed(Table& table, SourceChange& change);
  void write_partition_change(Table& table, SourceChange& change, std::uint32_t xid);
  void update_row(Table& table, SourceChange& change, Rows::iterator row);
  Cells new_row(Table const& table, int id);
  Cell new_text(TableKind kind);
  Cell new_big(TableKind kind);

  SourceWishes wishes_;
  Dice& dice_;
  Trace& trace_;
  std::vector<Table> tables_;
  std::vector<SourceTransaction> log_;
  Lsn wal_end_{1000};
  std::uint32_t next_xid_ = 700;
  std::set<std::uint32_t> xids_in_progress_; // of transactions that commit later
  Oid next_oid_ = 20000;                     // of partitions and their files
  std::uint64_t next_text_ = 0;
  bool sends_empty_ = false;
  bool has_slot_ = false;
  Lsn confirmed_;
  Lsn persisted_;
};
} // namespace walrock::simulation
