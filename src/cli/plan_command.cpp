// walrock plan JOB [--json]
#include "cli/commands.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/render_plan.h"
#include "config/job_file.h"
#include "operate/plan.h"

namespace walrock {

namespace {

struct PlanArguments {
  std::string job_file;
  bool as_json = false;
};

int show_plan(PlanArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  log::set_level(log::Level::warning);
  Plan const plan = plan_job(job);
  fmt::print("{}", arguments.as_json ? plan_json(plan) : plan_text(plan));
  return kDone;
}

} // namespace

void add_plan_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<PlanArguments>();
  CLI::App* const command = app.add_subcommand(
      "plan", "Shows what run would make: publication, slot, tables, rows and bytes.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command->add_flag("--json", arguments->as_json, "For scripts.");
  command->footer("Changes nothing.");
  command->callback([arguments, &exit_code] { exit_code = show_plan(*arguments); });
}

} // namespace walrock
