// walrock status JOB [--checkpoint] [--json]
#include "base/unix_time.h"
#include "cli/commands.h"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "checkpoint/instance_lock.h"
#include "cli/checkpoint_view.h"
#include "cli/exit_code.h"
#include "cli/read_status.h"
#include "cli/status_view.h"
#include "config/job_file.h"
#include "operate/job_checkpoint.h"

namespace walrock {

namespace {

struct StatusArguments {
  std::string job_file;
  bool as_json = false;
  bool is_of_checkpoint = false;
};

void print_reasons(Status const& status) {
  for (TableStatus const& table : status.tables)
    if (table.state == TableState::errored)
      fmt::print("\n{} is set aside: {}\n", to_string(table.name), table.reason);
}

int say_never_run(JobSpec const& job) {
  fmt::print(stderr, "job {} is not running, and it has never run: no checkpoint in {}\n", job.id,
             checkpoint_place(job));
  return kFailed;
}

// Without the engine: what is durable, and what a restart makes of it.
int show_checkpoint(JobSpec const& job, bool as_json) {
  auto const checkpoint = read_job_checkpoint(job);
  if (!checkpoint)
    return say_never_run(job);
  ShownCheckpoint shown;
  shown.job_id = job.id;
  shown.place = checkpoint_place(job);
  shown.is_running = lock_holder(job.engine.checkpoint_folder).has_value();
  shown.now_ms = unix_ms_now();
  fmt::print("{}",
             as_json ? checkpoint_json(*checkpoint, shown) : checkpoint_text(*checkpoint, shown));
  return kDone;
}

int show_status(StatusArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  if (arguments.is_of_checkpoint)
    return show_checkpoint(job, arguments.as_json);
  auto const json = read_status_json(job);
  if (!json)
    return say_never_run(job);
  if (arguments.as_json) {
    fmt::print("{}\n", *json);
    return kDone;
  }
  auto const status = parse_status(*json);
  if (!status)
    throw Error(ErrorCode::internal, "the status of the running walrock cannot be read")
        .set_advice("It may be of another version: use --json.");
  // What is long is cut in the table: it stands below in full.
  for (std::string const& line : status_lines(*status, nullptr, {.width = 120, .height = 0}))
    fmt::print("{}\n", line);
  print_reasons(*status);
  if (status->slot.warning.size() > 100)
    fmt::print("{}\n", status->slot.warning);
  return kDone;
}

} // namespace

void add_status_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<StatusArguments>();
  CLI::App* const command = app.add_subcommand("status", "Shows how far a job is.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command->add_flag(
      "--checkpoint", arguments->is_of_checkpoint,
      "The last checkpoint and what a restart would do, whether walrock runs or not.");
  command->add_flag("--json", arguments->as_json, "The whole status, for scripts.");
  command->footer("Asks the walrock that runs the job; when none does, its checkpoint. Exit code 1 "
                  "when the job has never run.");
  command->callback([arguments, &exit_code] { exit_code = show_status(*arguments); });
}

} // namespace walrock
