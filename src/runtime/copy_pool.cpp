#include "runtime/copy_pool.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"
#include "model/pg_time.h"
#include "postgres/catalog.h"
#include "postgres/partitions.h"
#include "postgres/publication.h"
#include "schema/made_anew.h"
#include "schema/row_layout.h"
#include "schema/target_design.h"

namespace walrock {

namespace {

constexpr std::uint32_t kPagesPerSplit = 8192; // 64 MB
constexpr Milliseconds kGather(10);            // tables that ask together share a snapshot

} // namespace

// The copy of one table within a round.
struct CopyPool::TableCopy {
  std::int64_t const began_at = pg_now();
  CopyRequest request;
  CopiedTable const* table = nullptr;
  std::unique_ptr<RowEncoder> encoder;
  std::atomic<std::size_t> splits_left{0};
  std::atomic<bool> has_failed{false};
};

struct CopyPool::Task {
  TableCopy* table = nullptr;
  Split split;
};

struct CopyPool::Round {
  std::string snapshot_name;
  Lsn consistent_lsn;
  std::vector<std::unique_ptr<TableCopy>> tables;
  Mutex mutex;
  std::deque<Task> tasks WALROCK_GUARDED_BY(mutex);

  std::optional<Task> next() {
    MutexLock const lock(mutex);
    if (tasks.empty())
      return std::nullopt;
    Task task = tasks.front();
    tasks.pop_front();
    return task;
  }
  void put_back(Task const& task) {
    MutexLock const lock(mutex);
    tasks.push_back(task);
  }
};

CopyPool::CopyPool(CopySettings settings, std::map<RelationId, CopiedTable> tables,
                   std::unique_ptr<SnapshotKeeper> first_snapshot, Shared& shared)
    : settings_(std::move(settings)), tables_(std::move(tables)),
      first_snapshot_(std::move(first_snapshot)), shared_(shared) {}

void CopyPool::request(NeedCopy const& needed) {
  {
    MutexLock const lock(newest_mutex_);
    newest_[needed.request.table] = needed;
  }
  requests_.push_now(needed.request);
}

bool CopyPool::is_outdated(CopyRequest const& request) {
  MutexLock const lock(newest_mutex_);
  return newest_.at(request.table).request.number != request.number;
}

// Of tables that are made anew.
void CopyPool::take_designs(std::vector<CopyRequest> const& requests) {
  MutexLock const lock(newest_mutex_);
  for (CopyRequest const& request : requests)
    if (auto const& design = newest_.at(request.table).design) {
      CopiedTable& table = tables_.at(request.table);
      if (table.design == design)
        continue; // columns were added to it since
      table.design = design;
      table.target = design->target;
      table.shape = design->shape;
    }
}

void CopyPool::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<CopyRequest> wanted;
    auto request = requests_.pop(stop);
    while (request) {
      wanted.push_back(*request);
      request = requests_.pop(stop, Deadline::in(kGather));
    }
    std::erase_if(wanted, [this](CopyRequest const& asked) { return is_outdated(asked); });
    if (wanted.empty() || stop.stop_requested())
      continue;
    take_designs(wanted);
    try {
      copy_round(wanted, stop);
    } catch (Stopped const&) {
      return;
    } catch (std::exception const& error) {
      ErrorReport report = ErrorReport::of(error);
      report.retry = Retry::later;
      for (CopyRequest const& asked : wanted)
        shared_.events.push_now(CopyFailed{asked, report});
    }
  }
}

// Waits without limit for a server that cannot be reached, and for a free slot.
std::unique_ptr<SnapshotKeeper> CopyPool::take_snapshot(std::stop_token stop) {
  if (first_snapshot_ != nullptr && first_snapshot_->is_alive())
    return std::move(first_snapshot_);
  first_snapshot_.reset();
  Backoff backoff(Milliseconds(200), Milliseconds(10'000));
  while (!stop.stop_requested()) {
    try {
      WALROCK_BEFORE(copy_snapshot);
      auto keeper = std::make_unique<SnapshotKeeper>(
          settings_.source, fmt::format("{}_{}", settings_.slot_prefix, ++snapshot_count_),
          SlotLifetime::temporary, stop);
      WALROCK_AFTER(copy_snapshot);
      return keeper;
    } catch (Stopped const&) {
      throw;
    } catch (Error const& error) {
      log::warning("snapshot for a copy is waited for: {}", error.what());
      pause_for(backoff.next(), stop);
    }
  }
  throw Stopped();
}

// After the snapshot, which may have been waited for long: a column that was added and filled
// meanwhile is in the snapshot, and the stream will not send its values again. True when the target
// can take what the catalog says; else its columns are asked for, and the table comes again.
bool CopyPool::describe_again(Connection& connection, CopyRequest const& request,
                              CreatedSlot const& snapshot) {
  RelationId const id = request.table;
  CopiedTable& table = tables_.at(id);
  auto source = describe_published(connection, id, settings_.publication_name);
  if (!source)
    return true; // the reader says that it is gone
  table.source = std::move(*source);
  try {
    if (table.may_be_made_anew && is_made_anew(table, table.source))
      return false;
  } catch (Error const& error) {
    shared_.events.push_now(CopyFailed{request, ErrorReport::of(error)});
    return false;
  }
  table.shape = table.source.shape();
  if (table.source.relkind == 'p' && !note_partitions(connection, request, snapshot))
    return false;
  note_published(table.source, snapshot.consistent_lsn);
  if (!table.follows_columns || table.ignores_incompatible)
    return true; // plan_for() says what does not fit
  std::vector<TargetColumn> added;
  try {
    added = columns_lacking(table.source, table.target, table.options);
  } catch (Error const& error) {
    shared_.events.push_now(CopyFailed{request, ErrorReport::of(error)});
    return false;
  }
  if (added.empty())
    return true;
  for (TargetColumn const& column : added)
    table.target.columns.push_back(column);
  log::info("columns were added before the copy table={} count={}", to_string(table.source.name),
            added.size());
  shared_.events.push_now(ColumnsWanted{id, std::move(added)});
  return false;
}

// What the snapshot has does not fit the target: the committer is told.
bool CopyPool::is_made_anew(CopiedTable const& table, SourceTable const& now) {
  std::string const why =
      change_unseen(without_rows(table.shape, now), now, table.target, table.options);
  if (why.empty())
    return false;
  auto design = design_anew(now, table.target, table.options);
  ErrorReport report{design ? ErrorCode::copy_needed : ErrorCode::table_changed, Retry::later, why,
                     ""};
  if (!design)
    report.retry = Retry::never;
  else
    design->target.name = table.final_target;
  shared_.events.push_now(SetAside{
      now.id, report, design ? std::make_shared<NewDesign const>(std::move(*design)) : nullptr});
  return true;
}

// As the snapshot sees them: one that was detached, changed and attached again since then has the
// same file, and the copy has not what it has.
bool CopyPool::note_partitions(Connection& connection, CopyRequest const& request,
                               CreatedSlot const& snapshot) {
  RelationId const id = request.table;
  PartitionTree tree = read_partitions_then(connection, id, snapshot.snapshot_name);
  tree.lsn = snapshot.consistent_lsn;
  bool is_followed = true;
  shared_.partitions.with(id, [&](PartitionedTable& table) {
    if (auto const refused = table.refusal_of(tree)) {
      is_followed = false;
      shared_.events.push_now(CopyFailed{request, report_of(*refused)});
      return;
    }
    table.note_copy(tree);
    shared_.events.push_now(PartitionsSeen{id, tree});
  });
  return is_followed;
}

// It is that of the snapshot unless the publication has changed since, and then nothing is read.
void CopyPool::note_published(SourceTable const& source, Lsn snapshot_lsn) {
  shared_.publication.with(source.id, [&](WatchedTable& table) {
    table.known = source.published();
    table.lsn = snapshot_lsn;
    shared_.events.push_now(PublishedSeen{source.id, table.known});
  });
}

// What throws fails every request; of one that has been answered that is let go.
void CopyPool::copy_round(std::vector<CopyRequest> const& requests, std::stop_token stop) {
  std::unique_ptr<SnapshotKeeper> const keeper = take_snapshot(stop);
  Connection connection(settings_.source, ConnectionKind::sql, stop);
  int const server_version = connection.server_version();
  std::string const mark =
      publication_mark_then(connection, settings_.publication_name, keeper->slot().snapshot_name);
  std::vector<CopyRequest> ready;
  for (CopyRequest const& request : requests)
    if (describe_again(connection, request, keeper->slot()))
      ready.push_back(request);
  if (publication_mark(connection, settings_.publication_name).text != mark)
    throw Error(ErrorCode::snapshot_lost,
                fmt::format("publication {} changed after the snapshot of the copy",
                            settings_.publication_name));
  if (ready.empty())
    return;
  Round round;
  round.snapshot_name = keeper->slot().snapshot_name;
  round.consistent_lsn = keeper->slot().consistent_lsn;
  log::info("copy begins tables={} consistent_lsn={}", ready.size(),
            to_string(round.consistent_lsn));
  shared_.events.push_now(SnapshotTaken{ready, round.consistent_lsn});
  // Small tables first: most are there within seconds.
  std::stable_sort(ready.begin(), ready.end(), [this](auto const& a, auto const& b) {
    return tables_.at(a.table).source.page_count < tables_.at(b.table).source.page_count;
  });
  for (CopyRequest const& request : ready) {
    auto copy = std::make_unique<TableCopy>();
    CopiedTable const* const table = &tables_.at(request.table);
    copy->request = request;
    copy->table = table;
    try {
      copy->encoder = std::make_unique<RowEncoder>(
          plan_for(relation_of(table->source), table->source, table->target,
                   missing_columns(table->ignores_incompatible), table->options),
          &shared_.changed_values);
    } catch (Error const& error) {
      fail(*copy, ErrorReport::of(error));
      continue;
    }
    auto const splits = split_table(table->source, kPagesPerSplit, server_version);
    copy->splits_left = splits.size();
    MutexLock const lock(round.mutex);
    for (Split const& split : splits)
      round.tasks.push_back({copy.get(), split});
    round.tables.push_back(std::move(copy));
  }
  std::vector<std::jthread> workers;
  workers.reserve(static_cast<std::size_t>(settings_.workers));
  try {
    for (int i = 0; i < settings_.workers; ++i)
      workers.emplace_back([this, &round, stop] { work(round, stop); });
  } catch (std::system_error const& error) { // no more threads: fewer workers answer as well
    if (workers.empty())
      throw;
    log::warning("copy goes on with {} workers: {}", workers.size(), error.what());
  }
  workers.clear(); // joins: the keeper outlives every reader
}

void CopyPool::work(Round& round, std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "copy");
  std::unique_ptr<SnapshotReader> reader;
  while (!stop.stop_requested()) {
    auto task = round.next();
    if (!task)
      return;
    if (task->table->has_failed || is_outdated(task->table->request))
      continue;
    try {
      copy_split(round, *task, reader, stop);
    } catch (Stopped const&) {
      return;
    } catch (Error const& error) {
      reader.reset();
      ErrorReport report = ErrorReport::of(error);
      // A row that cannot be encoded, a missing right: trying again is useless. The rest may pass.
      fail(*task->table, report);
    } catch (std::exception const& error) {
      reader.reset();
      fail(*task->table, ErrorReport::of(error));
    }
  }
}

void CopyPool::copy_split(Round& round, Task& task, std::unique_ptr<SnapshotReader>& reader,
                          std::stop_token stop) {
  SourceTable const& source = task.table->table->source;
  if (reader == nullptr)
    reader =
        std::make_unique<SnapshotReader>(Connection(settings_.source, ConnectionKind::sql, stop));
  switch (reader->begin(round.snapshot_name, source, settings_.lock_wait, stop)) {
  case BeginOutcome::ready: read_split(round, task, *reader, stop); return;
  case BeginOutcome::locked:
    log::warning("lock is waited for table={}", to_string(source.name));
    round.put_back(task);
    pause_for(Milliseconds(200), stop);
    return;
  case BeginOutcome::changed:
    fail(*task.table,
         {ErrorCode::snapshot_lost, Retry::later,
          fmt::format("{} was truncated or rewritten after the snapshot", to_string(source.name)),
          ""});
    return;
  case BeginOutcome::missing:
    fail(*task.table, {ErrorCode::table_not_found, Retry::never,
                       fmt::format("{} was dropped or renamed", to_string(source.name)), ""});
    return;
  }
}

void CopyPool::read_split(Round& round, Task& task, SnapshotReader& reader, std::stop_token stop) {
  TableCopy& table = *task.table;
  CopyMachine machine(*table.encoder, task.split, round.consistent_lsn, &shared_.budget,
                      settings_.limits);
  machine.note_begin(table.began_at);
  if (table.table->quarantine_limit)
    machine.keep_unsayable(table.table->final_target, *table.table->quarantine_limit);
  WALROCK_BEFORE(copy_read);
  reader.start_copy(table.table->source, task.split, stop);
  std::size_t bytes = 0;
  while (auto const line = reader.next_line(stop)) {
    bytes += line->size() + 1;
    machine.on_line(*line);
    if (machine.is_full())
      hand_over(table, machine.take(), stop);
    if (bytes >= (64 << 10)) {
      keep_to_rate(bytes, stop);
      bytes = 0;
      if (stop.stop_requested())
        throw Stopped();
    }
  }
  hand_over(table, machine.take(), stop);
  reader.end(stop);
  WALROCK_AFTER(copy_read);
  if (--table.splits_left == 0 && !table.has_failed)
    shared_.events.push_now(CopyRead{table.request});
}

// A part of the budget stays for the stream, which must go on meanwhile.
void CopyPool::hand_over(TableCopy& table, std::vector<Batch> batches, std::stop_token stop) {
  for (Batch& batch : batches) {
    shared_.events.push_now(CopiedBatch{table.request, std::move(batch)});
    while (shared_.budget.used() > shared_.budget.limit() / 10 * 6 && !stop.stop_requested())
      pause_for(Milliseconds(2), stop);
  }
  if (stop.stop_requested())
    throw Stopped();
}

void CopyPool::fail(TableCopy& table, ErrorReport report) {
  if (!table.has_failed.exchange(true))
    shared_.events.push_now(CopyFailed{table.request, std::move(report)});
}

void CopyPool::keep_to_rate(std::size_t bytes, std::stop_token stop) {
  if (settings_.bytes_per_second == 0)
    return;
  TimePoint wait_until;
  {
    MutexLock const lock(rate_mutex_);
    TimePoint const at = std::chrono::steady_clock::now();
    rate_due_ = std::max(rate_due_, at) +
                std::chrono::microseconds(bytes * 1'000'000 / settings_.bytes_per_second);
    wait_until = rate_due_;
  }
  Milliseconds const left =
      Deadline{wait_until}.left(std::chrono::steady_clock::now(), Milliseconds(60'000));
  if (left > Milliseconds(5))
    pause_for(left, stop);
}

} // namespace walrock
