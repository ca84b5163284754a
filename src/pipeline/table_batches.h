// ENCODE, for one table of the open epoch: rows go into the batch of their label, and the order of
// the rows of one key is kept. Lives on the thread of its machine; passive.
//
// Nearly every row is full and sayable in CSV: it is appended to one batch, and nothing else is
// done. Only when a row comes that must go into another label (cells that are unchanged_toast: a
// partial update; a text that CSV cannot say: JSON; another layout), one pass over the batch builds
// an index of its keys, and from then on:
//   - a partial row whose key has a full row in the part is folded: it becomes a full row;
//   - a row whose key already sits in another label of the part closes the part.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/memory_budget.h"
#include "encode/row_encoder.h"
#include "pipeline/epoch.h"
#include "pipeline/quarantine.h"

namespace walrock {

class TableBatches {
public:
  struct Limits {
    std::size_t body_bytes = 4 << 20;    // a body is closed beyond this
    std::size_t indexed_keys = 200'000;  // a part is closed beyond this
    std::size_t closed_keys = 1'000'000; // remembered of the parts that are closed
  };

  TableBatches(MemoryBudget* budget, Limits limits) : budget_(budget), limits_(limits) {}

  // Cells that did not change are read back from the target, where that can be done, instead of
  // being left to partial updates: all rows of a table go into one label.
  void read_back_unchanged() { reads_back_ = true; }

  // Where rows go that StarRocks refuses; must outlive this. Without it, and in a table without a
  // key, they fail their load.
  void divert_to(Quarantine* quarantine) { quarantine_ = quarantine; }

  // The layout that the next rows have; the encoder must outlive the rows appended with it.
  void use(RowEncoder const* encoder);

  // Rows in the order of the stream. A row may have unchanged_toast cells.
  void upsert(Row row, RowOrigin origin);
  // key_row: only the key's cells are read; all cells where walrock makes the key of the row's
  // hash. Then the origin is that of the row that goes.
  void remove(Row key_row, RowOrigin origin);
  // deletes: soft. The row as it was last, or (is_whole false) of it the key's cells only: the
  // others keep what they have in the target.
  void mark_deleted(Row row, bool is_whole, RowOrigin origin);
  // What becomes of the row of a key that is given up.
  enum class OldKey { removed, marked, kept };
  // A new key for a row of which some cells are unknown: the value exists only under the old key,
  // in the open part or in the target, from where it will be read back. False, and nothing
  // appended that counts, when it is neither: the old key has rows in a part of this epoch that is
  // closed, or in quarantine, or in a form that cannot be read here. Throws copy_needed for a row
  // that goes to quarantine, where it would lack these cells.
  [[nodiscard]] bool rekey(Row old_key_row, Row new_row, RowOrigin origin,
                           OldKey old = OldKey::removed);

  // Everything before it is gone (a TRUNCATE): returns how many rows were dropped.
  std::uint64_t clear();

  [[nodiscard]] bool is_empty() const { return row_count_ == 0; }
  [[nodiscard]] std::uint64_t row_count() const { return row_count_; }
  [[nodiscard]] std::uint64_t byte_count() const { return byte_count_; }
  [[nodiscard]] bool has_partial_rows() const { return has_partial_rows_; }
  // Something is read back from the target.
  [[nodiscard]] bool has_references() const { return has_references_; }

  // The largest body that is still in memory, for spooling it; nullptr when there is none of at
  // least `least` bytes. Valid until the next call. Closes the body to further rows.
  Body* largest_body(std::size_t least);

  // Hands everything over, in order; the object is empty afterwards.
  std::vector<Part> take();

private:
  // One label under construction.
  struct OpenBatch {
    Batch batch; // bodies that are closed
    ColumnSet absent;
    RowEncoder const* encoder = nullptr;
    Body body; // open
  };
  struct OpenPart {
    std::vector<std::unique_ptr<OpenBatch>> batches;
  };
  // Where the newest row of a key is.
  struct Place {
    OpenBatch* batch = nullptr;
    std::size_t body_index = 0; // == batch.bodies.size(): in the open body
    std::size_t offset = 0;
    std::size_t size = 0;
    bool is_delete = false;
  };

  [[nodiscard]] bool is_keyed() const;
  // Of an error about a row: the row goes to quarantine.
  [[nodiscard]] bool is_diverted(Error const& error) const;
  // Divert what the quarantine says; else append and release the key.
  void upsert_watched(Row row, RowOrigin origin);
  void remove_watched(Row key_row, RowOrigin origin);
  // False, and nothing appended, when the row is refused and there is a quarantine.
  [[nodiscard]] bool append_sayable(Row row, RowOrigin origin);
  [[nodiscard]] Row only_key(Row row);
  void append_upsert(Row row, RowOrigin origin);
  void append_delete(Row key_row, RowOrigin origin);
  [[nodiscard]] bool is_watched() const;
  // Of the row that was just encoded: true, and it is taken back, when StarRocks will refuse it.
  bool take_back_refused(OpenBatch& batch, std::size_t size_before);
  void divert_row(Row row, RefusedRow const& why, RowOrigin origin);
  void divert(EncodedRow shown, bool is_whole, RefusedRow const& why, RowOrigin origin);
  OpenPart& open_part();
  OpenBatch* find_batch(LoadFormat format, ColumnSet const& absent);
  OpenBatch& batch_for(LoadFormat format, ColumnSet const& absent);
  void append_indexed(Row row, Op op, RowOrigin origin);
  // False when CSV cannot say the row.
  bool try_append(LoadFormat format, ColumnSet const& absent, Row row, Op op, RowOrigin origin);
  void append_encoded(std::string const& key, std::string const& csv_row, bool is_delete,
                      std::vector<FieldReference> references);
  // The full row that `row` becomes, with what the last row of `key` says, and references to the
  // target's row of it for the rest. False when that cannot be told.
  [[nodiscard]] bool complete(Row row, Row key_row, std::string const& key, RowOrigin origin);
  [[nodiscard]] bool may_fold(std::string const& key, bool is_mark) const;
  [[nodiscard]] bool is_read_back(bool is_mark) const;
  [[nodiscard]] static Body const& body_of(Place const& place);
  [[nodiscard]] static std::optional<std::string_view> row_at(Place const& place); // not spooled
  // May rows of the key be in a closed part of this epoch?
  [[nodiscard]] bool may_be_in_closed_part(std::string const& key) const;
  void note_closed_keys();
  void note_row(OpenBatch& batch, std::size_t size_before);
  void note_place(OpenBatch& batch, std::size_t offset, bool is_delete);
  void close_body(OpenBatch& batch);
  void close_part();
  // Makes the index complete for the open part: closes the part where that cannot be done.
  void ensure_index();

  MemoryBudget* budget_;
  Limits limits_;
  Quarantine* quarantine_ = nullptr;
  RefusedRow const* refusal_ = nullptr; // of the last row, when it was taken back
  RowEncoder const* encoder_ = nullptr;
  ColumnSet none_absent_;
  OpenBatch* full_ = nullptr; // of the open part, in the current layout; the fast way
  std::vector<OpenPart> parts_;
  std::unordered_map<std::string, Place> places_;
  bool is_indexed_ = false;
  bool has_partial_rows_ = false;
  bool has_references_ = false;
  bool reads_back_ = false;
  // Of the closed parts of the epoch: hashes of their keys, unless not all of them are known.
  std::unordered_set<std::size_t> closed_keys_;
  bool are_closed_keys_known_ = true;
  std::string key_;             // scratch
  std::vector<Value> only_key_; // scratch
  // Of complete(): the row, its absent fields, its references by offsets within the row.
  std::string completed_;
  std::vector<AbsentField> absent_;
  std::vector<FieldReference> references_;
  std::uint64_t row_count_ = 0;
  std::uint64_t byte_count_ = 0;
};

} // namespace walrock
