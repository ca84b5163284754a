#include "runtime/engine.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"
#include "checkpoint/instance_lock.h"
#include "postgres/column_marks.h"
#include "runtime/checkpoint_choice.h"
#include "runtime/column_watcher.h"
#include "runtime/commit_thread.h"
#include "runtime/copy_pool.h"
#include "runtime/load_pool.h"
#include "runtime/partition_watcher.h"
#include "runtime/publication_watcher.h"
#include "runtime/slot_guardian.h"
#include "runtime/slot_repair.h"
#include "runtime/slot_start.h"
#include "runtime/startup.h"
#include "runtime/status_writer.h"
#include "runtime/stream_log_keeper.h"
#include "runtime/stream_thread.h"

namespace walrock {

namespace {

constexpr std::uint64_t kOwnMemory = 32ULL << 20; // the program itself
constexpr std::uint64_t kLeastBudget = 8ULL << 20;
constexpr Milliseconds kBeginAgain(500);
constexpr std::size_t kCallThreads = 8; // commits under way at a time
constexpr std::size_t kStatementThreads =
    8; // tables that are emptied, altered or swapped at a time

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

// Bodies come and go by the megabyte: each its own mapping, given back at once; few arenas.
void tame_allocator() {
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

// Every transaction in progress is an open file, and so are 64 MB of spooled bodies.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

struct Sizes {
  std::uint64_t budget = 0;
  std::size_t copy_workers = 1;
  std::size_t loaders = 1;
  std::size_t label_bytes = 0;
  std::size_t body_bytes = 0;
};

Sizes sizes_of(JobSpec const& job) {
  Sizes sizes;
  EngineSpec const& engine = job.engine;
  sizes.budget =
      std::max(kLeastBudget, engine.memory > kOwnMemory ? engine.memory - kOwnMemory : 0);
  sizes.copy_workers = static_cast<std::size_t>(std::max(1, engine.copy_workers));
  if (job.source.max_connections > 0) // stream, keeper, catalog and guardian need one each
    sizes.copy_workers = std::min(
        sizes.copy_workers, static_cast<std::size_t>(std::max(1, job.source.max_connections - 4)));
  sizes.loaders = static_cast<std::size_t>(std::max(1, engine.loaders));
  // A loader holds a body twice while it sends it (curl's and, compressed, its own copy), so what
  // is outside the budget stays small beside it.
  std::uint64_t const shares = 4 * (sizes.copy_workers + sizes.loaders);
  sizes.label_bytes = std::clamp<std::uint64_t>(sizes.budget / shares, 1 << 20, 32 << 20);
  sizes.body_bytes = std::clamp<std::uint64_t>(sizes.budget / shares / 2, 512 << 10, 4 << 20);
  return sizes;
}

// One run of the engine: everything that lives as long as its threads.
class Run {
public:
  Run(JobSpec const& job, EngineAddresses const& addresses, EngineOptions const& options,
      StatusBoard& board)
      : job_(job), addresses_(addresses), options_(options), board_(board), sizes_(sizes_of(job)),
        status_(job, board) {}

  EngineResult run(std::stop_token drain, std::stop_token now) {
    EngineResult result;
    try {
      run_threads(drain, now, result);
    } catch (Stopped const&) {
      result.kind = EngineResult::Kind::stopped;
      result.error = failure(); // it ended a start that waited
      if (result.error)
        result.kind = EngineResult::Kind::failed;
    } catch (std::exception const& error) {
      result.kind = EngineResult::Kind::failed;
      result.error = ErrorReport::of(error);
    }
    if (must_begin_again())
      status_.phase("begins again", failure()->message);
    else
      status_.finish(result.error);
    return result;
  }

  // Another walrock has the job: what is under way is not ours to finish.
  bool is_overtaken() {
    auto const found = failure();
    return found && found->code == ErrorCode::instance_running;
  }

  // A thread found out that server or slot are not what they were: the start repairs or refuses.
  // Or what is in the spool cannot be read: the start empties it, and PostgreSQL has it still.
  bool must_begin_again() {
    auto const found = failure();
    return found && (is_settled_by_start(found->code) || found->code == ErrorCode::spool_failed);
  }

private:
  void run_threads(std::stop_token drain, std::stop_token now, EngineResult& result);
  Committer make_committer(Prepared& prepared, std::uint64_t incarnation);
  StreamThreadSettings stream_settings(Prepared const& prepared, Shared& shared) const;
  CopySettings copy_settings(std::uint64_t incarnation) const;
  bool watch(Shared& shared, std::stop_token drain, std::stop_token now, std::optional<Lsn> until);

  // The first failure of a thread ends the run.
  void report_failure(std::exception const& error) {
    MutexLock const lock(failure_mutex_);
    if (!failure_)
      failure_ = ErrorReport::of(error);
  }
  std::optional<ErrorReport> failure() {
    MutexLock const lock(failure_mutex_);
    return failure_;
  }
  template <typename Work> std::jthread thread(char const* name, Work work) {
    return std::jthread([this, name, work = std::move(work)](std::stop_token stop) {
      ::pthread_setname_np(::pthread_self(), name);
      try {
        work(stop);
      } catch (Stopped const&) {
      } catch (std::exception const& error) {
        report_failure(error);
      }
    });
  }

  JobSpec const& job_;
  EngineAddresses const& addresses_;
  EngineOptions const& options_;
  StatusBoard& board_;
  Sizes sizes_;
  StatusWriter status_; // of the commit thread while it runs
  Mutex failure_mutex_;
  std::optional<ErrorReport> failure_ WALROCK_GUARDED_BY(failure_mutex_);
};

bool is_copying(Committer const& committer) {
  auto const tables = committer.progress();
  return std::any_of(tables.begin(), tables.end(), [](TableProgress const& table) {
    return table.state == TableState::init || table.state == TableState::copying;
  });
}

Committer Run::make_committer(Prepared& prepared, std::uint64_t incarnation) {
  CommitterSettings settings;
  settings.label_prefix = job_.target.label_prefix;
  settings.job_id = job_.id;
  settings.incarnation = incarnation;
  settings.is_at_least_once = job_.target.semantic == Semantic::at_least_once;
  settings.is_across_tables = job_.target.transactions == Transactions::across_tables;
  settings.label_budget = prepared.label_budget;
  settings.waiting_memory = sizes_.budget / 4;
  settings.waiting_limit = std::min(settings.waiting_limit, job_.engine.spool_limit / 2);
  Committer committer(settings);
  for (TableEntry& entry : prepared.tables)
    committer.add_table(std::move(entry), clock_now());
  committer.restore(prepared.checkpoint.labels, prepared.start_lsn, prepared.logged_lsn);
  for (FollowedTable& followed : prepared.followed) {
    status_.expect_rows(followed.source.id, followed.source.row_estimate);
    if (committer.is_following(followed.source.id))
      followed.from = committer.follow_position(followed.source.id);
  }
  return committer;
}

StreamThreadSettings Run::stream_settings(Prepared const& prepared, Shared& shared) const {
  StreamThreadSettings settings;
  settings.source = addresses_.source;
  settings.slot_name = job_.source.slot_name;
  settings.publication_name = job_.source.publication_name;
  settings.start_lsn = prepared.start_lsn;
  settings.known = prepared.known;
  settings.heartbeat = job_.source.heartbeat;
  settings.receive_timeout = job_.source.receive_timeout;
  settings.restart_attempts = job_.engine.restart.attempts;
  settings.restart_delay = job_.engine.restart.delay;
  settings.machine.freshness = job_.engine.freshness;
  settings.machine.epoch_bytes = std::min<std::size_t>(64 << 20, sizes_.budget / 4);
  settings.machine.batch_limits.body_bytes = sizes_.body_bytes;
  settings.machine.changed_values = &shared.changed_values;
  return settings;
}

CopySettings Run::copy_settings(std::uint64_t incarnation) const {
  CopySettings settings;
  settings.source = addresses_.source;
  settings.publication_name = job_.source.publication_name;
  settings.slot_prefix =
      job_.source.slot_name.substr(0, 40) + "_copy_" + std::to_string(incarnation);
  settings.workers = static_cast<int>(sizes_.copy_workers);
  settings.bytes_per_second = job_.source.copy_rate;
  settings.lock_wait = job_.source.lock_wait;
  settings.limits.label_bytes = sizes_.label_bytes;
  settings.limits.batch_limits.body_bytes = sizes_.body_bytes;
  return settings;
}

void Run::run_threads(std::stop_token drain, std::stop_token now, EngineResult& result) {
  tame_allocator();
  raise_file_limit();
  InstanceLock const lock(job_.engine.checkpoint_folder);
  Report const report = [this](std::string const& text, std::string const& trouble) {
    status_.phase(text, trouble);
  };
  std::stop_source end_start; // the start has waits that nothing else ends
  std::stop_callback const end_start_with_all(drain, [&] { end_start.request_stop(); });
  auto const lost = [this, &end_start](Error const& error) {
    report_failure(error);
    end_start.request_stop();
  };
  std::unique_ptr<CheckpointStore> const store =
      open_checkpoint(job_, addresses_, report, lost, drain, now);
  PatientStore patient_store(*store, report, end_start.get_token());
  WALROCK_BEFORE(start_incarnation);
  std::uint64_t const incarnation = patient_store.begin_incarnation();
  WALROCK_AFTER(start_incarnation);
  Shared shared(sizes_.budget, job_.engine.checkpoint_folder + "/spool", job_.engine.spool_limit);
  Prepared prepared = prepare(job_, addresses_, patient_store, report, end_start.get_token());
  std::optional<Lsn> const until =
      options_.until_now ? std::optional(prepared.server_lsn) : options_.until_lsn;
  Committer committer = make_committer(prepared, incarnation);
  // It is good for the copies that begin now. Kept, it would hold back the source's VACUUM, and a
  // copy much later would begin where the stream cannot go back to.
  if (!is_copying(committer))
    prepared.snapshot.reset();
  shared.partitions.watch(std::move(prepared.partitioned));
  std::map<RelationId, WatchedTable> published;
  for (FollowedTable const& table : prepared.followed)
    published[table.source.id] = {table.source.name, table.source.published()};
  shared.publication.watch(std::move(published));
  std::map<RelationId, std::string> marks;
  for (FollowedTable const& table : prepared.followed)
    marks[table.source.id] = column_mark(prepared.copied.at(table.source.id).source);
  shared.columns.watch(std::move(marks));
  shared.flushed_lsn.store(committer.durable_flushed_lsn().value);
  shared.acknowledged_lsn.store(committer.acknowledged_lsn().value);
  std::unique_ptr<StreamLog> const stream_log = open_stream_log(job_, prepared, incarnation);
  std::stop_source stop_loads; // cuts calls short
  std::stop_callback const stop_loads_at_once(now, [&] { stop_loads.request_stop(); });
  LoadPool loads(
      {sizes_.loaders, kCallThreads, kStatementThreads},
      [&, options = prepared.load_options] {
        return std::make_unique<StreamLoader>(addresses_.target, addresses_.ddl, options,
                                              stop_loads.get_token());
      },
      [this](Error const& error) { report_failure(error); }, shared);
  CopyPool copies(copy_settings(incarnation), std::move(prepared.copied),
                  std::move(prepared.snapshot), shared);
  StreamThread stream(stream_settings(prepared, shared), std::move(prepared.followed), shared,
                      stream_log.get());
  CommitThread commit(
      std::move(committer), *store, loads, copies, shared,
      [this, &shared](Committer const& machine) { status_.publish(machine, shared); });

  std::stop_source drain_commit;
  std::stop_source stop_commit;
  // Its own stop is asked for only when a thread behind it cannot be made.
  std::jthread commit_thread = thread("commit", [&](std::stop_token stop) {
    std::stop_callback const at_an_end(stop, [&] { stop_commit.request_stop(); });
    commit.run(drain_commit.get_token(), stop_commit.get_token());
  });
  std::jthread copy_thread = thread("copier", [&](std::stop_token stop) { copies.run(stop); });
  PartitionWatcher partitions(shared);
  PublicationWatcher publication(job_.source.publication_name, shared);
  ColumnWatcher columns(shared);
  SlotGuardian guardian(addresses_.source, job_.source.slot_name,
                        {job_.source.slot_wal_limit, job_.source.slot_warning}, shared,
                        [&](Connection& connection, std::stop_token const& stop) {
                          publication.look(connection);
                          columns.look(connection);
                          partitions.look(connection, stop);
                        });
  std::jthread const guardian_thread =
      thread("guardian", [&](std::stop_token stop) { guardian.run(stop); });
  std::jthread const log_thread = thread("log", [&](std::stop_token stop) {
    if (stream_log != nullptr)
      keep_stream_log(*stream_log, shared, stop);
  });
  std::jthread stream_thread = thread("stream", [&](std::stop_token stop) { stream.run(stop); });

  bool const is_done = watch(shared, drain, now, until);
  // Readers first; then what is under way is finished; then the commit thread ends.
  if (is_overtaken()) {
    log::info("stopping: what is under way is left to the other walrock");
    stop_loads.request_stop();
    stop_commit.request_stop();
  } else {
    log::info("stopping: what is under way is finished");
  }
  stream_thread.request_stop();
  copy_thread.request_stop();
  stream_thread.join();
  copy_thread.join();
  WALROCK_BEFORE(stop_drain);
  drain_commit.request_stop();
  std::stop_callback const at_once(now, [&] { stop_commit.request_stop(); });
  std::jthread const limit([&](std::stop_token stop) {
    if (pause_for(options_.drain_limit, stop)) {
      log::warning("what is under way did not end in time and is finished at the next start");
      stop_commit.request_stop();
    }
  });
  commit_thread.join();
  WALROCK_AFTER(stop_drain);
  stop_loads.request_stop();
  loads.stop();
  if (auto const error = failure()) {
    result.kind = EngineResult::Kind::failed;
    result.error = error;
    return;
  }
  result.kind = is_done ? EngineResult::Kind::done : EngineResult::Kind::stopped;
}

// Waits until a stop is asked for, a thread has failed, or --until is reached.
bool Run::watch(Shared& shared, std::stop_token drain, std::stop_token now,
                std::optional<Lsn> until) {
  while (!drain.stop_requested() && !now.stop_requested() && !failure()) {
    pause_for(Milliseconds(20), drain);
    if (!until || Lsn{shared.flushed_lsn.load()} < *until)
      continue;
    auto const status = board_.read();
    bool const are_ready =
        !status->tables.empty() &&
        std::all_of(status->tables.begin(), status->tables.end(), [](TableStatus const& table) {
          return table.state == TableState::ready || table.state == TableState::errored;
        });
    if (are_ready)
      return true;
  }
  return false;
}

} // namespace

Engine::Engine(JobSpec spec, EngineAddresses addresses, EngineOptions options)
    : spec_(std::move(spec)), addresses_(std::move(addresses)), options_(options) {
  Status status;
  status.job_id = spec_.id;
  status.job_name = spec_.name;
  board_.publish(std::move(status));
}
Engine::~Engine() = default;

EngineResult Engine::run(std::stop_token drain, std::stop_token now) {
  EngineResult result;
  while (true) {
    Run run(spec_, addresses_, options_, board_);
    result = run.run(drain, now);
    if (!run.must_begin_again())
      break;
    log::warning("begins again: {}", result.error->message);
    if (!pause_for(kBeginAgain, drain))
      return {};
  }
  auto const status = board_.read();
  result.has_errored_tables =
      std::any_of(status->tables.begin(), status->tables.end(),
                  [](TableStatus const& table) { return table.state == TableState::errored; });
  return result;
}

std::shared_ptr<Status const> Engine::status() const {
  return board_.read();
}

} // namespace walrock
