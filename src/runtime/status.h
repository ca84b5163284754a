// What a running walrock says about itself: an immutable snapshot, made by the commit thread a few
// times a second, read by the API, the board and --until. Holds no secret and no value of a row.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "model/lsn.h"
#include "model/names.h"
#include "model/table_state.h"

namespace walrock {

enum class EngineState {
  starting, // connecting, comparing, creating
  copying,  // at least one table is not copied yet
  running,  // following the stream
  waiting,  // a server cannot be reached; see trouble
  stopping,
  stopped,
  failed, // see error
};
[[nodiscard]] std::string_view to_string(EngineState state);

struct TableStatus {
  TableName name;
  TargetName target;
  TableState state = TableState::init;
  std::uint64_t copied_rows = 0;    // of the copy, committed in the target
  std::int64_t estimated_rows = -1; // of the source when the copy began; -1: unknown
  std::uint64_t applied_rows = 0;   // changes committed since walrock started
  Lsn applied_lsn;
  std::string reason;  // of an errored table: what, why, what to do
  std::string trouble; // what it waits for just now
  std::uint64_t quarantined_rows = 0;
  std::map<std::string, std::uint64_t> changed_values; // by column; since walrock started
};

// How near the slot is to a limit of the WAL that it may keep.
struct SlotStatus {
  std::string name;       // empty: not looked at yet
  std::string wal_status; // as PostgreSQL says; empty on 12
  std::int64_t retained_bytes = 0;
  std::string limit; // the nearest: max_slot_wal_keep_size or slot.wal-limit; empty: none
  std::optional<std::int64_t> left_bytes;
  std::optional<double> bytes_per_second; // by which left_bytes become less
  std::optional<double> seconds_left;     // at that rate
  std::string warning;
};

struct Status {
  std::string job_id;
  std::string job_name;
  EngineState state = EngineState::starting;
  std::string phase;                  // while starting: what is being done
  std::string trouble;                // what is waited for, e.g. an unreachable server
  ErrorReport error;                  // of failed
  Lsn flushed_lsn;                    // everything below it is in the target, durably
  Lsn logged_lsn;                     // of a durable spool: synced there; unset: there is none
  Lsn received_lsn;                   // read from the stream
  Lsn server_lsn;                     // the server's WAL end as last heard
  std::uint64_t lag_bytes = 0;        // server_lsn - flushed_lsn
  double lag_seconds = 0;             // age of the oldest commit that is not in the target; 0: none
  std::uint64_t received_changes = 0; // decoded since the start
  std::uint64_t memory_used = 0;      // bytes in batches
  std::uint64_t spool_used = 0;       // bytes on disk of batches that wait
  std::uint64_t log_used = 0;         // bytes of the durable spool
  std::uint64_t log_limit = 0;        // 0: there is none
  std::uint64_t uptime_ms = 0;
  std::uint64_t restart_count = 0; // of the stream after faults
  SlotStatus slot;
  std::vector<TableStatus> tables; // ordered by name
};

// Where the newest snapshot is. Any thread.
class StatusBoard {
public:
  StatusBoard() : status_(std::make_shared<Status const>()) {}
  [[nodiscard]] std::shared_ptr<Status const> read() const {
    MutexLock const lock(mutex_);
    return status_;
  }
  void publish(Status status) {
    auto next = std::make_shared<Status const>(std::move(status));
    MutexLock const lock(mutex_);
    status_ = std::move(next);
  }

private:
  mutable Mutex mutex_;
  std::shared_ptr<Status const> status_ WALROCK_GUARDED_BY(mutex_);
};

} // namespace walrock
