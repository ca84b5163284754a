#include "runtime/publication_watcher.h"

#include <fmt/format.h>

#include "postgres/publication.h"

namespace walrock {

void PublicationWatcher::look(Connection& connection) {
  std::vector<RelationId> ids;
  for (auto const& [id, name] : tables_)
    ids.push_back(id);
  for (RelationId const id : unpublished(connection, publication_, ids))
    std::erase_if(tables_, [&](auto const& table) {
      if (table.first != id)
        return false;
      ErrorReport report;
      report.code = ErrorCode::publication_missing;
      report.retry = Retry::never;
      report.message = fmt::format("{} was taken out of publication {}: its changes do not arrive",
                                   to_string(table.second), publication_);
      report.advice =
          fmt::format("Run: {}; then drop the target table and start again, so that it is copied "
                      "anew.",
                      add_tables_sql(publication_, std::span(&table.second, 1)));
      shared_.events.push_now(SetAside{id, report});
      return true;
    });
}

} // namespace walrock
