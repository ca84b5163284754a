// walrock check JOB [--json]
#include "cli/commands.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/render_findings.h"
#include "config/job_file.h"
#include "operate/check.h"

namespace walrock {

namespace {

struct CheckArguments {
  std::string job_file;
  bool as_json = false;
};

int check(CheckArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  log::set_level(log::Level::warning);
  std::vector<Finding> const findings = check_job(job);
  fmt::print("{}", arguments.as_json ? findings_json(findings) : findings_text(findings));
  return has_errors(findings) ? kFound : kDone;
}

} // namespace

void add_check_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<CheckArguments>();
  CLI::App* const command = app.add_subcommand(
      "check", "Asks both sides and reports everything that would go wrong, with what fixes it.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command->add_flag("--json", arguments->as_json, "For scripts.");
  command->footer("Changes nothing. Exit code 3 when something would fail.");
  command->callback([arguments, &exit_code] { exit_code = check(*arguments); });
}

} // namespace walrock
