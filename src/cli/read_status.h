// How a job is, asked from outside: from the walrock that runs it, else from its checkpoint.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "runtime/status.h"

namespace walrock {

// The JSON of status_json.h. From a running walrock as it was sent; nothing when the job does not
// run and has no checkpoint. Throws http_listen_failed when a walrock runs but does not answer.
[[nodiscard]] std::optional<std::string> read_status_json(JobSpec const& job);

// The way back; fields that are missing keep their defaults. Nothing when it is no status.
[[nodiscard]] std::optional<Status> parse_status(std::string_view json);

// A job that does not run.
[[nodiscard]] Status status_of(JobSpec const& job, Checkpoint const& checkpoint);

} // namespace walrock
