// The commands of walrock, each in the file of its name. Every one is parsed, asks somebody and
// prints; nothing else happens here. Errors are thrown and become exit codes in run_cli().
#pragma once

namespace CLI {
class App;
}

namespace walrock {

// Each adds its command to the tree; when the user chose it, exit_code is what it ended with. Both
// must outlive the parse.
void add_run_command(CLI::App& app, int& exit_code);
void add_status_command(CLI::App& app, int& exit_code);
void add_check_command(CLI::App& app, int& exit_code);
void add_plan_command(CLI::App& app, int& exit_code);
void add_quarantine_command(CLI::App& app, int& exit_code);
void add_drop_command(CLI::App& app, int& exit_code);
void add_init_command(CLI::App& app, int& exit_code);
void add_reference_command(CLI::App& app, int& exit_code);

} // namespace walrock
