#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "config/job_spec.h"
#include "pipeline/committer.h"
#include "runtime/changed_values_log.h"
#include "runtime/shared.h"
#include "runtime/status.h"

namespace walrock {

// Makes the status of one run out of what its parts know. One thread at a time: the one that
// starts, then the commit thread, then the one that ends.
class StatusWriter {
public:
  StatusWriter(JobSpec const& job, StatusBoard& board); // both must outlive this

  // Rows that the catalog guesses in a table, for the progress of its copy.
  void expect_rows(RelationId table, std::int64_t rows) { row_estimates_[table] = rows; }

  // Of a start; trouble is what it waits for, in words.
  void phase(std::string const& text, std::string const& trouble);
  void publish(Committer const& committer, Shared& shared);
  void finish(std::optional<ErrorReport> const& error);

private:
  TableStatus table_status(TableProgress progress) const;
  [[nodiscard]] std::string trouble(Shared& shared) const;

  JobSpec const& job_;
  StatusBoard& board_;
  TimePoint const started_at_;
  Status status_;
  std::map<RelationId, std::int64_t> row_estimates_;
  ChangedValuesLog changed_values_log_;
};

} // namespace walrock
