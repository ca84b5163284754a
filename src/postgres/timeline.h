// Timelines: whether what the target holds is part of what a server has. A promotion ends a
// timeline at a position and begins the next one there; what the old primary wrote beyond that
// position is not in the new one's WAL. Pure, but for the question itself; same thread as the
// connection.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "model/lsn.h"
#include "postgres/connection.h"

namespace walrock {

// A timeline that is over, and where the next one left it.
struct EndedTimeline {
  std::uint32_t timeline = 0;
  Lsn end_lsn;
  bool operator==(EndedTimeline const&) const = default;
};

// "1\t0/3000148\tno recovery target specified" -> ended timelines, oldest first. Throws
// ProtocolViolation.
[[nodiscard]] std::vector<EndedTimeline> parse_timeline_history(std::string_view text);

struct SourceHistory {
  std::string system_identifier;
  std::uint32_t timeline = 0;
  Lsn wal_end; // flushed; of a standby: replayed
  bool is_in_recovery = false;
  std::vector<EndedTimeline> ended; // before timeline, oldest first

  // Where the present timeline began; unset for one without a history.
  [[nodiscard]] Lsn timeline_start() const { return ended.empty() ? Lsn{} : ended.back().end_lsn; }
};

// On a replication connection. A history that the server has lost leaves `ended` empty.
[[nodiscard]] SourceHistory read_source_history(Connection& replication,
                                                std::stop_token const& stop = {});

// Where the target stands in the source's WAL.
struct KnownPosition {
  std::string system_identifier;
  std::uint32_t timeline = 0; // 0: not known
  Lsn timeline_start;
  Lsn needed; // the end of the last transaction that may be in the target
};

// The position up to which the server's WAL is the one that was read: what was acknowledged beyond
// it (WAL without commits) is read again on the new timeline. The largest position without a
// switch. Throws source_replaced, source_rewound, timeline_diverged; ConnectionLost while a standby
// has not replayed as far.
[[nodiscard]] Lsn require_same_history(SourceHistory const& now, KnownPosition const& known);

} // namespace walrock
