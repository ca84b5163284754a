#include "cli/render_plan.h"

#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/amounts.h"
#include "cli/text_table.h"

namespace walrock {

namespace {

using Json = nlohmann::ordered_json;

// Statement or, when nothing is to be made, a comment that says so.
std::string statement(std::string const& sql, std::string const& otherwise) {
  return sql.empty() ? fmt::format("-- {}\n", otherwise) : sql + ";\n";
}

std::string rows_text(std::int64_t rows) {
  return rows < 0 ? "?" : count_text(static_cast<std::uint64_t>(rows));
}

std::string tables_text(Plan const& plan) {
  std::vector<std::vector<std::string>> rows{{"table", "rows", "size", "target", "action", ""}};
  for (PlannedTable const& table : plan.tables)
    rows.push_back({to_string(table.source), rows_text(table.row_estimate),
                    bytes_text(static_cast<std::uint64_t>(table.byte_count)),
                    to_string(table.target), std::string(to_string(table.action)),
                    table.problem.substr(0, table.problem.find('\n'))});
  std::string out;
  for (std::string const& line : table_lines(
           rows, {Align::left, Align::right, Align::right, Align::left, Align::left, Align::left}))
    out += "-- " + line + "\n";
  return out;
}

} // namespace

std::string plan_text(Plan const& plan) {
  std::string out;
  for (std::string const& note : plan.notes)
    out += fmt::format("-- {}\n", note);
  out += fmt::format("\n-- PostgreSQL {}\n", plan.source);
  out += statement(plan.publication_sql,
                   fmt::format("publication {} is there", plan.publication_name));
  out += statement(plan.slot_sql, fmt::format("replication slot {} is there", plan.slot_name));
  out += fmt::format("\n-- StarRocks {}\n", plan.target);
  if (!plan.database_sql.empty())
    out += plan.database_sql + ";\n";
  for (PlannedTable const& table : plan.tables)
    if (!table.sql.empty())
      out += table.sql + ";\n";
  out += fmt::format("\n-- what is copied; rows as the source's statistics estimate them\n{}",
                     tables_text(plan));
  return out;
}

std::string plan_json(Plan const& plan) {
  Json out;
  out["source"] = plan.source;
  out["target"] = plan.target;
  out["publication"] = {{"name", plan.publication_name}, {"sql", plan.publication_sql}};
  out["slot"] = {{"name", plan.slot_name}, {"sql", plan.slot_sql}};
  out["database_sql"] = plan.database_sql;
  out["notes"] = plan.notes;
  out["tables"] = Json::array();
  for (PlannedTable const& table : plan.tables)
    out["tables"].push_back(
        {{"name", to_string(table.source)},
         {"target", to_string(table.target)},
         {"rows", table.row_estimate < 0 ? Json(nullptr) : Json(table.row_estimate)},
         {"bytes", table.byte_count},
         {"action", to_string(table.action)},
         {"sql", table.sql},
         {"problem", table.problem}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace walrock
