// The log thread: syncs the durable spool, tells the committer how far it is, and lets go of what
// StarRocks has.
#pragma once

#include <stop_token>

#include "runtime/shared.h"
#include "runtime/stream_log.h"

namespace walrock {

// Until a stop is asked for.
void keep_stream_log(StreamLog& log, Shared& shared, std::stop_token const& stop);

} // namespace walrock
