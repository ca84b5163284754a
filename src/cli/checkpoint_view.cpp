#include "cli/checkpoint_view.h"

#include <cstdint>
#include <ctime>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/amounts.h"
#include "cli/text_table.h"

namespace walrock {

namespace {

using Json = nlohmann::ordered_json;

std::string time_text(std::int64_t unix_ms) {
  std::time_t const seconds = unix_ms / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

std::string written_text(Checkpoint const& checkpoint, std::int64_t now_ms) {
  if (checkpoint.written_at_ms == 0)
    return "not known when";
  double const age = static_cast<double>(now_ms - checkpoint.written_at_ms) / 1000;
  return fmt::format("{}, {} ago, record {}", time_text(checkpoint.written_at_ms),
                     seconds_text(age < 0 ? 0 : age), count_text(checkpoint.write_number));
}

std::string_view state_word(LabelRecord const& label) {
  return label.state == LabelRecord::State::recorded ? "recorded" : "intended";
}

std::string lines_of(std::vector<std::vector<std::string>> const& rows,
                     std::vector<Align> const& columns) {
  std::string out;
  for (std::string const& line : table_lines(rows, columns))
    out += "  " + line + "\n";
  return out;
}

std::string tables_text(RestartPlan const& plan) {
  std::vector<std::vector<std::string>> rows{
      {"table", "state", "applied_lsn", "rows copied", "after a restart"}};
  for (RestartTable const& table : plan.tables)
    rows.push_back({to_string(table.record.source), std::string(to_string(table.record.state)),
                    to_string(table.record.applied_lsn), count_text(table.record.copied_rows),
                    table.action});
  std::string out =
      lines_of(rows, {Align::left, Align::left, Align::left, Align::right, Align::left});
  for (RestartTable const& table : plan.tables)
    if (!table.record.reason.empty())
      out += fmt::format("  {}: {}\n", to_string(table.record.source), table.record.reason);
  return out;
}

std::string labels_text(RestartPlan const& plan) {
  std::vector<std::vector<std::string>> rows{
      {"label", "state", "rows", "end_lsn", "after a restart"}};
  for (RestartLabel const& label : plan.labels)
    rows.push_back({label.record.label.database + "." + label.record.label.text,
                    std::string(state_word(label.record)), count_text(label.record.row_count),
                    to_string(label.record.end_lsn),
                    fmt::format("{}: {}", label.is_committed ? "is committed" : "is rolled back",
                                label.reason)});
  return lines_of(rows, {Align::left, Align::left, Align::right, Align::left, Align::left});
}

} // namespace

std::string checkpoint_text(Checkpoint const& checkpoint, ShownCheckpoint const& shown) {
  RestartPlan const plan = restart_plan(checkpoint);
  std::string out =
      fmt::format("job {}, {}\n", shown.job_id,
                  shown.is_running ? "running: this is what a restart would find" : "not running");
  out += fmt::format("checkpoint   {} (format {})\n", shown.place, checkpoint.format);
  out += fmt::format("written      {}\n", written_text(checkpoint, shown.now_ms));
  out += fmt::format("incarnation  {}\n", checkpoint.incarnation);
  if (!checkpoint.job) {
    out += "It was never begun: a start makes the slot and copies every table.\n";
    return out;
  }
  out += fmt::format("source       {}\n", plan.source);
  out += fmt::format("flushed_lsn  {}\n", to_string(checkpoint.flushed_lsn));
  if (!checkpoint.job->log_id.empty())
    out += fmt::format("logged_lsn   {} (durable spool {})\n", to_string(checkpoint.logged_lsn),
                       checkpoint.job->log_id);
  out += plan.start_lsn.is_set()
             ? fmt::format("a restart reads the slot from {}\n", to_string(plan.start_lsn))
             : "a restart makes the slot anew: nothing was read from it\n";
  out += fmt::format("\ntables: {}\n", plan.tables.size());
  if (!plan.tables.empty())
    out += tables_text(plan);
  out += fmt::format("\nlabels that may be alive in StarRocks: {}\n", plan.labels.size());
  if (!plan.labels.empty())
    out += labels_text(plan);
  return out;
}

std::string checkpoint_json(Checkpoint const& checkpoint, ShownCheckpoint const& shown) {
  RestartPlan const plan = restart_plan(checkpoint);
  Json out;
  out["job"] = shown.job_id;
  out["is_running"] = shown.is_running;
  out["checkpoint"] = shown.place;
  out["format"] = checkpoint.format;
  out["written_at_ms"] = checkpoint.written_at_ms;
  out["write_number"] = checkpoint.write_number;
  out["incarnation"] = checkpoint.incarnation;
  out["slot"] = checkpoint.job ? Json(checkpoint.job->slot_name) : Json(nullptr);
  out["publication"] = checkpoint.job ? Json(checkpoint.job->publication_name) : Json(nullptr);
  out["source_database"] = checkpoint.job ? Json(checkpoint.job->source_database) : Json(nullptr);
  out["system_identifier"] =
      checkpoint.job ? Json(checkpoint.job->system_identifier) : Json(nullptr);
  out["flushed_lsn"] = to_string(checkpoint.flushed_lsn);
  out["logged_lsn"] = to_string(checkpoint.logged_lsn);
  out["durable_spool"] = checkpoint.job && !checkpoint.job->log_id.empty()
                             ? Json(checkpoint.job->log_id)
                             : Json(nullptr);
  out["start_lsn"] = to_string(plan.start_lsn);
  out["tables"] = Json::array();
  for (RestartTable const& table : plan.tables)
    out["tables"].push_back({{"name", to_string(table.record.source)},
                             {"target", to_string(table.record.target)},
                             {"state", to_string(table.record.state)},
                             {"applied_lsn", to_string(table.record.applied_lsn)},
                             {"copied_rows", table.record.copied_rows},
                             {"reason", table.record.reason},
                             {"restart", table.action}});
  out["labels"] = Json::array();
  for (RestartLabel const& label : plan.labels)
    out["labels"].push_back({{"database", label.record.label.database},
                             {"label", label.record.label.text},
                             {"table_oid", label.record.table.oid},
                             {"state", state_word(label.record)},
                             {"rows", label.record.row_count},
                             {"end_lsn", to_string(label.record.end_lsn)},
                             {"restart", label.is_committed ? "commit" : "roll back"},
                             {"reason", label.reason}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace walrock
