// Notices what PostgreSQL says nothing of in the stream: a table that is taken out of the
// publication brings no more changes and is set aside; one whose row filter or column list is
// another, or of which operations begin to arrive, is copied again. docs/design/publications.md.
// Lives on the guardian's thread and uses its connection.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "postgres/publication.h"
#include "runtime/shared.h"

namespace walrock {

class PublicationWatcher {
public:
  // shared must outlive it.
  PublicationWatcher(std::string publication, Shared& shared)
      : publication_(std::move(publication)), shared_(shared) {}

  // Throws publication_missing when no changes arrive any more, which ends the run.
  void look(Connection& connection);

private:
  void set_aside_unpublished(Connection& connection);
  void look_for_changes(Connection& connection, PublicationMark const& mark);
  void say_what_is_lost(PublicationState const& now);
  // False when the look is older than what is known.
  bool judge(RelationId table, Published const& now, Lsn lsn);

  std::string publication_;
  Shared& shared_;
  std::string mark_; // of the publication, at the last look
  std::optional<PublicationState> last_;
};

} // namespace walrock
