// READ, DECODE and ENCODE of a table's copy: rows of COPY in, batches of one label each out.
// Lives on a copy thread, one per split; passive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/memory_budget.h"
#include "encode/row_encoder.h"
#include "model/split.h"
#include "pgoutput/copy_text.h"
#include "pipeline/table_batches.h"

namespace walrock {

class CopyMachine {
public:
  struct Limits {
    std::size_t label_bytes = 16 << 20; // a batch is handed over beyond this
    TableBatches::Limits batch_limits;
  };

  // encoder: of relation_of() the table; must outlive it.
  CopyMachine(RowEncoder const& encoder, Split const& split, Lsn consistent_lsn,
              MemoryBudget* budget, Limits limits);

  // When the copy of the table began, in microseconds since 2000: the commit time of its rows.
  void note_begin(std::int64_t began_at) { origin_.commit_time = began_at; }

  // With bad-rows: quarantine: rows that cannot be encoded go there, at most `limit`. target: the
  // table itself, also when the copy goes into a twin.
  void keep_unsayable(TargetName const& target, std::size_t limit);

  // One line of COPY's text format without its newline; escapes are undone in place.
  void on_line(std::span<char> line);
  // True when take() should be called before the next line.
  [[nodiscard]] bool is_full() const { return batches_.byte_count() >= limits_.label_bytes; }
  // What is there, at most a few batches. Empty when nothing is.
  std::vector<Batch> take();

private:
  Limits limits_;
  MemoryBudget* budget_;
  TableName source_;
  CopyRowDecoder decoder_;
  std::optional<Quarantine> quarantine_;
  TableBatches batches_;
  RowOrigin origin_;
};

} // namespace walrock
