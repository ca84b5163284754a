// transactions: across-tables, at the start. Blocking.
#pragma once

#include <string>

#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "model/load_target.h"
#include "runtime/engine.h"
#include "starrocks/version.h"

namespace walrock {

// Throws transactions_unsupported.
void require_groups(ServerVersion version);

// The table _walrock_progress is there, or is made.
void set_up_progress(JobSpec const& job, EngineAddresses const& addresses);

// What the start before has committed of several tables at once: asked, taken into the checkpoint
// and written. The tables go on from there, so it is known before anything else is asked; also when
// the job has given up such transactions since. Throws ConnectionLost while nobody knows.
void settle_groups_of(Checkpoint& checkpoint, CheckpointStore& store, LoadTarget& target,
                      std::string const& job_id);

} // namespace walrock
