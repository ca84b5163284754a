// The command line: parses, runs one command, turns every failure into a message and an exit code.
#pragma once

namespace walrock {

[[nodiscard]] int run_cli(int argc, char const* const* argv);

} // namespace walrock
