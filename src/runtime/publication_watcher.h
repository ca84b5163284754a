// Notices when a table is taken out of the publication: PostgreSQL says nothing of it in the
// stream, and brings no more changes of the table. Lives on the guardian's thread and uses its
// connection.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/names.h"
#include "postgres/connection.h"
#include "runtime/shared.h"

namespace walrock {

class PublicationWatcher {
public:
  // shared must outlive it; tables: those that are followed.
  PublicationWatcher(std::string publication, std::vector<std::pair<RelationId, TableName>> tables,
                     Shared& shared)
      : publication_(std::move(publication)), tables_(std::move(tables)), shared_(shared) {}

  // Sets aside what is not published any more.
  void look(Connection& connection);

private:
  std::string publication_;
  std::vector<std::pair<RelationId, TableName>> tables_;
  Shared& shared_;
};

} // namespace walrock
