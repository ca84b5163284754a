// What may enter the durable spool: what is acknowledged from there must be what the stream machine
// will take, so everything is looked at before. Lives on the replication thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

#include "pgoutput/decoder.h"
#include "runtime/stream_log.h"

namespace walrock {

class StreamLogIntake {
public:
  explicit StreamLogIntake(StreamLog& log) : log_(log) {} // must outlive this

  // A new stream from log.end_lsn(). Throws spool_failed.
  void begin_stream();
  // The payloads in the order in which they came. Throws ProtocolViolation for what contradicts
  // itself: nothing of its transaction will be read.
  void take(std::span<std::byte const> payload);
  // With nothing open: the server has nothing of ours below.
  void take_keepalive(Lsn wal_end);

private:
  void begin(Begin const& begin);
  void commit(Commit const& commit, std::span<std::byte const> payload);
  void require_row(RelationId id, Row row) const;
  [[nodiscard]] std::size_t columns_of(RelationId id) const;

  StreamLog& log_;
  Decoder decoder_;
  std::optional<Lsn> commit_lsn_;                          // of the transaction that is open
  std::unordered_map<std::uint32_t, std::size_t> columns_; // of the tables that were described
};

} // namespace walrock
