// walrock quarantine JOB [--json], walrock quarantine JOB retry [TABLE]
#include "cli/commands.h"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/text_table.h"
#include "config/job_file.h"
#include "operate/quarantine.h"

namespace walrock {

namespace {

constexpr std::size_t kShownReason = 120;
constexpr std::size_t kShownKey = 60;

struct QuarantineArguments {
  std::string job_file;
  std::string action;
  std::string table;
  bool as_json = false;
};

void print_json(std::vector<KeptRow> const& rows) {
  auto out = nlohmann::ordered_json::array();
  for (KeptRow const& row : rows)
    out.push_back({{"table", row.source_table},
                   {"target", row.target_table},
                   {"key", nlohmann::ordered_json::parse(row.key, nullptr, false)},
                   {"number", row.number},
                   {"column", row.column},
                   {"reason", row.reason},
                   {"tries", row.tries},
                   {"first_seen", row.first_seen},
                   {"values", nlohmann::ordered_json::parse(row.values, nullptr, false)}});
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

int list(QuarantineArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  std::vector<KeptRow> const rows = list_quarantine(job);
  if (arguments.as_json) {
    print_json(rows);
    return kDone;
  }
  if (rows.empty()) {
    fmt::print("nothing is in quarantine\n");
    return kDone;
  }
  std::vector<std::vector<std::string>> cells{
      {"table", "key", "column", "tries", "first seen", "reason"}};
  for (KeptRow const& row : rows)
    cells.push_back({row.source_table, cut_line(words_of_key(row.key), kShownKey), row.column,
                     std::to_string(row.tries), row.first_seen,
                     cut_line(row.reason, kShownReason)});
  for (std::string const& line : table_lines(
           cells, {Align::left, Align::left, Align::left, Align::right, Align::left, Align::left}))
    fmt::print("{}\n", line);
  return kDone;
}

char const* word(RetriedKey::Kind kind) {
  switch (kind) {
  case RetriedKey::Kind::released: return "released";
  case RetriedKey::Kind::removed: return "removed";
  case RetriedKey::Kind::refused: return "refused";
  case RetriedKey::Kind::skipped: return "skipped";
  }
  return "";
}

int retry(QuarantineArguments const& arguments) {
  JobSpec const job = load_job_file(arguments.job_file);
  log::set_level(log::Level::warning);
  std::vector<RetriedKey> const results = retry_quarantine(job, arguments.table);
  bool is_left = false;
  for (RetriedKey const& result : results) {
    is_left |= result.kind == RetriedKey::Kind::refused || result.kind == RetriedKey::Kind::skipped;
    fmt::print("{}: {} {}{}{}\n", word(result.kind), result.table, result.key,
               result.reason.empty() ? "" : ": ", result.reason);
  }
  if (results.empty())
    fmt::print("nothing is in quarantine\n");
  return is_left ? kFailed : kDone;
}

} // namespace

void add_quarantine_command(CLI::App& app, int& exit_code) {
  auto const arguments = std::make_shared<QuarantineArguments>();
  CLI::App* const command = app.add_subcommand(
      "quarantine", "Lists the rows that StarRocks refused, or tries them again.");
  command->add_option("JOB", arguments->job_file, "The job file.")->required();
  command
      ->add_option("ACTION", arguments->action,
                   "retry: load the present row of each key from PostgreSQL.")
      ->check(CLI::IsMember({"retry"}));
  command->add_option("TABLE", arguments->table, "Of this table alone, as public.users.");
  command->add_flag("--json", arguments->as_json, "The rows with all their values, for scripts.");
  command->footer("Exit code 4 when it shall retry while the job runs, 1 when rows are left.");
  command->callback([arguments, &exit_code] {
    exit_code = arguments->action.empty() ? list(*arguments) : retry(*arguments);
  });
}

} // namespace walrock
