// Removes what walrock made around the copy: slot, publication, checkpoint. The copy itself stays.
// Blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/instance_lock.h"
#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "postgres/connection.h"

namespace walrock {

// Holds the instance lock from looking to removing, so that no walrock starts in between.
class JobRemoval {
public:
  // Looks. Throws instance_running while the job runs, slot_in_use while somebody reads the slot,
  // slot_unknown when the slot is not one of pgoutput in this database.
  explicit JobRemoval(JobSpec const& job);

  // "replication slot shop_slot (holds back 12345678 bytes of WAL)"; empty: there is nothing.
  [[nodiscard]] std::vector<std::string> const& removed() const { return removed_; }
  // What stays although it belongs to the job, and why.
  [[nodiscard]] std::vector<std::string> const& kept() const { return kept_; }

  // In an order in which it can be repeated when it fails halfway: slot, publication, labels,
  // checkpoint. Returns what did not work out and does not matter to PostgreSQL.
  std::vector<std::string> remove();

private:
  void look_at_slot();
  void look_at_publication();
  void look_at_checkpoint();
  std::vector<std::string> roll_back_labels();

  JobSpec const& job_; // must outlive this
  InstanceLock lock_;
  Connection source_;
  std::optional<Checkpoint> checkpoint_;
  bool is_damaged_ = false; // the checkpoint is there and cannot be read
  bool has_slot_ = false;
  bool has_publication_ = false;
  std::vector<std::string> removed_;
  std::vector<std::string> kept_;
};

} // namespace walrock
