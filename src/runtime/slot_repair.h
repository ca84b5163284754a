// What becomes of a job whose slot cannot be continued without a gap, as slot.lost says.
#pragma once

#include <string>

#include "base/error.h"
#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "postgres/timeline.h"

namespace walrock {

// What the checkpoint says of the source.
[[nodiscard]] KnownPosition known_position(Checkpoint const& checkpoint);

// Copying every table again makes good what this code says. Another cluster is not among them: it
// may be the wrong server.
[[nodiscard]] bool is_cured_by_copying(ErrorCode code);
// Found while running: the start looks at server and slot again, repairs or refuses.
[[nodiscard]] bool is_settled_by_start(ErrorCode code);

// Every table that is not set aside begins anew, with the reason; the slot is about to be made.
// Changes the checkpoint, and returns what must be written before anything is done.
[[nodiscard]] CheckpointUpdate forget_positions(Checkpoint& checkpoint, ErrorReport const& why);

} // namespace walrock
