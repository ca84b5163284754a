// What `walrock run` would make on both sides if it started now. Changes nothing. Blocking.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/job_spec.h"
#include "model/names.h"

namespace walrock {

struct PlannedTable {
  enum class Action {
    create,    // sql makes it
    replace,   // an empty table that cannot take deletes: sql makes the new one
    use,       // it is there and fits
    go_on,     // walrock's own already: its copy is in the checkpoint
    set_aside, // see problem
  };
  TableName source;
  TargetName target;
  std::int64_t row_estimate = -1; // -1: never analysed
  std::int64_t byte_count = 0;
  Action action = Action::create;
  std::string sql; // without a final semicolon; empty when nothing is made
  std::string problem;
};
[[nodiscard]] std::string_view to_string(PlannedTable::Action action);

struct Plan {
  std::string source; // "host:5432/shop"
  std::string target;
  std::string publication_name;
  std::string publication_sql; // empty: it is there as it should be
  std::string slot_name;
  std::string slot_sql;     // empty: it is there
  std::string database_sql; // empty: it is there
  std::vector<PlannedTable> tables;
  std::vector<std::string> notes; // of the job file, and patterns that select nothing
};

// Throws what keeps it from asking.
[[nodiscard]] Plan plan_job(JobSpec const& job);

} // namespace walrock
