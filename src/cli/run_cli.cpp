#include "cli/run_cli.h"

#include <cstdlib>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/version.h"

namespace walrock {

namespace {

constexpr char kAbout[] = "walrock keeps StarRocks a live, exact copy of PostgreSQL, from one job "
                          "file.";
constexpr char kExamples[] = R"(
Examples:
  walrock init shop.yml --source postgresql://replicator@db/shop --target starrocks://root@fe/shop
  walrock check shop.yml
  walrock run shop.yml
  walrock run shop.yml --until now     copy, catch up, end
  walrock status shop.yml --json

Exit codes: 0 done, 1 failed, 2 usage or job file, 3 check found something, 4 refused (slot, second
instance), 130 stopped by a second signal.)";

// The parser reports an unknown command as a missing one.
std::string mistake_text(CLI::App const& app, CLI::ParseError const& wrong, int argc,
                         char const* const* argv) {
  bool const has_command = !app.get_subcommands().empty();
  if (has_command || argc < 2 || argv[1][0] == '-')
    return wrong.what();
  std::string commands;
  for (CLI::App const* command : app.get_subcommands([](CLI::App const*) { return true; }))
    commands += (commands.empty() ? "" : ", ") + command->get_name();
  return fmt::format("there is no command \"{}\"; the commands are {}", argv[1], commands);
}

int parse(CLI::App& app, int argc, char const* const* argv) {
  try {
    app.parse(argc, argv);
    return kDone;
  } catch (CLI::Success const& asked) { // --help, --version
    return app.exit(asked);
  } catch (CLI::ParseError const& wrong) {
    CLI::App const* chosen = &app;
    for (auto const& command : app.get_subcommands())
      chosen = command;
    Error error(ErrorCode::usage, mistake_text(app, wrong, argc, argv));
    if (chosen != &app)
      error.set_advice("Run `walrock " + chosen->get_name() + " --help`.");
    print_error(ErrorReport::of(error));
    return kUsage;
  }
}

} // namespace

int run_cli(int argc, char const* const* argv) {
  int exit_code = kDone;
  try {
    arm_failpoint(std::getenv("WALROCK_FAILPOINT"));
    CLI::App app(kAbout, "walrock");
    app.set_version_flag("--version", kVersionText);
    app.footer(kExamples + 1);
    app.require_subcommand(1);
    add_init_command(app, exit_code);
    add_run_command(app, exit_code);
    add_status_command(app, exit_code);
    add_check_command(app, exit_code);
    add_plan_command(app, exit_code);
    add_quarantine_command(app, exit_code);
    add_drop_command(app, exit_code);
    add_reference_command(app, exit_code);
    int const parsed = parse(app, argc, argv);
    return parsed != kDone ? parsed : exit_code;
  } catch (Error const& error) {
    print_error(ErrorReport::of(error));
    return exit_code_of(error.code());
  } catch (std::exception const& error) {
    print_error(ErrorReport::of(error));
    return kFailed;
  }
}

} // namespace walrock
