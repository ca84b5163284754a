#include "runtime/engine.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"
#include "checkpoint/instance_lock.h"
#include "runtime/checkpoint_choice.h"
#include "runtime/commit_thread.h"
#include "runtime/copy_pool.h"
#include "runtime/load_pool.h"
#include "runtime/slot_guardian.h"
#include "runtime/slot_repair.h"
#include "runtime/slot_start.h"
#include "runtime/startup.h"
#include "runtime/stream_log_keeper.h"
#include "runtime/stream_thread.h"

namespace walrock {

namespace {

constexpr std::uint64_t kOwnMemory = 32ULL << 20; // the program itself
constexpr std::uint64_t kLeastBudget = 8ULL << 20;
constexpr Milliseconds kBeginAgain(500);
constexpr std::size_t kCallThreads = 8;              // commits under way at a time
constexpr std::int64_t kPgEpochOffset = 946'684'800; // 2000-01-01 in Unix time

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

double seconds_since(std::int64_t pg_microseconds) {
  if (pg_microseconds == 0)
    return 0;
  auto const unix_us = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  return std::max(0.0, static_cast<double>(unix_us - kPgEpochOffset * 1'000'000 - pg_microseconds) /
                           1e6);
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
      : job_(job), addresses_(addresses), options_(options), board_(board), sizes_(sizes_of(job)) {
    status_.job_id = job.id;
    status_.job_name = job.name;
  }

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
      phase("begins again", failure()->message);
    else
      finish_status(result);
    return result;
  }

  // Another walrock has the job: what is under way is not ours to finish.
  bool is_overtaken() {
    auto const found = failure();
    return found && found->code == ErrorCode::instance_running;
  }

  // A thread found out that server or slot are not what they were: the start repairs or refuses.
  bool must_begin_again() {
    auto const found = failure();
    return found && is_settled_by_start(found->code);
  }

private:
  void run_threads(std::stop_token drain, std::stop_token now, EngineResult& result);
  void publish(Committer const& committer, Shared& shared);
  void phase(std::string const& text, std::string const& trouble);
  void finish_status(EngineResult const& result);
  Committer make_committer(Prepared& prepared, std::uint64_t incarnation);
  StreamThreadSettings stream_settings(Prepared const& prepared) const;
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
  TimePoint const started_at_ = clock_now();
  Status status_; // of the commit thread while it runs
  std::map<RelationId, std::int64_t> row_estimates_;
  std::size_t restored_tables_ = 0;
  Mutex failure_mutex_;
  std::optional<ErrorReport> failure_ WALROCK_GUARDED_BY(failure_mutex_);
};

void Run::phase(std::string const& text, std::string const& trouble) {
  status_.phase = text;
  status_.trouble = trouble;
  status_.state = trouble.empty() ? EngineState::starting : EngineState::waiting;
  board_.publish(status_);
  if (trouble.empty())
    log::info("start phase={}", text);
}

Committer Run::make_committer(Prepared& prepared, std::uint64_t incarnation) {
  CommitterSettings settings;
  settings.label_prefix = job_.target.label_prefix;
  settings.job_id = job_.id;
  settings.incarnation = incarnation;
  settings.is_at_least_once = job_.target.semantic == Semantic::at_least_once;
  settings.label_budget = prepared.label_budget;
  settings.waiting_memory = sizes_.budget / 4;
  settings.waiting_limit = std::min(settings.waiting_limit, job_.engine.spool_limit / 2);
  Committer committer(settings);
  for (TableEntry& entry : prepared.tables)
    committer.add_table(std::move(entry), clock_now());
  committer.restore(prepared.checkpoint.labels, prepared.start_lsn, prepared.logged_lsn);
  for (FollowedTable& followed : prepared.followed) {
    row_estimates_[followed.source.id] = followed.source.row_estimate;
    if (committer.is_following(followed.source.id))
      followed.from = committer.follow_position(followed.source.id);
  }
  return committer;
}

StreamThreadSettings Run::stream_settings(Prepared const& prepared) const {
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
  return settings;
}

CopySettings Run::copy_settings(std::uint64_t incarnation) const {
  CopySettings settings;
  settings.source = addresses_.source;
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
    phase(text, trouble);
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
  shared.flushed_lsn.store(committer.durable_flushed_lsn().value);
  shared.acknowledged_lsn.store(committer.acknowledged_lsn().value);
  std::unique_ptr<StreamLog> const stream_log = open_stream_log(job_, prepared, incarnation);
  std::stop_source stop_loads; // cuts calls short
  std::stop_callback const stop_loads_at_once(now, [&] { stop_loads.request_stop(); });
  LoadPool loads(
      sizes_.loaders, kCallThreads,
      [&, options = prepared.load_options] {
        return std::make_unique<StreamLoader>(addresses_.target, addresses_.ddl, options,
                                              stop_loads.get_token());
      },
      shared);
  CopyPool copies(copy_settings(incarnation), std::move(prepared.copied),
                  std::move(prepared.snapshot), shared);
  StreamThread stream(stream_settings(prepared), std::move(prepared.followed), shared,
                      stream_log.get());
  CommitThread commit(std::move(committer), *store, loads, copies, shared,
                      [this, &shared](Committer const& machine) { publish(machine, shared); });

  std::stop_source drain_commit;
  std::stop_source stop_commit;
  std::jthread commit_thread = thread("commit", [&](std::stop_token) {
    commit.run(drain_commit.get_token(), stop_commit.get_token());
  });
  std::jthread copy_thread = thread("copier", [&](std::stop_token stop) { copies.run(stop); });
  SlotGuardian guardian(addresses_.source, job_.source.slot_name,
                        {job_.source.slot_wal_limit, job_.source.slot_warning}, shared);
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

void Run::publish(Committer const& committer, Shared& shared) {
  status_.phase.clear();
  status_.tables.clear();
  bool is_copying = false;
  for (TableProgress& progress : committer.progress()) {
    TableStatus table;
    table.name = std::move(progress.name);
    table.target = std::move(progress.target);
    table.state = progress.state;
    table.copied_rows = progress.copied_rows;
    auto const estimate = row_estimates_.find(progress.id);
    table.estimated_rows = estimate == row_estimates_.end() ? -1 : estimate->second;
    table.applied_rows = progress.applied_rows;
    table.applied_lsn = progress.applied_lsn;
    table.reason = std::move(progress.reason);
    table.trouble = std::move(progress.trouble);
    table.quarantined_rows = progress.quarantined_rows;
    is_copying |= table.state == TableState::init || table.state == TableState::copying;
    status_.tables.push_back(std::move(table));
  }
  std::sort(status_.tables.begin(), status_.tables.end(),
            [](TableStatus const& a, TableStatus const& b) { return a.name < b.name; });
  std::string trouble = shared.checkpoint_trouble.read();
  if (trouble.empty())
    trouble = shared.source_trouble.read();
  if (trouble.empty())
    trouble = shared.log_trouble.read();
  if (trouble.empty())
    trouble = shared.spool_trouble.read();
  for (TableStatus const& table : status_.tables)
    if (trouble.empty())
      trouble = table.trouble;
  status_.trouble = trouble;
  status_.state = !trouble.empty() ? EngineState::waiting
                  : is_copying     ? EngineState::copying
                                   : EngineState::running;
  status_.slot = shared.slot_outlook.read();
  status_.flushed_lsn = committer.flushed_lsn();
  status_.logged_lsn = Lsn{shared.figures.logged_lsn.load()};
  status_.log_used = shared.figures.log_used.load();
  status_.log_limit = job_.engine.durable_spool.empty() ? 0 : job_.engine.durable_spool_limit;
  status_.received_lsn = Lsn{shared.figures.received_lsn.load()};
  status_.server_lsn = Lsn{shared.figures.server_lsn.load()};
  status_.lag_bytes = status_.server_lsn > status_.flushed_lsn
                          ? status_.server_lsn.value - status_.flushed_lsn.value
                          : 0;
  status_.lag_seconds = seconds_since(committer.oldest_commit_time());
  status_.received_changes = shared.figures.change_count.load();
  status_.memory_used = shared.budget.used();
  status_.spool_used = shared.spool.used_bytes();
  status_.restart_count = shared.figures.restart_count.load();
  status_.uptime_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<Milliseconds>(clock_now() - started_at_).count());
  board_.publish(status_);
}

void Run::finish_status(EngineResult const& result) {
  status_.phase.clear();
  status_.state = EngineState::stopped;
  if (result.error) {
    status_.state = EngineState::failed;
    status_.error = *result.error;
  }
  board_.publish(status_);
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
