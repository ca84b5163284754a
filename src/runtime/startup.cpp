#include "runtime/startup.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"
#include "config/table_matcher.h"
#include "config/table_rules.h"
#include "postgres/catalog.h"
#include "postgres/partitions.h"
#include "postgres/publication.h"
#include "runtime/group_start.h"
#include "runtime/slot_repair.h"
#include "runtime/slot_start.h"
#include "runtime/target_demands.h"
#include "runtime/target_setup.h"
#include "schema/leaf_identity.h"
#include "schema/type_map.h"

namespace walrock {

namespace {

constexpr int kOldestServer = 120000;

void sleep(std::stop_token const& stop, Milliseconds time) {
  if (!pause_for(time, stop))
    throw Stopped();
}

// The catalog may be locked by somebody's ALTER TABLE in the other order: a deadlock passes.
bool may_pass(Error const& error) {
  return dynamic_cast<ConnectionLost const*>(&error) != nullptr ||
         (error.code() == ErrorCode::source_query_failed && error.retry() == Retry::later);
}

// Repeats the work while a server cannot be reached, or has no time for it.
template <typename Work>
auto waiting(Report const& report, std::string const& phase, std::stop_token const& stop,
             Work work) {
  Backoff backoff(Milliseconds(200), Milliseconds(10'000));
  report(phase, "");
  for (;;) {
    try {
      return work();
    } catch (Error const& error) {
      if (!may_pass(error))
        throw;
      Milliseconds const delay = backoff.next();
      report(phase, error.what());
      log::warning("{} is tried again delay_ms={}: {}", phase, delay.count(), error.what());
      sleep(stop, delay);
    }
  }
}

// No start has recorded yet what becomes of the tables; those it was about to make may be known. A
// slot that was given up has no position either, but its tables say why they are copied again.
bool is_first_start(Checkpoint const& checkpoint) {
  bool const has_position = checkpoint.job && checkpoint.job->consistent_lsn.is_set();
  return !has_position && std::all_of(checkpoint.tables.begin(), checkpoint.tables.end(),
                                      [](TableRecord const& table) {
                                        return table.state == TableState::init &&
                                               table.reason.empty();
                                      });
}

class Startup {
public:
  Startup(JobSpec const& job, EngineAddresses const& addresses, CheckpointStore& store,
          Report const& report, std::stop_token stop)
      : job_(job), addresses_(addresses), store_(store), report_(report), stop_(std::move(stop)),
        slot_(job, addresses, store, report, stop_, out_) {}

  Prepared run() {
    out_.checkpoint = store_.read();
    is_first_start_ = is_first_start(out_.checkpoint);
    waiting(report_, "connecting to PostgreSQL", stop_, [&] { ask_source(); });
    waiting(report_, "connecting to StarRocks", stop_, [&] { ask_target(); });
    waiting(report_, "transactions of the start before", stop_, [&] { settle_groups(); });
    waiting(report_, "looking at the tables", stop_, [&] { choose_tables(); });
    waiting(report_, "publication", stop_, [&] {
      publish();
      see_published();
    });
    waiting(report_, "replication slot", stop_, [&] { slot_.take(source(), history_); });
    waiting(report_, "target tables", stop_, [&] { prepare_targets(); });
    out_.known = known_position(out_.checkpoint);
    return std::move(out_);
  }

private:
  Connection& source() {
    if (source_ == nullptr || !source_->is_alive())
      source_ = std::make_unique<Connection>(addresses_.source, ConnectionKind::sql, stop_);
    return *source_;
  }

  void ask_source() {
    ServerSettings const settings = read_server_settings(source());
    if (settings.version_num < kOldestServer)
      throw Error(
          ErrorCode::source_setting_wrong,
          fmt::format("PostgreSQL {} is too old: walrock needs 12 or later", settings.version));
    if (settings.wal_level != "logical")
      throw Error(ErrorCode::source_setting_wrong,
                  fmt::format("wal_level is {}, it must be logical", settings.wal_level))
          .set_advice("ALTER SYSTEM SET wal_level = logical; then restart PostgreSQL.");
    refuse_old_standby(settings);
    Connection replication(addresses_.source, ConnectionKind::replication, stop_);
    history_ = read_source_history(replication, stop_);
    out_.server_lsn = history_.wal_end;
    out_.job.job_id = job_.id;
    out_.job.system_identifier = history_.system_identifier;
    out_.job.timeline = history_.timeline;
    out_.job.timeline_start = history_.timeline_start();
    out_.job.source_database = job_.source.database;
    out_.job.slot_name = job_.source.slot_name;
    out_.job.publication_name = job_.source.publication_name;
    log::info("source version={} system={} timeline={}{}", settings.version,
              history_.system_identifier, history_.timeline,
              history_.is_in_recovery ? " standby" : "");
    if (!out_.checkpoint.job)
      return;
    JobRecord const& known = *out_.checkpoint.job;
    out_.job.consistent_lsn = known.consistent_lsn;
    out_.job.log_id = known.log_id;
    auto const require = [](std::string const& what, std::string const& then,
                            std::string const& now) {
      if (then != now)
        throw Error(ErrorCode::checkpoint_mismatch,
                    fmt::format("the checkpoint belongs to {} {}, not {}", what, then, now));
    };
    require("job", known.job_id, out_.job.job_id);
    require("database", known.source_database, out_.job.source_database);
    require("slot", known.slot_name, out_.job.slot_name);
    slot_.compare_history(history_);
  }

  void refuse_old_standby(ServerSettings const& settings) const {
    constexpr int kFirstStandby = 160000;
    if (settings.is_in_recovery && settings.version_num < kFirstStandby)
      throw Error(ErrorCode::source_setting_wrong,
                  fmt::format("the server is a standby of PostgreSQL {}; a standby can be followed "
                              "from 16 on",
                              settings.version_num / 10000))
          .set_advice("Name the primary in source hostname.");
  }

  void ask_target() {
    SqlConnection sql(addresses_.target);
    TargetCatalog catalog(sql);
    ServerVersion const version = catalog.version();
    if (version < ServerVersion{2, 4, 0})
      throw Error(ErrorCode::target_model_unsupported,
                  fmt::format("StarRocks {} has no load transactions: walrock needs 2.4 or later",
                              to_string(version)));
    if (job_.target.transactions == Transactions::across_tables)
      require_groups(version);
    if (auto const limit = catalog.running_transaction_limit())
      out_.label_budget = std::max<std::size_t>(4, *limit / 4);
    out_.load_options.version = version;
    out_.load_options.compression = job_.target.compression;
    out_.load_options.load_timeout = job_.target.load_timeout;
    out_.load_options.prepared_timeout = job_.target.prepared_timeout;
    log::info("target version={} label_budget={}", to_string(version), out_.label_budget);
  }

  void settle_groups() {
    StreamLoader loader(addresses_.target, addresses_.ddl, out_.load_options, stop_);
    settle_groups_of(out_.checkpoint, store_, loader, job_.id);
  }

  std::string refusal_of(ListedTable const& listed) {
    constexpr int kFirstWithRoots = 130000;
    if (listed.relkind == 'p' && source().server_version() < kFirstWithRoots)
      return "is partitioned, and PostgreSQL 12 publishes partitions only: name these instead";
    return listed.refusal();
  }

  void choose_tables() {
    TableMatcher const matcher(job_);
    std::vector<TableName> names;
    std::vector<TableName> existing;
    has_partitioned_ = false;
    for (ListedTable const& listed : list_tables(source())) {
      existing.push_back(listed.name);
      if (!matcher.matches(listed.name))
        continue;
      bool const is_named =
          std::any_of(job_.source.tables.begin(), job_.source.tables.end(),
                      [&](TablePattern const& pattern) { return pattern.plain == listed.name; });
      if (listed.is_partition && !is_named)
        continue; // its root is replicated
      std::string const refusal = refusal_of(listed);
      if (!refusal.empty()) {
        if (is_named)
          throw Error(ErrorCode::table_not_found, fmt::format("{} {}: it cannot be replicated",
                                                              to_string(listed.name), refusal));
        log::warning("table is left out table={}: it {}", to_string(listed.name), refusal);
        continue;
      }
      has_partitioned_ |= listed.relkind == 'p';
      names.push_back(listed.name);
    }
    std::string missing;
    for (std::string const& sentence : matcher.validate(existing))
      missing += (missing.empty() ? "" : "\n") + sentence;
    if (!missing.empty() || names.empty())
      throw Error(ErrorCode::table_not_found,
                  missing.empty() ? "no table matches table-name" : missing);
    targets_ = targets_for(job_, names);
    sources_ = describe_tables(source(), names);
    keep_published(source(), job_.source.publication_name, sources_);
    look_at_partitions();
    for (SourceTable const& table : sources_)
      if (auto const advice = key_advice(table, options_for(job_, table.name));
          advice && is_publishable(table))
        log::warning("{}{}{}", advice->message, advice->sql.empty() ? "" : " Cure: ", advice->sql);
    for (SourceTable const& table : sources_)
      say_fallbacks(table);
  }

  // Before there is a slot: what becomes of them from here on is either in the stream or seen.
  void look_at_partitions() {
    std::vector<RelationId> roots;
    for (SourceTable const& table : sources_)
      if (table.relkind == 'p')
        roots.push_back(table.id);
    partitions_ = read_partitions(source(), roots);
    for (SourceTable& table : sources_)
      if (table.relkind == 'p')
        table.partitions = partitions_.at(table.id).partitions;
    for (SourceTable const& root : sources_)
      for (SourceTable const& table : sources_)
        if (root.relkind == 'p' && partitions_.at(root.id).find(table.id.oid) != nullptr)
          throw Error(ErrorCode::job_file_invalid,
                      fmt::format("{} is a partition of {}, and the job selects both: its changes "
                                  "would arrive for {} alone",
                                  to_string(table.name), to_string(root.name),
                                  to_string(root.name)))
              .set_advice("Name either of them in table-name, or put the other into "
                          "exclude-tables.");
  }

  // What was known when the checkpoint was written; a table that is copied is seen anew.
  void watch_partitions(SourceTable const& source, SetUpTable& table) {
    TableRecord& record = table.entry.record;
    auto known = partitions_of(record.layout);
    bool const is_copied = record.state == TableState::init || record.state == TableState::copying;
    if (!known || is_copied)
      known = partitions_.at(source.id);
    record.layout = with_partitions(record.layout, *known);
    if (record.state == TableState::errored)
      return;
    TableOptions const options = options_for(job_, source.name);
    out_.partitioned.insert_or_assign(
        source.id,
        PartitionedTable(needed_identity(source, table.copy_target(), options), *known,
                         options.dropped_partitions.value_or(DroppedPartitions::copy_again)));
  }

  void say_fallbacks(SourceTable const& table) const {
    auto const chosen = options_for(job_, table.name).column_types;
    for (SourceColumn const& column : table.columns)
      if (std::string const words = fallback_sentence(column);
          !words.empty() && column.is_sent && !chosen.contains(column.name))
        log::warning("column {} of {}: {}", column.name, to_string(table.name), words);
  }

  void publish() {
    std::vector<TableName> names;
    for (SourceTable const& table : sources_)
      if (is_publishable(table))
        names.push_back(table.name);
    if (names.empty())
      require_publishable(sources_.front()); // none is, so this one says why
    std::string const& name = job_.source.publication_name;
    auto publication = find_publication(source(), name);
    if (!publication) {
      if (!job_.source.auto_create_publication || history_.is_in_recovery)
        throw Error(ErrorCode::publication_missing,
                    fmt::format("publication {} does not exist{}", name,
                                history_.is_in_recovery
                                    ? ", and the server is a standby, where none can be made"
                                    : ""))
            .set_advice(
                (history_.is_in_recovery ? "On the primary: " : "") +
                create_publication_sql(name, names, has_partitioned_, source().server_version()) +
                ";");
      WALROCK_BEFORE(start_publication);
      create_publication(source(), name, names, has_partitioned_);
      WALROCK_AFTER(start_publication);
      log::info("created publication={} tables={}", name, names.size());
      return;
    }
    if (std::string const lacking = publication->missing_operations(); !lacking.empty())
      log::warning("publication {} does not publish {}: these changes are not replicated", name,
                   lacking);
    if (has_partitioned_ && !publication->is_via_root) {
      require_via_root();
      publication = find_publication(source(), name);
    }
    std::vector<TableName> absent;
    for (TableName const& table : names)
      if (!publication->covers(table))
        absent.push_back(table);
    if (absent.empty())
      return;
    if (history_.is_in_recovery)
      throw Error(ErrorCode::publication_missing,
                  fmt::format("publication {} lacks {}, and the server is a standby, where it "
                              "cannot be changed",
                              name, to_string(absent.front())))
          .set_advice(
              fmt::format("On the primary: ALTER PUBLICATION {} ADD TABLE ...;", quote_pg(name)));
    WALROCK_BEFORE(start_publication);
    add_tables(source(), name, absent);
    WALROCK_AFTER(start_publication);
    log::info("added to publication={} tables={}", name, absent.size());
  }

  // What was made or added now is sent as a whole.
  void see_published() { keep_published(source(), job_.source.publication_name, sources_); }

  // Without it, changes of partitions would arrive under names that nobody follows.
  void require_via_root() {
    std::string const& name = job_.source.publication_name;
    if (!job_.source.auto_create_publication || history_.is_in_recovery)
      throw Error(ErrorCode::publication_missing,
                  fmt::format("publication {} does not publish partitioned tables under their own "
                              "name",
                              name))
          .set_advice(publish_via_root_sql(name) + ";");
    publish_via_root(source(), name);
    log::info("publication={} publishes partitioned tables under their own name from now on", name);
  }

  // Behind it a start that dies still knows why the table is copied again.
  void remember(TableRecord record) {
    for (TableRecord const& known : out_.checkpoint.tables)
      if (known.id == record.id && record.reason.empty())
        record.reason = known.reason;
    CheckpointUpdate update;
    update.tables.push_back(record);
    WALROCK_BEFORE(start_table_record);
    store_.write(update);
    WALROCK_AFTER(start_table_record);
    std::erase_if(out_.checkpoint.tables, [&](TableRecord const& r) { return r.id == record.id; });
    out_.checkpoint.tables.push_back(record);
  }

  void prepare_targets() {
    TargetSetup setup(job_, addresses_, out_.checkpoint, is_first_start_,
                      [this](TableRecord const& record) { remember(record); });
    out_.tables.clear();
    out_.followed.clear();
    out_.copied.clear();
    out_.partitioned.clear();
    CheckpointUpdate update;
    if (!out_.checkpoint.job || !out_.checkpoint.job->consistent_lsn.is_set() ||
        out_.checkpoint.job->log_id != out_.job.log_id)
      update.job = out_.job; // with where the new slot begins, and the durable spool
    std::set<RelationId> present;
    for (SourceTable const& source : sources_) {
      present.insert(source.id);
      SetUpTable table = setup.set_up(source, targets_.at(source.name), out_.job.consistent_lsn);
      if (source.relkind == 'p')
        watch_partitions(source, table);
      update.tables.push_back(table.entry.record);
      FollowedTable followed;
      followed.source = source;
      followed.source.filenode = table.filenode_before; // tells a rewrite while walrock was down
      followed.target = table.target;
      followed.from = kNothingWanted; // the engine sets it from the committer
      followed.ignores_incompatible = job_.schema_sync.ignore_incompatible_fields;
      followed.follows_columns = job_.schema_sync.enable;
      followed.options = setup.options_in_cluster(options_for(job_, source.name));
      followed.may_be_made_anew = may_be_made_anew(job_, followed.options);
      followed.quarantine_limit = table.entry.quarantine_limit;
      out_.load_options.finds_refused_rows |= followed.quarantine_limit.has_value();
      if (table.entry.record.state != TableState::errored) {
        out_.copied[source.id] = {source,
                                  table.copy_target(),
                                  followed.options,
                                  followed.ignores_incompatible,
                                  followed.follows_columns,
                                  followed.quarantine_limit,
                                  table.target.name,
                                  followed.may_be_made_anew,
                                  source.shape()};
        out_.followed.push_back(std::move(followed));
      }
      out_.tables.push_back(std::move(table.entry));
    }
    setup.set_up_quarantine(out_.tables);
    if (job_.target.transactions == Transactions::across_tables)
      set_up_progress(job_, addresses_);
    for (TableRecord const& known : out_.checkpoint.tables)
      if (!present.contains(known.id)) {
        log::info("table is not in the job any more table={}", to_string(known.source));
        update.dropped_tables.push_back(known.id);
      }
    WALROCK_BEFORE(start_tables_record);
    store_.write(update);
    WALROCK_AFTER(start_tables_record);
    if (update.job)
      out_.checkpoint.job = update.job;
  }

  JobSpec const& job_;
  EngineAddresses const& addresses_;
  CheckpointStore& store_;
  Report const& report_;
  std::stop_token stop_;
  std::unique_ptr<Connection> source_;
  bool has_partitioned_ = false;
  bool is_first_start_ = true;
  std::vector<SourceTable> sources_;
  std::map<RelationId, PartitionTree> partitions_; // of those that are partitioned
  std::map<TableName, TargetName> targets_;
  SourceHistory history_;
  Prepared out_;
  SlotStart slot_; // of out_
};

} // namespace

Prepared prepare(JobSpec const& job, EngineAddresses const& addresses, CheckpointStore& store,
                 Report const& report, std::stop_token stop) {
  return Startup(job, addresses, store, report, std::move(stop)).run();
}

} // namespace walrock
