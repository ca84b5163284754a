// The checkpoint of a job, wherever the job file keeps it, and what a restart from it does. Reading
// changes nothing; it works while walrock runs and while it does not. Blocking.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/job_spec.h"
#include "model/checkpoint.h"

namespace walrock {

// "/var/lib/walrock/shop/checkpoint.db", "walrock.checkpoint in StarRocks at fe1:8030"
[[nodiscard]] std::string checkpoint_place(JobSpec const& job);

// Nothing when there is no checkpoint.
[[nodiscard]] std::optional<Checkpoint> read_job_checkpoint(JobSpec const& job);

// For writing, under the InstanceLock. Begin an incarnation first: it throws instance_running when
// another walrock has the job.
[[nodiscard]] std::unique_ptr<CheckpointStore> open_job_store(JobSpec const& job);

// Removes the checkpoint, damaged or not. Throws instance_running when another walrock has it.
void remove_job_checkpoint(JobSpec const& job);

// What becomes of a record when walrock is started on the checkpoint.
struct RestartTable {
  TableRecord record;
  std::string action; // "follows from 0/16B3748"
};
struct RestartLabel {
  LabelRecord record;
  bool is_committed = false; // else it is rolled back
  std::string reason;        // "prepared and recorded"
};
struct RestartPlan {
  Lsn start_lsn; // where the slot is continued; unset: no slot was made yet
  std::string source;
  std::vector<RestartTable> tables; // by name
  std::vector<RestartLabel> labels; // in the order of their commits, table by table
};

// Pure. As far as the checkpoint alone tells: a server that lost its slot, or a table that was
// dropped, changes it.
[[nodiscard]] RestartPlan restart_plan(Checkpoint const& checkpoint);

} // namespace walrock
