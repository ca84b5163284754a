// The rows in quarantine of a job, for people: listed, and tried again. Blocking.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/job_spec.h"
#include "starrocks/quarantine_rows.h"

namespace walrock {

// Of the tables that go to the job's database, in their order; empty without a quarantine table.
[[nodiscard]] std::vector<KeptRow> list_quarantine(JobSpec const& job);

// {"id":"5"} as "id=5".
[[nodiscard]] std::string words_of_key(std::string const& key_json);

struct RetriedKey {
  enum class Kind {
    released, // its present row is in the target
    removed,  // the source has no such row any more, and now the target neither
    refused,  // StarRocks refuses the present row as well
    skipped,  // nothing was tried
  };
  Kind kind = Kind::skipped;
  std::string table; // of the source
  std::string key;
  std::string reason; // of refused and skipped
};

// Loads the present row of each key in quarantine. Takes the job's lock and, with a checkpoint in
// StarRocks, its incarnation: throws instance_running while the job runs. table: "public.users", or
// empty for all. A crash in between leaves rows that are tried again, and labels that the next
// start of the job rolls back.
[[nodiscard]] std::vector<RetriedKey> retry_quarantine(JobSpec const& job,
                                                       std::string const& table);

} // namespace walrock
