// From what a job file says to where the two sides are. Pure values; any thread.
#pragma once

#include "config/job_spec.h"
#include "postgres/address.h"
#include "starrocks/address.h"

namespace walrock {

[[nodiscard]] SourceAddress source_address(JobSpec const& job);
// For loads and questions.
[[nodiscard]] TargetAddress target_address(JobSpec const& job);
// For statements that create and change tables: schema-sync may name other frontends and a user.
[[nodiscard]] TargetAddress ddl_address(JobSpec const& job);

} // namespace walrock
