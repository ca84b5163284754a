// walrock drop JOB [--yes]
#include "cli/commands.h"

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "config/job_file.h"
#include "operate/drop.h"
#include "runtime/stream_log_start.h"

namespace walrock {

namespace {

struct DropArguments {
  std::string job_file;
  bool is_sure = false;
};

// Reads one line, from a terminal or not; nobody there to answer is a mistake of the call.
bool is_confirmed() {
  fmt::print("Type yes to remove them: ");
  std::fflush(stdout);
  std::string answer;
  if (!std::getline(std::cin, answer))
    throw Error(ErrorCode::usage, "nothing was removed: nobody answered")
        .set_advice("Run it with --yes where nobody can be asked.");
  return answer == "yes" || answer == "y";
}

int drop(DropArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  log::set_level(log::Level::warning);
  JobRemoval removal(job);
  for (std::string const& what : removal.kept())
    fmt::print("stays:   {}\n", what);
  for (std::string const& what : removal.removed())
    fmt::print("removes: {}\n", what);
  if (!job.engine.durable_spool.empty() &&
      has_log(*open_log_folder(job.engine.durable_spool), job.id))
    fmt::print("removes: durable spool in {}\n", job.engine.durable_spool);
  if (removal.removed().empty()) {
    fmt::print("there is nothing to remove\n");
    return kDone;
  }
  fmt::print("The copied tables in StarRocks stay. The job cannot go on from where it is.\n");
  if (!arguments.is_sure && !is_confirmed()) {
    fmt::print("nothing was removed\n");
    return kFailed;
  }
  for (std::string const& trouble : removal.remove())
    fmt::print(stderr, "warning: {}\n", trouble);
  if (!job.engine.durable_spool.empty())
    remove_other_segments(*open_log_folder(job.engine.durable_spool), job.id, {});
  fmt::print("removed\n");
  return kDone;
}

} // namespace

void add_drop_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<DropArguments>();
  CLI::App* const command = app.add_subcommand(
      "drop", "Removes the job's slot, publication and checkpoint; the copy stays.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command->add_flag("--yes", arguments->is_sure, "Do not ask.");
  command->footer("Exit code 4 while the job runs.");
  command->callback([arguments, &exit_code] { exit_code = drop(*arguments); });
}

} // namespace walrock
