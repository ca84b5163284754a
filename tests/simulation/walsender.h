// What pgoutput sends of the source's log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulation/source.h"

namespace walrock::simulation {

// One START_REPLICATION: the payloads in their order.
class Walsender {
public:
  Walsender(Source const& source, Lsn from, bool uses_streaming);
  // The next payload, or nothing when everything was sent. Valid until the next call.
  [[nodiscard]] std::optional<std::string> next();
  [[nodiscard]] Lsn sent_up_to() const { return source_.wal_end(); }

private:
  void send_transaction(std::size_t number);
  void send_block(SourceTransaction const& transaction, std::size_t first, std::size_t end);
  void send_changes(SourceTransaction const& transaction, std::size_t first, std::size_t end,
                    bool in_block);
  void send_change(SourceTransaction const& transaction, SourceChange const& change, bool in_block);
  std::size_t send_truncate(SourceTransaction const& transaction, std::size_t first,
                            std::size_t end, bool in_block);
  void require_described(SourceTransaction const& transaction, SourceChange const& change,
                         bool in_block);
  void describe(SourceChange const& change, std::uint32_t oid, std::uint32_t xid_in_block);
  static std::uint32_t xid_of(SourceTransaction const& transaction, SourceChange const& change);
  static std::uint32_t oid_of(SourceChange const& change); // of the table

  Source const& source_;
  bool uses_streaming_;
  std::size_t next_ = 0;                            // transaction
  std::map<std::uint32_t, std::size_t> described_;  // oid: number of columns last sent
  std::map<std::uint32_t, std::size_t> sent_early_; // changes, by xid
  std::map<std::uint32_t, std::set<std::uint32_t>> described_in_block_;
  std::vector<std::string> payloads_;
  std::size_t at_ = 0;
};

} // namespace walrock::simulation
