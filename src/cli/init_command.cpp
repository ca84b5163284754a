// walrock init [FILE] [--source URL] [--target URL] ...
#include "cli/commands.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/ask.h"
#include "cli/exit_code.h"
#include "operate/init.h"

namespace walrock {

namespace {

struct InitArguments {
  std::string path = "walrock.yml";
  std::string source;
  std::string target;
  int mysql_port = 9030;
  std::vector<std::string> tables;
  bool replaces = false;
};

// What the command line leaves open is asked on a terminal, else refused by name.
std::string asked(std::string const& given, char const* option, std::string const& question,
                  std::string const& otherwise) {
  if (!given.empty())
    return given;
  if (can_ask())
    if (std::string answer = ask(question, otherwise); !answer.empty())
      return answer;
  throw Error(ErrorCode::usage, fmt::format("{} is missing", option))
      .set_advice("Run `walrock init --help`.");
}

ServerUrl source_url(InitArguments const& arguments) {
  ServerUrl url = parse_server_url(asked(arguments.source, "--source",
                                         "PostgreSQL, as postgresql://user@host:5432/database",
                                         "postgresql://postgres@127.0.0.1:5432/postgres"));
  if (url.username.empty())
    url.username = "postgres";
  if (url.database.empty())
    throw Error(ErrorCode::usage, "--source names no database; end it with /database")
        .set_advice("Run `walrock init --help`.");
  char const* const password = std::getenv("PGPASSWORD");
  if (url.password.empty() && password != nullptr)
    url.password = Secret(password);
  if (url.password.empty() && can_ask())
    url.password = ask_secret(fmt::format("password of {} (empty: none)", url.username));
  return url;
}

void write_file(InitArguments const& arguments, std::string const& text) {
  struct stat known {};
  if (!arguments.replaces && ::stat(arguments.path.c_str(), &known) == 0)
    throw Error(ErrorCode::usage, fmt::format("{} exists already", arguments.path))
        .set_advice("Name another file, or give --force to replace it.");
  std::ofstream file(arguments.path, std::ios::trunc);
  file << text;
  file.close();
  if (!file)
    throw Error(ErrorCode::usage, fmt::format("{} cannot be written", arguments.path))
        .set_advice("Check the folder and its permissions.");
}

int init(InitArguments const& arguments) {
  log::set_level(log::Level::warning);
  InitRequest request;
  request.source = source_url(arguments);
  request.target = parse_server_url(
      asked(arguments.target, "--target", "StarRocks, as starrocks://user@frontend:8030/database",
            fmt::format("starrocks://root@127.0.0.1:8030/{}", request.source.database)));
  request.mysql_port = arguments.mysql_port;
  request.tables = arguments.tables;
  std::vector<InitTable> const tables = ask_tables(request);
  std::string const text = job_file_text(request, tables);
  if (arguments.path == "-") {
    fmt::print("{}", text);
    return kDone;
  }
  write_file(arguments, text);
  fmt::print("wrote {}: {} tables. Next: walrock check {}\n", arguments.path, tables.size(),
             arguments.path);
  if (!request.source.password.empty() && std::getenv("PGPASSWORD") == nullptr)
    fmt::print("The file reads the password from the environment: set PGPASSWORD first.\n");
  return kDone;
}

} // namespace

void add_init_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<InitArguments>();
  CLI::App* const command =
      app.add_subcommand("init", "Asks PostgreSQL for its tables and writes a commented job file.");
  command->add_option("FILE,-o,--output", arguments->path,
                      "The file to write, - for stdout; walrock.yml when left out.");
  command->add_option("--source,--source-url", arguments->source,
                      "postgresql://user@host:5432/database");
  command->add_option("--target,--fe", arguments->target,
                      "starrocks://user@frontend:8030/database, or host:port of a frontend");
  command->add_option("--mysql-port", arguments->mysql_port, "MySQL port of the frontends: 9030.");
  command
      ->add_option("--tables", arguments->tables,
                   "Names or patterns as in table-name, separated by commas; else every table.")
      ->delimiter(',');
  command->add_flag("--force", arguments->replaces, "Replace the file.");
  command->footer("The password comes from PGPASSWORD, .pgpass or a question; the file names "
                  "PGPASSWORD and holds no password.\nWhat is not given is asked on a terminal.");
  command->callback([arguments, &exit_code] { exit_code = init(*arguments); });
}

} // namespace walrock
