// Decides which tables of the source a job copies and follows. Immutable once made; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/job_spec.h"

namespace walrock {

class TableMatcher {
public:
  // Patterns as parse_job() made them. A table is selected by any of `included` unless one of
  // `excluded` matches it as well.
  TableMatcher(std::vector<TablePattern> const& included,
               std::vector<TablePattern> const& excluded);
  explicit TableMatcher(JobSpec const& job)
      : TableMatcher(job.source.tables, job.source.excluded_tables) {}
  ~TableMatcher();
  TableMatcher(TableMatcher&&) noexcept;
  TableMatcher& operator=(TableMatcher&&) noexcept;

  [[nodiscard]] bool matches(TableName const& name) const;
  // Those of `existing` that match, in their order.
  [[nodiscard]] std::vector<TableName> select(std::vector<TableName> const& existing) const;
  // One sentence for each pattern that selects none of the existing tables; empty when all do.
  [[nodiscard]] std::vector<std::string> validate(std::vector<TableName> const& existing) const;

private:
  struct Compiled;
  std::vector<Compiled> included_;
  std::vector<Compiled> excluded_;
};

// Whether one pattern matches, for single questions; a matcher compiles only once.
[[nodiscard]] bool pattern_matches(TablePattern const& pattern, TableName const& name);

} // namespace walrock
