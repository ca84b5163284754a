// walrock reference keys|schema: the documents that are made from the table of keys.
#include "cli/commands.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/exit_code.h"
#include "config/documents.h"

namespace walrock {

void add_reference_command(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("reference", "Prints what a job file may say.");
  command->require_subcommand(1);
  command->add_subcommand("keys", "Every key, as Markdown.")->callback([&exit_code] {
    fmt::print("{}", configuration_markdown());
    exit_code = kDone;
  });
  command->add_subcommand("schema", "A JSON Schema for editors.")->callback([&exit_code] {
    fmt::print("{}", job_schema_json());
    exit_code = kDone;
  });
}

} // namespace walrock
