// The documents that are made from the table of keys. The files in docs/guide are what these
// functions return; a test compares them, and writes them with WALROCK_UPDATE_GOLDEN=1.
#pragma once

#include <string>

namespace walrock {

// docs/guide/configuration.md
[[nodiscard]] std::string configuration_markdown();
// docs/guide/job.schema.json: JSON Schema (draft 7, which editors know) of a job file.
[[nodiscard]] std::string job_schema_json();

} // namespace walrock
