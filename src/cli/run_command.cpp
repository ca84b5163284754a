// walrock run JOB [--until now|LSN]
//
// Three parties: the engine on a thread of its own, the API on its own, and main, which waits for
// signals, shows how things are, and publishes where the API is.
//
// The API listens before the engine holds the instance lock, because its address must be known when
// the first table is worked on. The endpoint file is written once the lock's file names this
// process, and removed when the engine has ended: a reader who finds it finds this walrock.
#include "cli/commands.h"

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "checkpoint/endpoint_file.h"
#include "checkpoint/instance_lock.h"
#include "cli/exit_code.h"
#include "cli/run_view.h"
#include "cli/signals.h"
#include "config/job_file.h"
#include "http/api_server.h"
#include "operate/addresses.h"
#include "runtime/engine.h"

namespace walrock {

namespace {

struct RunArguments {
  std::string job_file;
  std::string until;
};

EngineOptions engine_options(RunArguments const& arguments) {
  EngineOptions options;
  if (arguments.until.empty())
    return options;
  options.until_now = arguments.until == "now";
  if (!options.until_now && !(options.until_lsn = parse_lsn(arguments.until)))
    throw Error(ErrorCode::usage, fmt::format("--until: expected now or a WAL position such as "
                                              "0/16B3748, found \"{}\"",
                                              arguments.until));
  return options;
}

// The engine refuses a second instance itself; asked for here it costs no port and no log line.
void refuse_second_instance(std::string const& folder) {
  if (auto const holder = lock_holder(folder))
    throw Error(ErrorCode::instance_running,
                fmt::format("another walrock runs on the checkpoint folder {} (pid {}, since {})",
                            folder, holder->pid, holder->started));
}

// The engine's thread and its two ways to stop.
class EngineThread {
public:
  explicit EngineThread(Engine& engine) : engine_(engine) {
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "engine");
      result_ = engine_.run(drain_.get_token(), now_.get_token());
      has_ended_ = true;
      SignalWatch::wake();
    });
  }
  ~EngineThread() {
    stop_now();
    thread_.join();
  }
  EngineThread(EngineThread const&) = delete;
  EngineThread& operator=(EngineThread const&) = delete;

  void drain() { drain_.request_stop(); }
  void stop_now() { now_.request_stop(); }
  [[nodiscard]] bool has_ended() const { return has_ended_; }
  // Only after it has ended.
  [[nodiscard]] EngineResult const& result() const { return result_; }

private:
  Engine& engine_; // must outlive this
  std::stop_source drain_;
  std::stop_source now_;
  EngineResult result_;
  std::atomic<bool> has_ended_{false};
  std::thread thread_;
};

// Lives on the main thread from the engine's start to its end.
class Foreground {
public:
  Foreground(SignalWatch const& signals, EngineThread& thread, Engine const& engine, RunView& view,
             std::string folder, std::string api_address)
      : signals_(signals), thread_(thread), engine_(engine), view_(view),
        folder_(std::move(folder)), api_address_(std::move(api_address)) {}

  // Returns when the engine has ended, or a second signal has not been heeded in time.
  void wait() {
    while (!thread_.has_ended()) {
      publish_endpoint();
      view_.show(*engine_.status());
      if (signals_.wait(endpoint_ ? Milliseconds(200) : Milliseconds(20)) ==
          SignalWatch::Event::stop)
        on_stop_signal();
      if (stop_count_ > 1 && give_up_.is_over(std::chrono::steady_clock::now()))
        leave_at_once();
    }
    endpoint_.reset();
    if (stop_count_ <= 1)
      view_.show(*engine_.status());
  }

  [[nodiscard]] bool is_stopped_at_once() const { return stop_count_ > 1; }

private:
  void publish_endpoint() {
    if (endpoint_)
      return;
    auto const holder = lock_holder(folder_);
    if (holder && holder->pid == ::getpid())
      endpoint_.emplace(folder_, api_address_);
  }

  void on_stop_signal() {
    ++stop_count_;
    if (stop_count_ == 1) {
      log::info("stop is asked for; a second signal stops at once");
      thread_.drain();
    } else if (stop_count_ == 2) {
      log::info("stopping at once");
      give_up_ = Deadline::in(Milliseconds(2'000));
      thread_.stop_now();
    }
  }

  // The checkpoint is made for kill -9, so a thread that does not come back holds nobody up.
  [[noreturn]] void leave_at_once() {
    endpoint_.reset();
    ::_exit(kSecondSignal);
  }

  SignalWatch const& signals_;
  EngineThread& thread_;
  Engine const& engine_;
  RunView& view_;
  std::string folder_;
  std::string api_address_;
  std::optional<EndpointFile> endpoint_;
  int stop_count_ = 0;
  Deadline give_up_;
};

int exit_code_of(EngineResult const& result, Status const& status) {
  if (result.kind == EngineResult::Kind::failed) {
    ErrorReport const error = result.error.value_or(status.error);
    print_error(error);
    return exit_code_of(error.code);
  }
  if (result.kind == EngineResult::Kind::done && result.has_errored_tables) {
    log::warning("not every table is complete: see those that were set aside");
    return kFailed;
  }
  return kDone;
}

int run_job(RunArguments const& arguments) {
  EngineOptions const options = engine_options(arguments);
  JobSpec const job = load_job_file(arguments.job_file);
  log::set_level(job.engine.log_level);
  refuse_second_instance(job.engine.checkpoint_folder);
  for (std::string const& note : job.notes)
    log::info("{}", note);

  SignalWatch const signals;
  Engine engine(job, {source_address(job), target_address(job), ddl_address(job)}, options);
  ApiServer const api(job.engine.http.host, job.engine.http.port,
                      [&engine] { return engine.status(); });
  if (api.is_elsewhere())
    log::warning("address {} is taken: the API is at a free port", to_string(job.engine.http));
  log::info("api at http://{}/api/v1/status", api.address());

  std::unique_ptr<RunView> view = make_run_view();
  EngineThread thread(engine);
  Foreground foreground(signals, thread, engine, *view, job.engine.checkpoint_folder,
                        api.address());
  foreground.wait();
  view.reset(); // what follows stands below the board
  if (foreground.is_stopped_at_once())
    return kSecondSignal;
  std::shared_ptr<Status const> const status = engine.status();
  EngineResult const& result = thread.result();
  char const* const word = result.kind == EngineResult::Kind::done      ? "done"
                           : result.kind == EngineResult::Kind::stopped ? "stopped"
                                                                        : "ended";
  log::info("{}: {}", word, summary_text(*status));
  return exit_code_of(result, *status);
}

} // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<RunArguments>();
  CLI::App* const command =
      app.add_subcommand("run", "Copies the job's tables and follows their changes until stopped.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command->add_option("--until", arguments->until,
                      "End when everything up to this point is visible in StarRocks: now, or a WAL "
                      "position such as 0/16B3748.");
  command->footer("SIGINT or SIGTERM finishes what is under way and ends; a second one ends at "
                  "once.\nThe log goes to stderr; on a terminal a live board stands below it.");
  command->callback([arguments, &exit_code] { exit_code = run_job(*arguments); });
}

} // namespace walrock
