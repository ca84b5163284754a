// The replication thread: owns the replication connection and the stream machine. It never blocks
// on a full budget: without room it stops reading (TCP back-pressure reaches the walsender), and
// goes on with status updates by its own clock, commands and stop requests.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/stream_machine.h"
#include "postgres/address.h"
#include "postgres/connection.h"
#include "postgres/replication_stream.h"
#include "postgres/timeline.h"
#include "runtime/shared.h"
#include "runtime/stream_log.h"
#include "runtime/stream_log_intake.h"
#include "runtime/stream_log_reader.h"

namespace walrock {

struct StreamThreadSettings {
  SourceAddress source;
  std::string slot_name;
  std::string publication_name;
  Lsn start_lsn;
  KnownPosition known;            // what every server that we connect to must have
  Milliseconds heartbeat{10'000}; // status updates at least this often
  // The longest silence after a question; doubled for each time in a row without progress.
  Milliseconds receive_timeout{60'000};
  int restart_attempts = 3; // after faults of ours, in a row without progress
  Milliseconds restart_delay{10'000};
  StreamSettings machine;
};

class StreamThread {
public:
  // shared and log must outlive it. log: nullptr without a durable spool.
  StreamThread(StreamThreadSettings settings, std::vector<FollowedTable> tables, Shared& shared,
               StreamLog* log);

  // Follows until a stop is asked for; an unreachable server is waited for without limit. Throws
  // what cannot be waited for (a slot that is gone; a fault that repeats).
  void run(std::stop_token stop);

private:
  void follow_once(std::stop_token stop);
  void connect(std::stop_token stop);
  void require_same_server(Connection& connection, std::stop_token stop) const;
  // False: the stream must be started again.
  bool take_commands();
  void confirm_followed();
  // stream_thread_log.cpp
  [[nodiscard]] Lsn begin_reading(Lsn flushed);
  void begin_machine(Lsn from);
  [[nodiscard]] bool goes_back_in_log();
  void take_payload(std::span<std::byte const> payload, StreamActions& actions);
  void take_keepalive(Lsn wal_end, StreamActions& actions);
  [[nodiscard]] bool may_read() const;
  void keep_log();
  [[nodiscard]] bool feed_from_log(std::stop_token stop);

  void read_what_is_there(std::stop_token stop);
  void wait(std::stop_token stop);
  void send_status_when_due();
  void require_sign_of_life();
  [[nodiscard]] Milliseconds patience() const;
  void relieve_memory();
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] std::string spool_trouble() const;
  void say_spool_room();
  void perform(StreamActions& actions, std::stop_token stop);
  void note_row(PartitionWritten const& row);
  void describe(Describe const& wanted, std::stop_token stop);
  void replay(Replay const& replay, std::stop_token stop);
  void stay_alive_without_room(std::stop_token stop);

  StreamThreadSettings settings_;
  Shared& shared_;
  StreamMachine machine_;
  TransactionSpool transactions_;
  StreamLog* log_;                        // nullptr: there is no durable spool
  std::optional<StreamLogIntake> intake_; // of log_
  std::optional<StreamLogReader> reader_; // of log_
  std::string log_trouble_;
  std::unique_ptr<ReplicationStream> stream_;
  std::unique_ptr<Connection> catalog_; // for describe; opened when first needed
  std::vector<Followed> followed_;      // to be confirmed once the stream has started
  TimePoint status_due_{};
  TimePoint probe_due_{};
  std::optional<TimePoint> asked_at_; // the first probe that nothing has followed yet
  int silences_ = 0;                  // in a row, without progress
  Lsn sent_lsn_;                      // acknowledged
  Lsn received_lsn_;
  Lsn keepalive_lsn_; // of the last one
  bool has_more_ = false;
  bool has_fed_all_ = true;     // the machine has all of the log
  std::string spool_trouble_;   // as it was said last
  bool has_progressed_ = false; // an epoch was handed over since the stream started
};

} // namespace walrock
