// Notices a table whose columns were changed while no row of it comes, so that the stream has
// nothing to say of it. docs/design/made-anew.md. Lives on the guardian's thread and uses its
// connection.
#pragma once

#include "postgres/connection.h"
#include "runtime/shared.h"

namespace walrock {

class ColumnWatcher {
public:
  // shared must outlive it.
  explicit ColumnWatcher(Shared& shared) : shared_(shared) {}

  // The stream asks about a changed table when it has read so far, and judges.
  void look(Connection& connection);

private:
  Shared& shared_;
};

} // namespace walrock
