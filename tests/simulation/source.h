// A PostgreSQL of one process: tables with rows, a write-ahead log of committed transactions, one
// logical slot, and what pgoutput sends of it. Chance decides what is written.
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
#include "simulation/trace.h"

namespace walrock::simulation {

using Cell = std::optional<std::string>; // nothing: NULL
using Cells = std::vector<Cell>;

// The first three columns of every table are id, v, big; more are added by ALTER TABLE.
inline constexpr std::size_t kBig = 2; // large values that do not change are not sent again

struct SourceChange {
  std::size_t table = 0;
  char kind = 'I'; // I, U, D, T
  Cells old_row;
  Cells new_row;
  bool is_big_unchanged = false;
  std::size_t column_count = 0; // when it was written
  bool is_rolled_back = false;  // by a subtransaction of a transaction that is streamed
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

enum class TableKind { keyed, keyed_full, append_only };

struct SourceWishes {
  std::vector<TableKind> tables;
  bool adds_columns = false;
  bool truncates = false;
  bool changes_keys_without_big = false;
  int largest_transaction = 6; // changes
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
    std::map<int, Cells> rows; // by id; of an append-only table by the number of the row
    int next_id = 1;
    std::vector<std::pair<Lsn, std::size_t>> columns_since;
  };

  void write_change(SourceTransaction& transaction, std::size_t number);
  void write_keyed(Table& table, SourceChange& change);
  void update_row(Table& table, SourceChange& change, std::map<int, Cells>::iterator row);
  Cell new_text();
  Cell new_big();

  SourceWishes wishes_;
  Dice& dice_;
  Trace& trace_;
  std::vector<Table> tables_;
  std::vector<SourceTransaction> log_;
  Lsn wal_end_{1000};
  std::uint32_t next_xid_ = 700;
  std::uint64_t next_text_ = 0;
  bool sends_empty_ = false;
  bool has_slot_ = false;
  Lsn confirmed_;
  Lsn persisted_;
};

// One START_REPLICATION: the payloads in their order.
class Walsender {
public:
  Walsender(Source const& source, Lsn from, bool uses_streaming);
  // The next payload, or nothing when everything was sent. Valid until the next call.
  [[nodiscard]] std::optional<std::string> next();
  [[nodiscard]] Lsn sent_up_to() const { return source_.wal_end(); }

private:
  void send_transaction(std::size_t number);
  void send_block(SourceTransaction const& transaction, std::size_t first, std::size_t end);
  void send_change(SourceTransaction const& transaction, SourceChange const& change, bool in_block);
  void describe(SourceChange const& change, std::uint32_t xid_in_block);

  Source const& source_;
  bool uses_streaming_;
  std::size_t next_ = 0;                            // transaction
  std::map<std::size_t, std::size_t> described_;    // table: number of columns last sent
  std::map<std::uint32_t, std::size_t> sent_early_; // changes, by xid
  std::map<std::uint32_t, std::set<std::size_t>> described_in_block_;
  std::vector<std::string> payloads_;
  std::size_t at_ = 0;
};

} // namespace walrock::simulation
