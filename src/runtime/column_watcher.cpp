#include "runtime/column_watcher.h"

#include "postgres/column_marks.h"

namespace walrock {

void ColumnWatcher::look(Connection& connection) {
  auto const tables = shared_.columns.ids();
  if (tables.empty())
    return;
  ColumnMarks const look = read_column_marks(connection, tables);
  for (auto const& [id, mark] : look.marks) {
    bool is_changed = false;
    shared_.columns.with(id, [&, &now = mark](std::string& known) { // clang 14
      is_changed = known != now;
      known = now;
    });
    if (is_changed)
      shared_.stream_commands.push(LookAgain{id, look.lsn});
  }
}

} // namespace walrock
