#include "runtime/target_setup.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "model/partition_tree.h"
#include "model/published.h"
#include "model/table_plan.h"
#include "model/twin.h"
#include "runtime/target_demands.h"
#include "schema/ddl.h"
#include "schema/made_anew.h"
#include "schema/made_columns.h"

namespace walrock {

namespace {

constexpr Milliseconds kAlterPatience{120'000}; // for columns of a table that is not loaded yet

std::string names_of(std::vector<TargetColumn> const& columns) {
  std::string names;
  for (TargetColumn const& column : columns)
    names += (names.empty() ? "" : ", ") + column.name;
  return names;
}

} // namespace

TargetSetup::TargetSetup(JobSpec const& job, EngineAddresses const& addresses,
                         Checkpoint const& checkpoint, bool is_first_start, Remember remember)
    : job_(job), checkpoint_(checkpoint), sql_(addresses.ddl), catalog_(sql_),
      is_first_start_(is_first_start), remember_(std::move(remember)) {}

bool TargetSetup::is_copied() const {
  return job_.source.startup == StartupMode::initial || !is_first_start_;
}

SetUpTable TargetSetup::set_up(SourceTable const& source, TargetName const& name,
                               Lsn consistent_lsn) {
  SetUpTable table;
  TableRecord& record = table.entry.record;
  auto const known =
      std::find_if(checkpoint_.tables.begin(), checkpoint_.tables.end(),
                   [&](TableRecord const& r) { return r.id == source.id && r.target == name; });
  bool const is_known = known != checkpoint_.tables.end();
  if (is_known)
    record = *known;
  record.id = source.id;
  record.source = source.name;
  record.target = name;
  table.filenode_before = is_known ? record.filenode : source.filenode;
  std::string const layout_before = is_known ? record.layout : source.layout();
  record.filenode = source.filenode;
  record.layout = source.layout() + zone_line(job_.target.time_zone) + money_line(source);
  if (auto const partitions = partitions_of(layout_before))
    record.layout = with_partitions(record.layout, *partitions);
  try {
    options_ = options_for(job_, source.name);
    wanted_ = target_table_for(source, name, options_);
    require_publishable(source);
    for (std::string const& sentence : version_sentences(source, wanted_, options_))
      log::warning("{}", sentence);
    auto const existing = is_known ? catalog_.describe_table(name) : std::nullopt;
    if (existing)
      compare_shape(source, layout_before, *existing, record);
    if (is_known)
      compare_published(source, layout_before, record);
    table.entry.is_append_only = wanted_.model != TableModel::primary;
    table.entry.is_emptied_before_copy = options_.existing_rows != ExistingRows::keep;
    table.target = wanted_;
    if (is_known && !(record.state == TableState::errored && !record.applied_lsn.is_set()))
      set_up_known(source, existing, table);
    else
      set_up_first_time(source, table);
    owe_made_columns(table);
    keep_rows(table);
    if (record.state != TableState::errored)
      require_identities(source, table.copy_target(), options_);
    if (!table.entry.is_append_only && !table.copy_target().is_hashed())
      table.entry.quarantine_limit = options_.quarantine_limit();
    table.entry.has_origin =
        table.entry.is_append_only && table.copy_target().column(kLsnColumn) != nullptr;
    if (is_known && record.state != TableState::init && record.state != TableState::errored) {
      require_same_zone(source, layout_before, job_.target.time_zone);
      require_same_money(source, layout_before);
    }
    if (!is_copied() && record.state == TableState::init) {
      record.state = TableState::ready; // nothing is copied
      record.applied_lsn = consistent_lsn;
    }
  } catch (ConnectionLost const&) {
    throw;
  } catch (Error const& error) {
    if (error.code() == ErrorCode::checkpoint_failed)
      throw; // not the table's fault
    // A server that is not ready yet must not cost a table its copy.
    bool const is_passing = error.code() == ErrorCode::target_query_failed ||
                            error.code() == ErrorCode::target_protocol_violation;
    if (is_passing && is_known && record.applied_lsn.is_set())
      throw ConnectionLost(ErrorCode::target_unreachable, error.what());
    record.state = TableState::errored;
    record.reason = fmt::format("{}: {}. {}", error.word(), error.what(), error.advice());
    log::error("table is set aside table={}: {}", to_string(source.name), record.reason);
  }
  return table;
}

// What became of the table while walrock was down, and that ALTER of the target does not follow.
std::string TargetSetup::change_of(SourceTable const& source, SourceShape const& before,
                                   TargetTable const& existing) const {
  std::string why = change_unseen(before, source, existing, options_);
  bool const is_keyed = existing.model == TableModel::primary && !existing.is_hashed();
  if (!why.empty() || !is_keyed)
    return why;
  auto const key = key_of(source, options_);
  if (key.empty() ||
      std::is_permutation(key.begin(), key.end(), existing.key.begin(), existing.key.end()))
    return {};
  return fmt::format("table {}: its key is ({}) by now, that of its target is ({})",
                     to_string(source.name), fmt::join(key, ", "), fmt::join(existing.key, ", "));
}

void TargetSetup::compare_shape(SourceTable const& source, std::string const& layout,
                                TargetTable const& existing, TableRecord& record) {
  bool const must_copy = record.state == TableState::init || record.state == TableState::copying;
  bool const may_make = may_be_made_anew(job_, options_);
  if (record.state == TableState::errored || (must_copy && !may_make))
    return;
  SourceShape const before = must_copy ? without_rows(shape_of(layout), source) : shape_of(layout);
  if (!may_make) {
    // Where types are others, the target may have been altered by hand: what it takes, it gets.
    if (std::string const why = rows_differ_because(before, source); !why.empty())
      throw Error(ErrorCode::table_changed,
                  fmt::format("table {}: {} while walrock was down", to_string(source.name), why));
    return;
  }
  std::string const why = change_of(source, before, existing);
  if (why.empty())
    return;
  log::warning("table is made anew table={}: {}", to_string(source.name), why);
  record.state = TableState::init;
  record.applied_lsn = Lsn{};
  record.copied_rows = 0;
  record.reason = kMadeAnewBecause + why;
}

// What changed while walrock was down: the rows that are there are shown until the table is copied
// again.
void TargetSetup::compare_published(SourceTable const& source, std::string const& layout,
                                    TableRecord& record) {
  bool const is_filled = record.state == TableState::copied || record.state == TableState::ready ||
                         record.state == TableState::catching_up;
  auto const before = published_of(layout);
  if (!is_filled || !before)
    return; // the first look is believed
  std::string const why = publication_change(*before, source.published());
  if (why.empty())
    return;
  if (auto const existing = catalog_.describe_table(record.target))
    require_key_of_target(source, target_table_beside(source, *existing, options_), *existing, why);
  log::warning("table is copied again table={}: {}", to_string(source.name), why);
  record.state = TableState::init;
  record.applied_lsn = Lsn{};
  record.copied_rows = 0;
  record.reason = fmt::format("copied again because {}", why);
}

void TargetSetup::set_up_first_time(SourceTable const& source, SetUpTable& table) {
  TableRecord& record = table.entry.record;
  record.state = TableState::init;
  record.reason.clear();
  record.applied_lsn = Lsn{};
  auto const existing = catalog_.describe_table(record.target);
  if (!existing) {
    create(table);
    return;
  }
  bool const is_replaceable = existing->model != wanted_.model &&
                              existing->model == TableModel::unique && job_.schema_sync.enable &&
                              job_.schema_sync.auto_create_table;
  if (is_replaceable && !catalog_.has_rows(record.target)) {
    log::info("empty UNIQUE KEY table is replaced by a PRIMARY KEY table, because StarRocks "
              "ignores deletes there table={}",
              to_string(record.target));
    catalog_.drop_table(record.target);
    create(table);
    return;
  }
  wanted_ = target_table_beside(source, *existing, options_);
  table.entry.is_append_only = wanted_.model != TableModel::primary;
  compare_with(source, *existing, table);
  table.target = *existing;
  bool const has_rows = catalog_.has_rows(record.target);
  if (is_copied() && has_rows)
    decide_on_rows(table);
  else
    table.entry.is_known_empty = true;
  if (!table.twin)
    add_origin(table, has_rows);
}

// Columns that the job asks for, of a target that was there before. Nothing of the table may be
// open when they are added, so that is done later, before the first rows that have them.
void TargetSetup::owe_made_columns(SetUpTable& table) {
  auto lacking = made_columns_lacking(wanted_, table.copy_target());
  if (!options_.is_history())
    std::erase_if(lacking, is_of_origin); // see add_origin()
  if (lacking.empty() || table.entry.record.state == TableState::errored)
    return;
  bool const may_add = job_.schema_sync.enable && !job_.schema_sync.ignore_incompatible_fields;
  bool const lacks_origin = std::any_of(lacking.begin(), lacking.end(), is_of_origin);
  if (!may_add || lacks_origin)
    throw Error(ErrorCode::target_table_mismatch,
                fmt::format("{} lacks {}, which the job asks for{}", to_string(table.target.name),
                            names_of(lacking),
                            may_add ? ", and its rows do not tell where they came from"
                                    : ", and no columns are to be added"))
        .set_advice(add_columns_sql(table.target.name, lacking) + ";");
  log::info("columns are to be added table={} columns={}", to_string(table.target.name),
            names_of(lacking));
  table.target.columns.insert(table.target.columns.end(), lacking.begin(), lacking.end());
  table.entry.owed_columns = std::move(lacking);
}

// An append-only table that somebody made lacks the columns that tell after a crash which rows are
// there. Where columns are not to be added it is loaded without.
void TargetSetup::add_origin(SetUpTable& table, bool has_rows) {
  auto lacking = made_columns_lacking(wanted_, table.target);
  std::erase_if(lacking, [](TargetColumn const& column) { return !is_of_origin(column); });
  if (lacking.empty() || !job_.schema_sync.enable || job_.schema_sync.ignore_incompatible_fields)
    return;
  TargetName const& target = table.target.name;
  std::string const sql = add_columns_sql(target, lacking) + ";";
  if (has_rows && !is_copied()) {
    log::warning("table={} is loaded without {}: {}", to_string(target), names_of(lacking), sql);
    return;
  }
  if (has_rows && options_.existing_rows == ExistingRows::keep)
    throw Error(
        ErrorCode::target_table_mismatch,
        fmt::format("{} has rows and lacks {}, which tells after a crash which rows are there",
                    to_string(target), names_of(lacking)))
        .set_advice(sql);
  WALROCK_BEFORE(add_columns);
  catalog_.add_columns(target, lacking, Deadline::in(kAlterPatience));
  WALROCK_AFTER(add_columns);
  log::info("columns are added that tell where a row came from table={} columns={}",
            to_string(target), names_of(lacking));
  table.target.columns.insert(table.target.columns.end(), lacking.begin(), lacking.end());
}

void TargetSetup::decide_on_rows(SetUpTable& table) {
  TargetName const& target = table.entry.record.target;
  switch (options_.existing_rows) {
  case ExistingRows::truncate:
    log::info("rows that are there are removed (existing-rows: truncate) table={}",
              to_string(target));
    return;
  case ExistingRows::keep: return;
  case ExistingRows::swap:
    if (!options_.kept_rows(table.entry.is_append_only))
      make_twin(table);
    return;
  case ExistingRows::fail:
    throw Error(ErrorCode::target_has_rows,
                fmt::format("{} has rows that walrock did not load", to_string(target)))
        .set_advice(fmt::format(
            "Say what becomes of them: existing-rows: truncate (removes them), keep (loads over "
            "them), swap (shows them until the copy is complete) for this table; or empty it "
            "yourself: {};",
            truncate_sql(target)));
  }
}

void TargetSetup::set_up_known(SourceTable const& source,
                               std::optional<TargetTable> const& existing, SetUpTable& table) {
  TableRecord& record = table.entry.record;
  if (!existing) {
    log::warning("target table is gone and is made and copied again table={}",
                 to_string(record.target));
    record.state = TableState::init;
    record.reason.clear();
    record.applied_lsn = Lsn{};
    create(table);
    return;
  }
  wanted_ = target_table_beside(source, *existing, options_);
  table.target = *existing;
  table.entry.is_append_only = existing->model != TableModel::primary;
  require_history(wanted_, *existing, options_);
  if (record.state == TableState::init && record.reason.starts_with(kMadeAnewBecause) &&
      may_be_made_anew(job_, options_)) {
    make_anew(source, *existing, table);
    return;
  }
  bool const must_copy = record.state == TableState::init || record.state == TableState::copying;
  // With a reason its rows are shown until it is copied again.
  bool const is_repaired = must_copy && !record.reason.empty();
  if (must_copy && !options_.kept_rows(table.entry.is_append_only) &&
      (options_.existing_rows == ExistingRows::swap || is_repaired))
    make_twin(table);
  if (record.state != TableState::errored && !table.twin)
    require_key_of_target(source, wanted_, *existing);
  table.entry.is_emptied_before_copy = table.entry.is_emptied_before_copy || is_repaired;
  if (record.state == TableState::errored)
    log::error("table stays set aside table={}: {} To copy it again, drop {} and restart.",
               to_string(source.name), record.reason, to_string(record.target));
}

// What the table held before is shown until the twin of the new design takes its place.
void TargetSetup::make_anew(SourceTable const& source, TargetTable const& existing,
                            SetUpTable& table) {
  auto design = design_anew(source, existing, options_);
  if (!design)
    throw Error(ErrorCode::table_changed,
                fmt::format("{} is another kind of table by now, with a key or without: {}",
                            to_string(source.name), table.entry.record.reason));
  wanted_ = table.target = design->target;
  make_twin(table);
  design->target = *table.twin;
  table.entry.design = std::make_shared<NewDesign const>(std::move(*design));
  table.entry.is_emptied_before_copy = true;
}

// A copy goes into a twin, which gets the rows that stay when it begins.
void TargetSetup::keep_rows(SetUpTable& table) {
  TableEntry& entry = table.entry;
  entry.kept = options_.kept_rows(entry.is_append_only);
  if (!entry.kept || entry.record.state == TableState::errored)
    return;
  bool const must_copy =
      entry.record.state == TableState::init || entry.record.state == TableState::copying;
  bool const is_first = must_copy && entry.record.reason.empty();
  entry.kept_now = entry.kept;
  if (is_first)
    entry.kept_now = options_.existing_rows == ExistingRows::keep
                         ? std::optional(KeptRows::as_they_are)
                         : std::nullopt;
  entry.is_emptied_before_copy = true;
  entry.is_known_empty = false;
  table.twin = name_twin(table.target);
  entry.twin = table.twin->name;
}

// An empty table beside the target that takes the copy. Those that starts before left behind hold
// nothing that is needed: a copy that was not complete is begun anew. Each start has a name of its
// own, so that a SWAP which a dead walrock sent, and which arrives only now, finds no twin.
void TargetSetup::make_twin(SetUpTable& table) {
  TargetTable twin = name_twin(wanted_);
  choose_replicas(twin.properties);
  WALROCK_BEFORE(start_twin);
  catalog_.execute(create_table_sql(twin));
  WALROCK_AFTER(start_twin);
  log::info("copy goes into a twin that is swapped in at its end table={}", to_string(twin.name));
  table.entry.twin = twin.name;
  table.entry.twin_columns = table.target.lacking(twin.columns);
  table.twin = std::move(twin);
  table.entry.is_known_empty = true;
}

TargetTable TargetSetup::name_twin(TargetTable const& like) {
  TargetTable twin = like;
  twin.name.table += kTwinSuffix;
  for (TargetName const& left : catalog_.tables_beginning_with(twin.name)) {
    WALROCK_BEFORE(start_twin_drop);
    catalog_.drop_table(left);
    WALROCK_AFTER(start_twin_drop);
  }
  twin.name = twin_of(like.name, checkpoint_.incarnation);
  return twin;
}

void TargetSetup::create(SetUpTable& table) {
  TargetName const& name = table.entry.record.target;
  if (!job_.schema_sync.enable || !job_.schema_sync.auto_create_table)
    throw Error(
        ErrorCode::target_table_missing,
        fmt::format("{} does not exist and schema-sync.auto-create-table is off", to_string(name)))
        .set_advice(create_table_sql(wanted_) + ";");
  if (!has_database_) {
    WALROCK_BEFORE(start_database);
    catalog_.create_database(name.database);
    WALROCK_AFTER(start_database);
    has_database_ = true;
  }
  choose_replicas(wanted_.properties);
  // A start that dies behind this must find an empty table of ours, not one that is complete, nor
  // one that somebody else has made.
  remember_(table.entry.record);
  WALROCK_BEFORE(start_table);
  catalog_.execute(create_table_sql(wanted_));
  WALROCK_AFTER(start_table);
  log::info("created table={}", to_string(name));
  table.target = wanted_;
  table.entry.is_known_empty = true;
}

// The server's default of 3 replicas fails on smaller clusters.
void TargetSetup::choose_replicas(std::map<std::string, std::string>& properties) {
  if (properties.contains("replication_num"))
    return;
  if (!replicas_)
    replicas_ = catalog_.replicas_of_small_cluster();
  if (*replicas_)
    properties["replication_num"] = std::to_string(**replicas_);
}

TableOptions TargetSetup::options_in_cluster(TableOptions options) {
  choose_replicas(options.properties);
  return options;
}

void TargetSetup::compare_with(SourceTable const& source, TargetTable const& existing,
                               SetUpTable& table) {
  std::string wrong;
  for (Mismatch const& mismatch : compare(source, wanted_, existing)) {
    if (mismatch.is_warning)
      log::warning("table={}: {}", to_string(table.entry.record.target), to_string(mismatch));
    else if (!mismatch.column.empty() && job_.schema_sync.ignore_incompatible_fields)
      log::warning("ignored as ignore-incompatible-fields says table={}: {}",
                   to_string(table.entry.record.target), to_string(mismatch));
    else
      wrong += (wrong.empty() ? "" : "; ") + to_string(mismatch);
  }
  if (!wrong.empty())
    throw Error(ErrorCode::target_table_mismatch,
                fmt::format("{} does not fit {}: {}", to_string(existing.name),
                            to_string(source.name), wrong));
}

} // namespace walrock
