// The table of checkpoints in StarRocks: made, read and cleared by SQL. Format:
// docs/formats/checkpoint-in-starrocks.md. Throws as SqlConnection::query does. Lives on the thread
// of its connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "starrocks/checkpoint_rows.h"
#include "starrocks/sql_connection.h"

namespace walrock {

class CheckpointTable {
public:
  CheckpointTable(SqlConnection& sql, std::string database, std::string const& job_id);

  [[nodiscard]] TargetName const& name() const { return name_; }
  [[nodiscard]] std::string const& job() const { return job_; } // the key

  [[nodiscard]] bool is_there();
  // Makes database and table where they are missing.
  void create();

  struct Owner {
    std::uint64_t incarnation = 0;
    OwnerRecord record;

    // The same start of the same walrock.
    [[nodiscard]] bool is(Owner const& other) const {
      return incarnation == other.incarnation && record.token == other.record.token;
    }
  };
  // Of this job, the oldest incarnation first; of those that claimed the same one by their tokens,
  // and last who has gone on under it.
  [[nodiscard]] std::vector<Owner> owners();
  // Every record of an owner, from one statement. Throws checkpoint_failed (retry never) when its
  // row is missing.
  [[nodiscard]] Checkpoint read(Owner const& owner);

  void remove_before(std::uint64_t incarnation);
  void remove_all();

private:
  SqlConnection& sql_; // must outlive this
  TargetName name_;
  std::string job_;
};

// The newest incarnation whose records are complete; nothing when there is none.
[[nodiscard]] std::optional<CheckpointTable::Owner>
newest_whole(std::vector<CheckpointTable::Owner> const& owners);

// What a person may know of a checkpoint without taking part in it.
struct CheckpointInStarRocks {
  Checkpoint checkpoint;
  OwnerRecord owner; // of its incarnation
};
// Changes nothing. Nothing when this job has no checkpoint there.
[[nodiscard]] std::optional<CheckpointInStarRocks>
read_starrocks_checkpoint(TargetAddress const& address, std::string const& database,
                          std::string const& job_id);

} // namespace walrock
