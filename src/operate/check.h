// Everything that would go wrong with a job, found out by asking both sides. Changes nothing.
// Blocking: seconds, or the connect timeouts when a server cannot be reached. Any thread.
#pragma once

#include <vector>

#include "config/job_spec.h"
#include "operate/finding.h"

namespace walrock {

// Never throws for what it finds on the servers: that is a finding. All findings, not only the
// first; what depends on a server that cannot be reached is left out.
[[nodiscard]] std::vector<Finding> check_job(JobSpec const& job);

} // namespace walrock
