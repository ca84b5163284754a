#include "runtime/publication_watcher.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"

namespace walrock {

namespace {

// Before, the server ends the stream when its publication is gone; from here on it leaves changes
// out.
constexpr int kFirstThatSkips = 180000;

} // namespace

void PublicationWatcher::look(Connection& connection) {
  PublicationMark const mark = publication_mark(connection, publication_);
  if (mark.text.empty() && connection.server_version() >= kFirstThatSkips)
    throw Error(ErrorCode::publication_missing,
                fmt::format("publication {} was dropped: no changes arrive", publication_))
        .set_advice("Start again: the publication is made anew, and its tables are copied again.");
  set_aside_unpublished(connection);
  look_for_changes(connection, mark);
}

void PublicationWatcher::set_aside_unpublished(Connection& connection) {
  for (RelationId const id : unpublished(connection, publication_, shared_.publication.ids())) {
    TableName name;
    shared_.publication.with(id, [&name](WatchedTable const& table) { name = table.name; });
    ErrorReport report;
    report.code = ErrorCode::publication_missing;
    report.retry = Retry::never;
    report.message = fmt::format("{} was taken out of publication {}: its changes do not arrive",
                                 to_string(name), publication_);
    report.advice =
        fmt::format("Run: {}; then drop the target table and start again, so that it is copied "
                    "anew.",
                    add_tables_sql(publication_, std::span(&name, 1)));
    shared_.events.push_now(SetAside{id, report});
    shared_.publication.forget(id);
  }
}

// Most looks find the mark that was there before, and ask no more.
void PublicationWatcher::look_for_changes(Connection& connection, PublicationMark const& mark) {
  if (mark.text == mark_ || mark.text.empty())
    return;
  auto const tables = shared_.publication.ids();
  bool are_judged = true;
  auto const looks = read_published(connection, publication_, tables);
  if (!looks.empty())
    say_what_is_lost(looks.begin()->second.state);
  for (auto const& [id, now] : looks)
    are_judged = judge(id, now, mark.lsn) && are_judged;
  if (are_judged)
    mark_ = mark.text;
}

// The start says what it finds.
void PublicationWatcher::say_what_is_lost(PublicationState const& now) {
  if (std::string const lost = last_ ? operations_lacking(now.operations, last_->operations) : "";
      !lost.empty())
    log::warning("publication {} does not publish {} any more: these changes are not replicated",
                 publication_, lost);
  last_ = now;
}

// The committer hears first what it must do, then what is known from then on.
bool PublicationWatcher::judge(RelationId id, Published const& now, Lsn lsn) {
  bool is_older = false;
  shared_.publication.with(id, [&, &seen = now](WatchedTable& table) { // clang 14
    is_older = lsn < table.lsn;
    if (is_older || seen.by.empty() || seen == table.known)
      return;
    if (std::string const why = publication_change(table.known, seen); !why.empty()) {
      ErrorReport report;
      report.code = ErrorCode::copy_needed;
      report.retry = Retry::later;
      report.message = why;
      shared_.events.push_now(SetAside{id, report});
    }
    table.known = seen;
    shared_.events.push_now(PublishedSeen{id, seen});
  });
  return !is_older;
}

} // namespace walrock
