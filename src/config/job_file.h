// Reads job files. Blocking; any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/job_spec.h"

namespace walrock {

// Throws job_file_invalid with one line per mistake ("job.yml:12:5: ..."), all of them at once, or
// secret_missing when all that is wrong are references that lead nowhere.
[[nodiscard]] JobSpec load_job_file(std::string const& path);

// file_name is for messages; base_folder is what relative paths are relative to.
[[nodiscard]] JobSpec parse_job(std::string_view text, std::string const& file_name,
                                std::string const& base_folder);

// Every setting in a line each, "source.slot.name=smt_slot", without passwords: for logs.
[[nodiscard]] std::string describe(JobSpec const& job);

} // namespace walrock
