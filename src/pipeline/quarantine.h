// Which keys of one table are in quarantine, and what the open epoch changes there. Belongs to the
// TableBatches that it diverts rows of; lives on the thread of its machine; passive.
//
//   - a row that is known to be refused is diverted: it becomes a row of the quarantine table;
//   - while its key has rows there, a partial row of the key is diverted as well: loaded into the
//     target it would make a row that never was;
//   - a full row or a delete of the key goes to the target as ever, and releases the key.
//
// The rows of one key are numbered in their order: a full row takes the place of all before it, a
// partial one joins them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/memory_budget.h"
#include "encode/quarantine_rows.h"
#include "encode/row_encoder.h"
#include "model/batch.h"

namespace walrock {

class Quarantine {
public:
  // limit: rows of the table that may be there; one more throws Error quarantine_full.
  Quarantine(MemoryBudget* budget, TableName source, TargetName target, std::size_t limit);

  // What is there at the position from which the table is followed, and rows that StarRocks will
  // refuse; those of before stay known.
  void begin_at(QuarantinedKeys keys, std::vector<RefusedRow> const& refused);

  // Whether any row has to be looked at.
  [[nodiscard]] bool is_watching() const { return !refused_.empty() || !keys_.empty(); }
  [[nodiscard]] RefusedRow const* refusal_of(LoadSpec const& spec, std::string_view row) const;
  [[nodiscard]] bool holds(std::string_view key) const {
    return !keys_.empty() && keys_.contains(key_hash(target_, key));
  }

  // A change that does not go to the target. key: as RowEncoder::append_key() writes it.
  void divert(std::string_view key, bool is_whole, QuarantinedRow row);
  // The key has no rows here any more.
  void release(std::string_view key);
  // A change that needs no row: a delete of a key that the target cannot have.
  void note_change() { ++change_count_; }

  // A TRUNCATE: everything goes. Returns how many changes of the open epoch were dropped.
  std::uint64_t clear();
  // The open epoch was dropped.
  void forget();

  // Of the rows of the open epoch: see TableBatches::largest_body().
  Body* largest_body(std::size_t least);

  struct Taken {
    std::uint64_t changes = 0;
    std::optional<Batch> batch;
    QuarantinedKeys keys; // that are not as before: rows now
  };
  // What the open epoch changes.
  Taken take();

private:
  void note_before(KeyHash const& key);
  void set_count(KeyHash const& key, std::uint32_t count);
  void take_out(KeyHash const& key, std::uint32_t from, std::uint32_t count);
  void note_row() { body_.charge.resize(body_.bytes.capacity()), ++row_count_; }
  void close_body();
  void drop_rows();

  MemoryBudget* budget_;
  TableName source_;
  TargetName target_;
  std::size_t limit_;
  std::unordered_map<std::uint64_t, RefusedRow> refused_; // by hash
  QuarantinedKeys keys_;
  std::uint64_t total_ = 0; // rows of keys_

  // Of the open epoch.
  QuarantinedKeys before_;   // of keys that it has changed
  std::vector<Body> bodies_; // that are closed
  Body body_;
  std::uint64_t row_count_ = 0;
  std::uint64_t change_count_ = 0;
};

// Takes rows out of a batch whose bodies are in memory, by their hashes; returns them in order.
[[nodiscard]] std::vector<std::string> take_rows_out(Batch& batch,
                                                     std::vector<RefusedRow> const& refused);
// The keys of a batch of the quarantine table, each with one row.
[[nodiscard]] QuarantinedKeys keys_of(Batch const& batch);

} // namespace walrock
