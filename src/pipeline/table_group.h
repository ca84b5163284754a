// The tables whose epochs are committed in one transaction: what the committer knows of it. There
// is one at a time, and they go in the order of their epochs. Values without behaviour; the rules
// are in group_commit.cpp. Lives on the commit thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/load_target.h"
#include "pipeline/committer_actions.h"
#include "pipeline/table_line.h"

namespace walrock {

// A table's unit in the transaction: the front of its line, of one label.
struct GroupMember {
  TableLine* line = nullptr;
  LabelSlot* slot = nullptr;
};

struct TableGroup {
  enum class Step { idle, loading, in_doubt };
  Step step = Step::idle;
  Label label;
  std::uint64_t epoch = 0;
  std::uint32_t attempt = 0; // in the label's name: none is used twice
  std::vector<GroupMember> members;
  Batch progress; // says of which tables it was
  CallId call = 0;
  GroupOutcome outcome;  // of the load, as long as it is in doubt
  int failure_count = 0; // in a row
  int cut_count = 0;     // likewise, loads of one table without an answer
  TimePoint retry_at{};
  TimePoint waits_since = TimePoint::max(); // for a table that is to come along
  Backoff backoff{Milliseconds(100), Milliseconds(5000)};
  std::string trouble; // what it waits for, in words; empty when all is well
};

// After a start: what the checkpoint says once this label of several tables is settled, and the
// update that makes it durable. Throws label_in_doubt when it is visible and nobody says of which
// tables it was.
[[nodiscard]] CheckpointUpdate apply_verdict(Checkpoint& checkpoint, Label const& label,
                                             GroupVerdict const& verdict);

} // namespace walrock
