#include "postgres/slot.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "model/names.h"

namespace walrock {

namespace {

// wal_status and safe_wal_size came with 13, two_phase with 14, conflicting with 16,
// invalidation_reason, failover and synced with 17.
// Without parameters: replication connections do not take them.
std::string find_sql(std::string_view slot_name, int server_version) {
  std::string_view reason = "NULL";
  if (server_version >= 170000)
    reason = "invalidation_reason";
  else if (server_version >= 160000)
    reason = "CASE WHEN conflicting THEN 'rows_removed' END";
  return fmt::format(R"(
SELECT slot_name, coalesce(plugin, ''), coalesce(database, ''), slot_type = 'logical', temporary,
       active_pid, restart_lsn, confirmed_flush_lsn, {}, {},
       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                     ELSE pg_current_wal_lsn() END, restart_lsn), 0)::int8,
       {}, {}, {}
FROM pg_replication_slots WHERE slot_name = {})",
                     server_version >= 130000 ? "wal_status" : "NULL", reason,
                     server_version >= 130000 ? "safe_wal_size" : "NULL",
                     server_version >= 140000 ? "two_phase" : "false",
                     server_version >= 170000 ? "failover, synced AND pg_is_in_recovery()"
                                              : "false, false",
                     quote_pg_literal(slot_name));
}

constexpr char kBlockers[] = R"(
SELECT 'pid ' || pid || ' user ' || coalesce(usename, '?') || ', '
       || to_char(now() - xact_start, 'HH24:MI:SS') || ', ' || coalesce(state, '?')
FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
UNION ALL
SELECT 'prepared transaction ' || gid || ' of ' || owner FROM pg_prepared_xacts
LIMIT 20)";

Lsn lsn_or_none(QueryResult const& result, std::size_t column) {
  return parse_lsn(result.text_or(0, column, "")).value_or(Lsn{});
}

std::string create_sql(std::string_view slot_name, SlotLifetime lifetime, int server_version) {
  std::string_view options = "EXPORT_SNAPSHOT";
  if (server_version >= 150000)
    options = lifetime == SlotLifetime::failover ? "(SNAPSHOT 'export', FAILOVER)"
                                                 : "(SNAPSHOT 'export')";
  return fmt::format("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput {}", quote_pg(slot_name),
                     lifetime == SlotLifetime::temporary ? " TEMPORARY" : "", options);
}

[[noreturn]] void throw_refused(Error const& error, std::string_view slot_name) {
  if (error.sqlstate() == "42710") // duplicate_object
    throw Error(ErrorCode::slot_unknown,
                fmt::format("replication slot \"{}\" exists already", slot_name))
        .set_advice(
            "If nothing else uses it, drop it and start again: " + drop_slot_sql(slot_name) + ";");
  if (error.sqlstate() == "55000") // object_not_in_prerequisite_state
    throw Error(ErrorCode::source_setting_wrong, error.message())
        .set_sqlstate(error.sqlstate())
        .set_advice("Run ALTER SYSTEM SET wal_level = logical; and restart PostgreSQL.");
  throw; // NOLINT(misc-throw-by-value-catch-by-reference): the one being handled
}

} // namespace

bool Slot::is_lost() const {
  return wal_status == "lost" || !invalidation_reason.empty();
}

std::optional<Slot> find_slot(Connection& connection, std::string_view slot_name) {
  auto const result = connection.query(find_sql(slot_name, connection.server_version()));
  if (result.empty())
    return std::nullopt;
  Slot out;
  out.slot_name = result.text(0, 0);
  out.plugin = result.text(0, 1);
  out.database = result.text(0, 2);
  out.is_logical = result.truth(0, 3);
  out.is_temporary = result.truth(0, 4);
  if (result.rows[0][5])
    out.active_pid = static_cast<int>(result.number(0, 5));
  out.restart_lsn = lsn_or_none(result, 6);
  out.confirmed_flush_lsn = lsn_or_none(result, 7);
  out.wal_status = result.text_or(0, 8, "");
  out.invalidation_reason = result.text_or(0, 9, "");
  out.retained_bytes = result.number(0, 10);
  if (result.rows[0][11])
    out.safe_wal_bytes = result.number(0, 11);
  out.is_two_phase = result.truth(0, 12);
  out.is_failover = result.truth(0, 13);
  out.is_synced = result.truth(0, 14);
  return out;
}

void require_no_gap(Slot const& slot, Lsn acknowledged) {
  if (slot.confirmed_flush_lsn <= acknowledged)
    return;
  throw Error(
      ErrorCode::slot_moved,
      fmt::format(
          "replication slot \"{}\" stands at {}: it was moved or made anew by someone else, "
          "or the checkpoint is an older copy; only changes up to {} are in StarRocks, "
          "those between are gone",
          slot.slot_name, to_string(slot.confirmed_flush_lsn), to_string(acknowledged)));
}

void require_usable(std::optional<Slot> const& slot, std::string_view slot_name,
                    std::string_view database) {
  if (!slot)
    throw Error(ErrorCode::slot_missing,
                fmt::format("replication slot \"{}\" does not exist", slot_name));
  if (!slot->is_logical || slot->plugin != "pgoutput" || slot->database != database)
    throw Error(ErrorCode::slot_unknown,
                fmt::format("replication slot \"{}\" is not a logical slot of pgoutput in database "
                            "\"{}\" but {} of \"{}\" in \"{}\"",
                            slot_name, database, slot->is_logical ? "logical" : "physical",
                            slot->plugin, slot->database))
        .set_advice("Name another slot in the job file, or drop this one if nothing uses it: " +
                    drop_slot_sql(slot_name) + ";");
  if (slot->is_two_phase)
    throw Error(ErrorCode::slot_unknown,
                fmt::format("replication slot \"{}\" decodes two-phase commits, so walrock did not "
                            "make it",
                            slot_name))
        .set_advice("Drop it, and walrock makes its own: " + drop_slot_sql(slot_name) + ";");
  if (slot->is_synced)
    throw Error(
        ErrorCode::slot_in_use,
        fmt::format("replication slot \"{}\" is this standby's copy of its primary's: it can "
                    "be read once the standby is promoted",
                    slot_name))
        .set_advice("Name the primary in source hostname, or several hosts, of which the one that "
                    "takes writes is followed.");
  if (slot->is_lost())
    throw Error(ErrorCode::slot_invalidated,
                fmt::format("replication slot \"{}\" is invalidated ({})", slot_name,
                            slot->invalidation_reason.empty() ? slot->wal_status
                                                              : slot->invalidation_reason));
  if (slot->active_pid)
    throw Error(ErrorCode::slot_in_use,
                fmt::format("replication slot \"{}\" is being read by the server process {}",
                            slot_name, *slot->active_pid));
}

CreatedSlot create_slot(Connection& connection, std::string_view slot_name, SlotLifetime lifetime,
                        std::stop_token const& stop) {
  if (lifetime == SlotLifetime::failover && connection.server_version() < 170000)
    throw Error(ErrorCode::source_setting_wrong,
                fmt::format("PostgreSQL {} has no failover slots; they came with 17",
                            connection.server_version() / 10000))
        .set_advice("Set slot.failover to false, or upgrade the source.");
  QueryResult result;
  try {
    result =
        connection.query(create_sql(slot_name, lifetime, connection.server_version()), {}, stop);
  } catch (Error const& error) {
    throw_refused(error, slot_name);
  }
  // slot_name, consistent_point, snapshot_name, output_plugin
  auto const consistent_lsn = result.empty() ? std::nullopt : parse_lsn(result.text(0, 1));
  if (!consistent_lsn)
    throw ProtocolViolation("PostgreSQL created a slot without a consistent point");
  return {result.text(0, 0), *consistent_lsn, result.text(0, 2)};
}

void make_failover_slot(Connection& connection, std::string_view slot_name) {
  (void)connection.query(
      fmt::format("ALTER_REPLICATION_SLOT {} (FAILOVER true)", quote_pg(slot_name)));
}

std::vector<std::string> slot_creation_blockers(Connection& connection) {
  auto const result = connection.query(kBlockers);
  std::vector<std::string> out;
  for (std::size_t row = 0; row < result.rows.size(); ++row)
    out.push_back(result.text_or(row, 0, "?"));
  return out;
}

void drop_slot(Connection& connection, std::string_view slot_name) {
  (void)connection.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                         "WHERE slot_name = $1",
                         {std::string(slot_name)});
}

std::string create_slot_sql(std::string_view slot_name) {
  return "SELECT pg_create_logical_replication_slot(" + quote_pg_literal(slot_name) +
         ", 'pgoutput')";
}

std::string drop_slot_sql(std::string_view slot_name) {
  return "SELECT pg_drop_replication_slot(" + quote_pg_literal(slot_name) + ")";
}

bool is_slot_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

} // namespace walrock
