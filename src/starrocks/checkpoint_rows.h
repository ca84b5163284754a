// The records of a checkpoint as rows of the table in StarRocks, and back. Format:
// docs/formats/checkpoint-in-starrocks.md. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint.h"

namespace walrock {

inline constexpr int kStarRocksCheckpointFormat = 4;

// One row; the job and the incarnation complete its key.
struct CheckpointRow {
  std::string kind;    // job, table, label, owner
  std::string record;  // key within its kind; of an owner its token
  std::string content; // JSON; empty in a row that is deleted
  bool is_deleted = false;
};

// Who writes, and how far. Of two that claimed the same incarnation each has a row.
struct OwnerRecord {
  enum class State {
    claimed,  // begins: reads what the incarnation before left
    active,   // everything of the checkpoint stands under its incarnation
    released, // ended in order
  };
  std::string token; // 32 hexadecimal digits, its own in every start; empty before format 4
  int format = kStarRocksCheckpointFormat;
  State state = State::claimed;
  std::string host;
  std::int64_t pid = 0;
  std::int64_t started_at_ms = 0; // Unix time
  std::uint64_t beat = 0;         // another number at every write: it lives
  std::int64_t silence_ms = 0;    // after so long without a new beat it counts as dead
  std::uint64_t write_number = 0;
  std::int64_t written_at_ms = 0;
  Lsn flushed_lsn;
  Lsn logged_lsn;
};

// Random.
[[nodiscard]] std::string make_owner_token();

// The value of the key column `job`: the id itself, or what stands for one that is too long.
[[nodiscard]] std::string job_key(std::string_view job_id);

// In the order in which they count: of two rows with one key only the later one is there.
[[nodiscard]] std::vector<CheckpointRow> rows_of(CheckpointUpdate const& update);
[[nodiscard]] CheckpointRow row_of(OwnerRecord const& owner);
// The body of a load: a JSON array.
[[nodiscard]] std::string load_body(std::vector<CheckpointRow> const& rows, std::string const& job,
                                    std::uint64_t incarnation);

// Each throws checkpoint_failed (retry never) for what cannot be read; read_owner also
// checkpoint_mismatch for a newer format.
[[nodiscard]] OwnerRecord read_owner(std::string_view record, std::string_view content);
// A row of another kind than owner. Sort the labels when all are there.
void add_row(Checkpoint& checkpoint, std::string_view kind, std::string_view content);
void sort_records(Checkpoint& checkpoint);

} // namespace walrock
