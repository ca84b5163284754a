// The replication slot, and the snapshot that is exported when it is created. Same thread as the
// connection.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "model/lsn.h"
#include "postgres/connection.h"

namespace walrock {

// A row of pg_replication_slots.
struct Slot {
  std::string slot_name;
  std::string plugin;
  std::string database;
  bool is_logical = true;
  bool is_temporary = false;
  std::optional<int> active_pid;
  Lsn restart_lsn;
  Lsn confirmed_flush_lsn;
  std::string wal_status;          // reserved, extended, unreserved, lost; empty on 12
  std::string invalidation_reason; // 17 and later; before 17 "rows_removed" for a conflicting slot
  std::int64_t retained_bytes = 0; // WAL kept because of it
  // WAL that may still be written before the server may invalidate it; unset without a limit and
  // on 12.
  std::optional<std::int64_t> safe_wal_bytes;
  bool is_failover = false; // synchronized to standbys; 17 and later
  // A standby's copy of its primary's; unusable until it is promoted. (The server goes on saying so
  // afterwards.)
  bool is_synced = false;
  bool is_two_phase = false;

  // The server has thrown away what it needs; it can only be dropped.
  [[nodiscard]] bool is_lost() const;
};

// Either kind of connection.
[[nodiscard]] std::optional<Slot> find_slot(Connection& connection, std::string_view slot_name);

// Throws what makes it unusable for us: slot_missing, slot_invalidated, slot_in_use, or
// slot_unknown for another plugin or database.
void require_usable(std::optional<Slot> const& slot, std::string_view slot_name,
                    std::string_view database);

// Throws slot_moved when the slot stands beyond `acknowledged` (advanced by someone, dropped and
// made anew, or the checkpoint is an older copy): the changes between are gone. A slot that stands
// before it went back in a crash of the server, which loses nothing.
void require_no_gap(Slot const& slot, Lsn acknowledged);

enum class SlotLifetime {
  permanent,
  temporary, // dropped by the server when its connection ends
  failover,  // permanent, and synchronized to standbys; 17 and later
};

struct CreatedSlot {
  std::string slot_name;
  Lsn consistent_lsn;        // the stream from here holds exactly what the snapshot does not
  std::string snapshot_name; // alive until the connection's next command or end
};

// On a replication connection. Waits until every transaction that is writing now has ended: pass a
// stop token, and use slot_creation_blockers on another connection to say who is waited for.
// Throws slot_unknown when the name is taken, source_setting_wrong without wal_level=logical or a
// free slot.
[[nodiscard]] CreatedSlot create_slot(Connection& connection, std::string_view slot_name,
                                      SlotLifetime lifetime, std::stop_token const& stop = {});

// Sessions with a transaction id, oldest first: "pid 123 user app, 00:12:01, idle in transaction".
[[nodiscard]] std::vector<std::string> slot_creation_blockers(Connection& connection);

// On a replication connection of 17 and later, while nobody reads it: standbys are to have it too.
void make_failover_slot(Connection& connection, std::string_view slot_name);

// No error without one. Throws slot_in_use while someone reads it.
void drop_slot(Connection& connection, std::string_view slot_name);
// What creates such a slot in SQL, without a snapshot: for messages only.
[[nodiscard]] std::string create_slot_sql(std::string_view slot_name);
[[nodiscard]] std::string drop_slot_sql(std::string_view slot_name);

// Lower case letters, digits and '_', 1 to 63 of them: what PostgreSQL allows.
[[nodiscard]] bool is_slot_name(std::string_view text);

} // namespace walrock
