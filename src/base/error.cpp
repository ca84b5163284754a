#include "base/error.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace walrock {

namespace {
constexpr ErrorCode kLastCode = ErrorCode::internal;
}

// The one table. A switch without a default: a new code without a policy does not compile cleanly.
ErrorPolicy const& error_policy(ErrorCode code) {
  using enum ErrorCode;
  static auto const config = Blame::config;
  static auto const source = Blame::source;
  static auto const target = Blame::target;
  static auto const engine = Blame::engine;
#define POLICY(code_, blame_, retry_, advice_)                                                     \
  case code_: {                                                                                    \
    static ErrorPolicy const policy{#code_, blame_, Retry::retry_, advice_};                       \
    return policy;                                                                                 \
  }
  switch (code) {
    POLICY(usage, config, never, "Run `walrock --help`.")
    POLICY(job_file_invalid, config, never,
           "Correct the job file at the place named; docs/guide/configuration.md lists every key.")
    POLICY(secret_missing, config, never,
           "Set the environment variable or create the file that the job file refers to.")
    POLICY(source_unreachable, source, later,
           "Check that PostgreSQL runs and that hostname, port, pg_hba.conf and TLS settings let "
           "walrock in.")
    POLICY(source_login_refused, source, never,
           "Check source username and password and the pg_hba.conf of the server.")
    POLICY(source_permission_denied, source, never,
           "Grant the role what is missing; `walrock check` prints the exact SQL.")
    POLICY(source_setting_wrong, source, never,
           "Change the server setting named; `walrock check` prints the exact statement.")
    POLICY(source_query_failed, source, never,
           "Read PostgreSQL's message; `walrock check` may name the cause.")
    POLICY(source_protocol_violation, source, never,
           "This should not happen with a PostgreSQL server of version 12 to 18; report it with "
           "the log.")
    POLICY(slot_unknown, source, never,
           "If nothing else uses the slot, drop it with the SQL shown and start again.")
    POLICY(slot_missing, source, never,
           "The changes since the checkpoint are gone: set slot.lost: copy in the job file, or run "
           "`walrock drop JOB` and choose existing-rows, and start again, which copies every "
           "table.")
    POLICY(slot_in_use, source, later,
           "Another process reads the slot; stop it, or wait until the server notices that it is "
           "gone.")
    POLICY(
        slot_invalidated, source, never,
        "The server threw away WAL that was still needed: raise max_slot_wal_keep_size; then set "
        "slot.lost: copy in the job file, or run `walrock drop JOB`, and start again, which "
        "copies every table.")
    POLICY(slot_moved, source, never,
           "If the checkpoint folder is an older copy, put the newest one back. Otherwise the "
           "changes between are gone: set slot.lost: copy in the job file, or run `walrock drop "
           "JOB`, and start again, which copies every table.")
    POLICY(source_replaced, source, never,
           "Point source hostname at the server the job began with. If this one is to be followed "
           "from now on (after pg_upgrade, for instance), run `walrock drop JOB` and start again.")
    POLICY(source_rewound, source, never,
           "If the server was restored from a backup, set slot.lost: copy in the job file, or run "
           "`walrock drop JOB`, and start again, which copies every table.")
    POLICY(timeline_switched, source, later,
           "The start looks at the server and its slot again, by itself.")
    POLICY(timeline_diverged, source, never,
           "If this is an old primary, point source hostname at the present one. If it is to be "
           "followed, set slot.lost: copy in the job file, or run `walrock drop JOB`, and start "
           "again, which copies every table.")
    POLICY(publication_missing, source, never,
           "Let walrock create the publication, or create it with the SQL shown.")
    POLICY(publication_denied, source, never,
           "Let the owner of the tables create the publication with the SQL shown.")
    POLICY(table_not_found, config, never,
           "Check source table-name and schema-name against the tables of the database.")
    POLICY(replica_identity_missing, source, never,
           "Give the table a primary key or set a replica identity with the SQL shown.")
    POLICY(primary_key_missing, source, never,
           "Give the table a primary key, or name a unique-key in the job file.")
    POLICY(copy_needed, source, later, "The table is copied again by itself.")
    POLICY(snapshot_lost, source, later, "The table is copied again under a new snapshot.")
    POLICY(table_changed, source, never,
           "This schema change is not followed yet: adapt or drop the target table and copy the "
           "table again.")
    POLICY(target_unreachable, target, later,
           "Check that StarRocks runs and that fe-nodes, mysql-port and the addresses its backends "
           "register are reachable from here.")
    POLICY(target_login_refused, target, never, "Check sink username and password.")
    POLICY(target_permission_denied, target, never,
           "Grant the user what is missing; `walrock check` prints the exact SQL.")
    POLICY(target_query_failed, target, never, "Read StarRocks' message for the cause.")
    POLICY(target_protocol_violation, target, later,
           "Check that fe-nodes names a StarRocks frontend's HTTP port and not a proxy's page.")
    POLICY(target_table_mismatch, target, never,
           "Align the target table as the message says, or drop it and let walrock create it.")
    POLICY(target_table_missing, target, never,
           "Create the table, or set schema-sync.auto-create-table to true.")
    POLICY(target_has_rows, target, never,
           "Choose existing-rows: truncate, keep or swap for this table, or empty it yourself.")
    POLICY(target_model_unsupported, target, never,
           "Use a PRIMARY KEY table: other models ignore deletes silently.")
    POLICY(transactions_unsupported, target, never,
           "Use a newer server, or leave transactions out of the job file: each table is committed "
           "by itself then.")
    POLICY(load_rejected, target, never,
           "StarRocks refused the rows named; change the column's type in the target, correct the "
           "rows, or say in the job file what becomes of such values (unsupported-values) or rows "
           "(bad-rows: quarantine).")
    POLICY(quarantine_full, target, never,
           "Widen the column that the reasons name (walrock quarantine JOB lists them), or raise "
           "bad-rows-limit; then copy the table again.")
    POLICY(load_failed, target, later, "The load is tried again under a new label.")
    POLICY(label_in_doubt, target, never,
           "Look at the table: whether the rows of this label are there decides whether to copy "
           "the table again.")
    POLICY(value_unsupported, source, never,
           "Choose in the job file: a type that holds the value (column-types), what becomes of "
           "such values (unsupported-values: null, clamp or text), or to keep such rows aside "
           "(bad-rows: quarantine); then copy the table again.")
    POLICY(checkpoint_failed, engine, later,
           "Check space and permissions of the checkpoint folder (walrock.checkpoint).")
    POLICY(checkpoint_mismatch, engine, never,
           "Point walrock.checkpoint at this job's own folder, or run `walrock drop JOB`.")
    POLICY(instance_running, config, never, "Stop the other walrock of this job first.")
    POLICY(spool_failed, engine, later,
           "Check space and permissions of the checkpoint folder (walrock.checkpoint).")
    POLICY(
        spool_lost, engine, never,
        "If the folder of walrock.durable-spool was moved, or its disk is not mounted, bring it "
        "back. Otherwise the changes in it are gone: set slot.lost: copy in the job file, or run "
        "`walrock drop JOB`, and start again, which copies every table.")
    POLICY(http_listen_failed, config, never, "Choose another address with walrock.http.")
    POLICY(stopped, engine, never, "Start walrock again to go on where it stopped.")
    POLICY(internal, engine, later, "This is a defect of walrock: report it with the log.")
  }
#undef POLICY
  assertion_failed("code is known", "error code without a policy", Where::here());
}

std::vector<ErrorCode> all_error_codes() {
  std::vector<ErrorCode> codes;
  for (int code = 0; code <= static_cast<int>(kLastCode); ++code)
    codes.push_back(static_cast<ErrorCode>(code));
  return codes;
}

Error::Error(ErrorCode code, std::string what, Where where)
    : code_(code), retry_(error_policy(code).retry), message_(std::move(what)), where_(where) {
  compose();
}

std::string_view Error::advice() const {
  return advice_.empty() ? error_policy(code_).advice : std::string_view(advice_);
}

Error& Error::add_context(std::string line) {
  context_.push_back(std::move(line));
  compose();
  return *this;
}

Error& Error::set_advice(std::string advice) {
  advice_ = std::move(advice);
  return *this;
}

Error& Error::set_sqlstate(std::string sqlstate) {
  sqlstate_ = std::move(sqlstate);
  return *this;
}

Error& Error::set_retry(Retry retry) {
  retry_ = retry;
  return *this;
}

void Error::compose() {
  full_ = message_;
  for (std::string const& line : context_)
    full_ += "; " + line;
}

ErrorReport ErrorReport::of(Error const& error) {
  return {error.code(), error.retry(), error.what(), std::string(error.advice())};
}

ErrorReport ErrorReport::of(std::exception const& error) {
  if (auto const* ours = dynamic_cast<Error const*>(&error))
    return of(*ours);
  return {ErrorCode::internal, Retry::later, error.what(),
          std::string(error_policy(ErrorCode::internal).advice)};
}

void assertion_failed(char const* condition, std::string_view why, Where where) {
  std::fprintf(stderr, "walrock: broken assertion %s (%.*s) at %s:%d\n", condition,
               static_cast<int>(why.size()), why.data(), where.file, where.line);
  std::abort();
}

} // namespace walrock
