// What becomes of the rows of a target when it is copied again, where rows stay that the source
// does not have any more: they go into the twin that the copy is loaded into. See
// docs/design/deletes-and-history.md.
#pragma once

namespace walrock {

enum class KeptRows {
  as_they_are, // deletes: ignore
  marked,      // deletes: soft: all of them are deleted, but for those whose key the copy brings
  versions,    // history: behind them stands a row that says that a copy follows
};

} // namespace walrock
