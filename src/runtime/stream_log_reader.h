// Reads the durable spool as a server would send it from a position: the transactions whose commit
// is at or above it, each table described before its first row. Lives on the replication thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "model/lsn.h"
#include "runtime/stream_log.h"

namespace walrock {

class StreamLogReader {
public:
  explicit StreamLogReader(StreamLog const& log) : log_(log) {} // must outlive this

  // Throws spool_lost when the log begins above.
  void seek(Lsn from);

  struct Payload { // of pgoutput; valid until the next call
    std::span<std::byte const> bytes;
  };
  struct Idle { // nothing of ours is below
    Lsn wal_end;
  };
  struct AllRead {
    Lsn wal_end; // nothing of ours is below that was not read; unset: not known
  };
  using Outcome = std::variant<AllRead, Payload, Idle>;
  // Throws spool_lost for what is damaged, spool_failed for what cannot be read.
  [[nodiscard]] Outcome read();

private:
  [[nodiscard]] bool next_record();
  [[nodiscard]] std::string const* description_wanted_by(std::string_view message);
  [[nodiscard]] bool is_passed_on(std::string_view message);
  [[nodiscard]] std::string const* ungiven(std::uint32_t oid);
  [[noreturn]] void fail_damaged(std::string const& why) const;

  StreamLog const& log_;
  LogSegment segment_;
  std::uint64_t offset_ = 0;
  std::string record_;
  std::string_view rest_; // of the entries in it
  Lsn from_;
  Lsn idle_lsn_;                                                // see AllRead
  bool is_skipping_ = false;                                    // in a transaction below from_
  std::unordered_map<std::uint32_t, std::string> descriptions_; // the last one of each table
  std::unordered_set<std::uint32_t> given_;                     // passed on since seek()
};

} // namespace walrock
