// The logical replication stream: START_REPLICATION ... LOGICAL with pgoutput. Lives on the
// replication thread, never blocks: the caller polls socket() and calls read() until it says
// NothingYet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.h"
#include "model/change.h"
#include "model/lsn.h"
#include "postgres/connection.h"

namespace walrock {

struct ProtocolOptions {
  int proto_version = 1;
  bool streaming = false; // in-progress transactions are sent in blocks (protocol 2 and later)

  // The most a server of this server_version_num offers: 12, 13: 1; 14: 2; 15: 3; 16 and later: 4.
  [[nodiscard]] static ProtocolOptions of_server(int server_version);
};

struct NothingYet {};

// WAL decoded into one pgoutput message. Valid until the next call of read().
struct XLogData {
  Lsn wal_start;
  Lsn wal_end;
  PgTimestamp send_time = 0;
  std::span<std::byte const> payload;
};

struct Keepalive {
  Lsn wal_end;
  PgTimestamp send_time = 0;
  bool reply_requested = false;
};

using ReadOutcome = std::variant<NothingYet, XLogData, Keepalive>;

class ReplicationStream {
public:
  // A connection of kind replication, of its own.
  explicit ReplicationStream(Connection connection) : connection_(std::move(connection)) {}
  ~ReplicationStream();
  ReplicationStream(ReplicationStream const&) = delete;
  ReplicationStream& operator=(ReplicationStream const&) = delete;

  // The server sends the transactions whose commit record starts at or after max(from,
  // confirmed_flush_lsn). Waits for the first answer only. Throws slot_in_use, slot_missing,
  // slot_invalidated, or what else the server refuses.
  void start(std::string_view slot_name, std::string_view publication_name, Lsn from,
             ProtocolOptions options, std::stop_token const& stop = {});

  // Never waits. Throws when the server ended the stream: ConnectionLost, publication_missing (also
  // for a publication that is younger than the slot), or source_query_failed.
  [[nodiscard]] ReadOutcome read();

  // Standby status update. Never waits: what the socket does not take is kept, see wants_write().
  void send_status(Lsn written, Lsn flushed, Lsn applied, bool reply_requested = false);
  // Something waits to be sent: poll for POLLOUT and call flush().
  [[nodiscard]] bool wants_write() const { return wants_write_; }
  void flush();

  [[nodiscard]] int socket() const { return connection_.socket(); }
  [[nodiscard]] Connection const& connection() const { return connection_; }

  // Ends the stream in good order, so that the last status is taken and the slot is free when it
  // returns true. False when the server did not answer before the deadline.
  bool end(Deadline deadline) noexcept;

private:
  [[nodiscard]] bool next_message();
  [[noreturn]] void throw_ended();
  void free_buffer() noexcept;

  Connection connection_;
  char* buffer_ = nullptr; // of PQgetCopyData
  std::size_t size_ = 0;
  bool wants_write_ = false;
};

} // namespace walrock
