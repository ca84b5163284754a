// Looks at the partitions of every partitioned table now and then: what the stream does not tell
// makes the table be copied again, or sets it aside. docs/design/partitions.md. Lives on the
// guardian's thread and uses its connection.
#pragma once

#include <map>
#include <stop_token>

#include "postgres/connection.h"
#include "runtime/shared.h"

namespace walrock {

class PartitionWatcher {
public:
  // shared must outlive it.
  explicit PartitionWatcher(Shared& shared) : shared_(shared) {}

  // Looks, or judges the last look once the stream has come as far.
  void look(Connection& connection, std::stop_token const& stop);

private:
  void take_look(Connection& connection, std::vector<RelationId> const& roots,
                 std::stop_token const& stop);
  [[nodiscard]] bool wait_for_stream(std::stop_token const& stop) const;
  void judge();
  void judge_one(RelationId root, PartitionTree const& now);

  Shared& shared_;
  std::map<RelationId, PartitionTree> looks_; // not judged yet
};

} // namespace walrock
