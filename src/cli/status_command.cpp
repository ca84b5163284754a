// walrock status JOB [--json]
#include "cli/commands.h"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/read_status.h"
#include "cli/status_view.h"
#include "config/job_file.h"

namespace walrock {

namespace {

struct StatusArguments {
  std::string job_file;
  bool as_json = false;
};

void print_reasons(Status const& status) {
  for (TableStatus const& table : status.tables)
    if (table.state == TableState::errored)
      fmt::print("\n{} is set aside: {}\n", to_string(table.name), table.reason);
}

int show_status(StatusArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  auto const json = read_status_json(job);
  if (!json) {
    fmt::print(stderr, "job {} is not running, and it has never run: no checkpoint in {}\n", job.id,
               job.engine.checkpoint_folder);
    return kFailed;
  }
  if (arguments.as_json) {
    fmt::print("{}\n", *json);
    return kDone;
  }
  auto const status = parse_status(*json);
  if (!status)
    throw Error(ErrorCode::internal, "the status of the running walrock cannot be read")
        .set_advice("It may be of another version: use --json.");
  // Reasons are cut in the table: they stand below it in full.
  for (std::string const& line : status_lines(*status, nullptr, {.width = 120, .height = 0}))
    fmt::print("{}\n", line);
  print_reasons(*status);
  return kDone;
}

} // namespace

void add_status_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<StatusArguments>();
  CLI::App* const command = app.add_subcommand("status", "Shows how far a job is.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command->add_flag("--json", arguments->as_json, "The whole status, for scripts.");
  command->footer("Asks the walrock that runs the job; when none does, its checkpoint. Exit code 1 "
                  "when the job has never run.");
  command->callback([arguments, &exit_code] { exit_code = show_status(*arguments); });
}

} // namespace walrock
