// How the publication sends each table, as the copy notes it and the watcher judges it.
#pragma once

#include "model/lsn.h"
#include "model/published.h"
#include "runtime/watched_tables.h"

namespace walrock {

struct WatchedTable {
  TableName name;
  Published known; // what the target was filled with, or is
  Lsn lsn{};       // looks from before it say nothing: those of before the copy's snapshot
};

using WatchedPublication = WatchedTables<WatchedTable>;

} // namespace walrock
