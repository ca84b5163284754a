#include "postgres/timeline.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.h"
#include "postgres/catalog.h"

namespace walrock {

namespace {

constexpr Lsn kNoSwitch{UINT64_MAX};

EndedTimeline parse_line(std::string_view line) {
  EndedTimeline out;
  auto const [end, error] = std::from_chars(line.data(), line.data() + line.size(), out.timeline);
  std::string_view rest(end, static_cast<std::size_t>(line.data() + line.size() - end));
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  auto const lsn = parse_lsn(rest.substr(0, rest.find_first_of(" \t")));
  if (error != std::errc() || !lsn)
    throw ProtocolViolation(fmt::format("\"{}\" is no line of a timeline history", line));
  out.end_lsn = *lsn;
  return out;
}

[[noreturn]] void throw_diverged(SourceHistory const& now, KnownPosition const& known,
                                 std::string const& why) {
  throw Error(
      ErrorCode::timeline_diverged,
      fmt::format("the server is on timeline {}, {}; StarRocks holds changes of timeline {} "
                  "up to {}",
                  now.timeline, why, known.timeline, to_string(known.needed)));
}

void require_not_rewound(SourceHistory const& now, KnownPosition const& known) {
  if (now.wal_end >= known.needed)
    return;
  std::string const where = fmt::format("the server's WAL ends at {}, but StarRocks holds changes "
                                        "up to {}",
                                        to_string(now.wal_end), to_string(known.needed));
  if (now.is_in_recovery)
    throw ConnectionLost(ErrorCode::source_unreachable, where + ": this standby is behind");
  throw Error(ErrorCode::source_rewound,
              where + ": it was restored from an older state, or lost WAL in a crash");
}

} // namespace

std::vector<EndedTimeline> parse_timeline_history(std::string_view text) {
  std::vector<EndedTimeline> out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (!line.empty() && !line.starts_with('#'))
      out.push_back(parse_line(line));
  }
  return out;
}

SourceHistory read_source_history(Connection& replication, std::stop_token const& stop) {
  ServerIdentity const identity = identify_server(replication);
  SourceHistory out;
  out.system_identifier = identity.system_identifier;
  out.timeline = identity.timeline;
  out.wal_end = identity.wal_end;
  out.is_in_recovery = replication.query("SELECT pg_is_in_recovery()", {}, stop).truth(0, 0);
  if (out.timeline <= 1)
    return out;
  try {
    auto const history =
        replication.query(fmt::format("TIMELINE_HISTORY {}", out.timeline), {}, stop);
    if (!history.empty())
      out.ended = parse_timeline_history(history.text(0, 1));
  } catch (ConnectionLost const&) {
    throw;
  } catch (Error const& error) {
    if (error.sqlstate() != "58P01" && error.sqlstate() != "XX000") // the file is gone
      throw;
  }
  return out;
}

Lsn require_same_history(SourceHistory const& now, KnownPosition const& known) {
  if (now.system_identifier != known.system_identifier)
    throw Error(ErrorCode::source_replaced,
                fmt::format("the server has system identifier {}, the job began with {}: it is "
                            "another cluster",
                            now.system_identifier, known.system_identifier));
  if (known.timeline == 0 || known.timeline == now.timeline) {
    if (known.timeline != 0 && known.timeline_start.is_set() && now.timeline_start().is_set() &&
        known.timeline_start != now.timeline_start())
      throw_diverged(now, known,
                     fmt::format("which began at {} and not at {}: another standby was promoted",
                                 to_string(now.timeline_start()), to_string(known.timeline_start)));
    require_not_rewound(now, known);
    return kNoSwitch;
  }
  auto const left = std::find_if(now.ended.begin(), now.ended.end(), [&](EndedTimeline const& e) {
    return e.timeline == known.timeline;
  });
  if (left == now.ended.end())
    throw_diverged(now, known,
                   now.timeline < known.timeline ? "an older one: an old primary is back"
                                                 : "which is no successor of it");
  if (left->end_lsn < known.needed)
    throw_diverged(now, known,
                   fmt::format("which left timeline {} at {}: the commits behind that were lost in "
                               "the failover",
                               known.timeline, to_string(left->end_lsn)));
  require_not_rewound(now, known);
  return left->end_lsn;
}

} // namespace walrock
