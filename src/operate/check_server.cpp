// The source's server: version, settings, the role, the slot.
#include <fmt/format.h>

#include "checkpoint/instance_lock.h"
#include "operate/addresses.h"
#include "operate/check_parts.h"
#include "postgres/slot.h"

namespace walrock {

namespace {

constexpr int kOldestVersion = 120000;
constexpr int kFirstStandby = 160000;
constexpr int kFirstFailoverSlot = 170000;
constexpr int kFirstUnknownVersion = 190000;

std::string alter_system(std::string const& setting, std::string const& value) {
  return fmt::format("ALTER SYSTEM SET {} = {}; then restart PostgreSQL", setting, value);
}

void check_version(ServerSettings const& settings, Findings& findings) {
  if (settings.version_num < kOldestVersion)
    findings.add(Severity::error, "source",
                 fmt::format("PostgreSQL {} is too old", settings.version),
                 "use a server of version 12 to 18", "source_setting_wrong");
  else if (settings.version_num >= kFirstUnknownVersion)
    findings.add(Severity::warning, "source",
                 fmt::format("PostgreSQL {} is newer than what walrock is tested with (12 to 18)",
                             settings.version));
  if (settings.is_in_recovery && settings.version_num < kFirstStandby)
    findings.add(Severity::error, "source",
                 "the server is a standby, which can be followed from PostgreSQL 16 on",
                 "name the primary in source hostname", "source_setting_wrong");
  else if (settings.is_in_recovery)
    findings.add(Severity::note, "source",
                 "the server is a standby: publications and tables' identities can only be set on "
                 "the primary, and making the slot waits for SELECT pg_log_standby_snapshot() "
                 "there");
}

// Needed: the slot when it is not there; a sender for the stream and one that keeps the snapshot.
void check_capacity(ServerSettings const& settings, bool has_slot, Findings& findings) {
  if (settings.wal_level != "logical")
    findings.add(Severity::error, "source",
                 fmt::format("wal_level is {}, it must be logical", settings.wal_level),
                 alter_system("wal_level", "logical"), "source_setting_wrong");
  int const slots_left = settings.max_replication_slots - settings.used_replication_slots;
  if (!has_slot && slots_left < 1)
    findings.add(
        Severity::error, "source",
        fmt::format("no replication slot is left: {} of max_replication_slots = {} are "
                    "in use",
                    settings.used_replication_slots, settings.max_replication_slots),
        alter_system("max_replication_slots", std::to_string(settings.max_replication_slots + 4)),
        "source_setting_wrong");
  int const senders_left = settings.max_wal_senders - settings.used_wal_senders;
  if (senders_left < 2)
    findings.add(senders_left < 1 ? Severity::error : Severity::warning, "source",
                 fmt::format("{} of max_wal_senders = {} are left; the first copy needs 2, the "
                             "stream 1",
                             std::max(0, senders_left), settings.max_wal_senders),
                 alter_system("max_wal_senders", std::to_string(settings.max_wal_senders + 4)),
                 "source_setting_wrong");
}

void check_limits(ServerSettings const& settings, Findings& findings) {
  bool const is_limited = settings.version_num >= 130000 &&
                          settings.max_slot_wal_keep_size != "-1" &&
                          !settings.max_slot_wal_keep_size.empty();
  if (is_limited)
    findings.add(Severity::note, "source",
                 fmt::format("max_slot_wal_keep_size is {}: when walrock is away while more WAL "
                             "than that is written, the slot is lost and everything is copied "
                             "again",
                             settings.max_slot_wal_keep_size));
  if (settings.server_encoding == "SQL_ASCII")
    findings.add(Severity::warning, "source",
                 "the database's encoding is SQL_ASCII: texts that are not UTF-8 are refused by "
                 "StarRocks when they come");
}

void check_role(Connection& source, JobSpec const& job, Findings& findings) {
  RoleRights const rights = read_role_rights(source);
  if (!rights.can_replicate) {
    findings.add(Severity::error, "source", fmt::format("role {} may not replicate", rights.role),
                 fmt::format("ALTER ROLE {} REPLICATION;", quote_pg(rights.role)),
                 "source_permission_denied");
    return;
  }
  try { // pg_hba.conf has lines of its own for these on some servers
    Connection const replication(source_address(job), ConnectionKind::replication);
  } catch (Error const& error) {
    findings.add("source", error);
  }
}

void check_checkpoint(Connection& source, JobSpec const& job, JobRecord const& record,
                      Findings& findings) {
  auto const require = [&](std::string const& what, std::string const& then, std::string const& now,
                           std::string_view code = "checkpoint_mismatch") {
    if (then != now)
      findings.add(
          Severity::error, "checkpoint",
          fmt::format("{} belongs to {} {}, not {}", job.engine.checkpoint_folder, what, then, now),
          "point walrock.checkpoint at this job's own folder, or run `walrock drop` with "
          "the job file it belongs to",
          std::string(code));
  };
  require("job", record.job_id, job.id);
  require("the server with system identifier", record.system_identifier,
          identify_server(source).system_identifier, "source_replaced");
  require("database", record.source_database, job.source.database);
  require("slot", record.slot_name, job.source.slot_name);
}

void check_slot(std::optional<Slot> const& slot, JobSpec const& job, bool is_known,
                Findings& findings) {
  std::string const& name = job.source.slot_name;
  bool const needs_one = is_known || job.source.startup == StartupMode::earliest;
  if (!slot && needs_one) {
    findings.add(Severity::error, "slot",
                 fmt::format("replication slot {} does not exist, but {}", name,
                             is_known ? "the checkpoint continues it"
                                      : "scan.startup.mode is earliest-offset"),
                 is_known ? "walrock drop " + job.file_name + "; then copy again"
                          : "set scan.startup.mode: initial",
                 "slot_missing");
    return;
  }
  if (!slot)
    return;
  if (!needs_one) {
    findings.add(
        Severity::error, "slot",
        fmt::format("replication slot {} exists, but no checkpoint of this job knows it", name),
        drop_slot_sql(name) + "; -- if nothing else uses it", "slot_unknown");
    return;
  }
  Slot usable = *slot;
  if (lock_holder(job.engine.checkpoint_folder)) // it is this job that reads it
    usable.active_pid.reset();
  require_usable(usable, name, job.source.database);
}

// A slot that standbys keep is of use only when walrock is never ahead of them.
void check_failover(Connection& source, JobSpec const& job, ServerSettings const& settings,
                    Findings& findings) {
  if (!job.source.slot_failover)
    return;
  if (settings.version_num < kFirstFailoverSlot) {
    findings.add(Severity::error, "slot",
                 "slot.failover is true, but failover slots came with PostgreSQL 17",
                 "set slot.failover: false, or upgrade the source", "source_setting_wrong");
    return;
  }
  auto const standbys =
      source.query("SELECT current_setting('synchronized_standby_slots', true)").text_or(0, 0, "");
  if (standbys.empty())
    findings.add(Severity::warning, "slot",
                 "synchronized_standby_slots is empty: StarRocks may be ahead of the standbys, and "
                 "after a failover that loses commits every table must be copied again",
                 "ALTER SYSTEM SET synchronized_standby_slots = '<the standby's slot>'; SELECT "
                 "pg_reload_conf();");
}

} // namespace

void check_server(Connection& source, JobSpec const& job,
                  std::optional<Checkpoint> const& checkpoint, Findings& findings) {
  ServerSettings const settings = read_server_settings(source);
  check_version(settings, findings);
  check_failover(source, job, settings, findings);
  auto const slot = find_slot(source, job.source.slot_name);
  if (!lock_holder(job.engine.checkpoint_folder))
    check_capacity(settings, slot.has_value(), findings);
  check_limits(settings, findings);
  check_role(source, job, findings);
  bool const has_job = checkpoint && checkpoint->job;
  if (has_job)
    check_checkpoint(source, job, *checkpoint->job, findings);
  check_slot(slot, job, has_job && checkpoint->job->consistent_lsn.is_set(), findings);
}

} // namespace walrock
