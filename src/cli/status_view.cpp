#include "cli/status_view.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/text_table.h"

namespace walrock {

namespace {

constexpr Milliseconds kSpan{5'000};

double seconds_of(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string percent_of(TableStatus const& table) {
  bool const is_copying = table.state == TableState::copying || table.state == TableState::init;
  if (!is_copying || table.estimated_rows <= 0)
    return {};
  double const share =
      static_cast<double>(table.copied_rows) / static_cast<double>(table.estimated_rows);
  // The estimate is an estimate: 100 % is said when the copy is complete, not before.
  return fmt::format("{}%", std::min(99, static_cast<int>(share * 100)));
}

std::string eta_of(TableStatus const& table, double rate) {
  if (table.state != TableState::copying || rate < 0.5 || table.estimated_rows < 0)
    return {};
  auto const estimated = static_cast<std::uint64_t>(table.estimated_rows);
  if (table.copied_rows >= estimated)
    return {};
  return seconds_text(static_cast<double>(estimated - table.copied_rows) / rate);
}

// What needs attention first, then what moves, then the rest.
int rank_of(TableStatus const& table) {
  if (table.state == TableState::errored)
    return 0;
  if (!table.trouble.empty())
    return 1;
  return table.state == TableState::ready ? 3 : 2;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

std::vector<std::string> table_row(TableStatus const& table, RateMeter const* rates) {
  double const rate = rates == nullptr ? 0 : rates->of(table.name);
  std::vector<std::string> row{to_string(table.name), std::string(to_string(table.state)),
                               count_text(table.copied_rows), count_text(table.applied_rows)};
  if (rates != nullptr) {
    row.push_back(rate_text(rate));
    row.push_back(percent_of(table));
    row.push_back(eta_of(table, rate));
  }
  std::string words =
      table.state == TableState::errored || table.trouble.empty() ? table.reason : table.trouble;
  if (words.empty() && table.quarantined_rows > 0)
    words = fmt::format("{} rows in quarantine", table.quarantined_rows);
  if (words.empty())
    for (auto const& [column, count] : table.changed_values)
      words += fmt::format("{}{} values of {} changed", words.empty() ? "" : ", ", count, column);
  row.push_back(first_line(words));
  return row;
}

std::vector<std::string> header_lines(Status const& status, RateMeter const* rates) {
  std::string first = fmt::format("{}  {}", status.job_name, to_string(status.state));
  if (!status.phase.empty())
    first += ": " + status.phase;
  if (!status.trouble.empty())
    first += fmt::format(" ({})", status.trouble);
  if (status.state == EngineState::failed)
    first += ": " + status.error.message;
  std::string second =
      fmt::format("lag {}, {}", seconds_text(status.lag_seconds), bytes_text(status.lag_bytes));
  if (rates != nullptr) {
    std::string const rate = rate_text(rates->total());
    second += fmt::format("  rows {}", rate.empty() ? "0/s" : rate);
  }
  second += fmt::format("  flushed {}  memory {}", to_string(status.flushed_lsn),
                        bytes_text(status.memory_used));
  if (status.uptime_ms > 0)
    second += "  up " + seconds_text(static_cast<double>(status.uptime_ms) / 1000);
  std::vector<std::string> lines{first, second};
  if (!status.slot.warning.empty())
    lines.push_back("warning: " + status.slot.warning);
  return lines;
}

// Those of `tables` that fit, in the order of names; how many were left out, by state.
std::string drop_least_important(std::vector<TableStatus const*>& tables, std::size_t room) {
  std::vector<TableStatus const*> by_rank = tables;
  std::stable_sort(by_rank.begin(), by_rank.end(),
                   [](auto const* a, auto const* b) { return rank_of(*a) < rank_of(*b); });
  std::map<TableState, int> left_out;
  for (std::size_t i = room; i < by_rank.size(); ++i)
    ++left_out[by_rank[i]->state];
  by_rank.resize(room);
  std::erase_if(tables, [&](auto const* table) {
    return std::find(by_rank.begin(), by_rank.end(), table) == by_rank.end();
  });
  std::string text;
  for (auto const& [state, count] : left_out)
    text += fmt::format("{}{} {}", text.empty() ? "and " : ", ", count, to_string(state));
  return text + " more";
}

} // namespace

void RateMeter::add(Status const& status, TimePoint now) {
  Sample sample{now, {}};
  for (TableStatus const& table : status.tables)
    sample.rows[table.name] = table.copied_rows + table.applied_rows;
  samples_.push_back(std::move(sample));
  while (samples_.size() > 2 && now - samples_[1].at >= kSpan)
    samples_.erase(samples_.begin());
}

double RateMeter::of(TableName const& table) const {
  if (samples_.size() < 2)
    return 0;
  auto const first = samples_.front().rows.find(table);
  auto const last = samples_.back().rows.find(table);
  double const seconds = seconds_of(samples_.back().at - samples_.front().at);
  // A copy that begins again counts from 0: no rate until the next span.
  bool const is_known = first != samples_.front().rows.end() &&
                        last != samples_.back().rows.end() && last->second >= first->second;
  return is_known && seconds > 0 ? static_cast<double>(last->second - first->second) / seconds : 0;
}

double RateMeter::total() const {
  double sum = 0;
  if (!samples_.empty())
    for (auto const& [table, rows] : samples_.back().rows)
      sum += of(table);
  return sum;
}

std::vector<std::string> status_lines(Status const& status, RateMeter const* rates,
                                      ViewLimits limits) {
  std::vector<std::string> lines = header_lines(status, rates);
  std::vector<TableStatus const*> tables;
  for (TableStatus const& table : status.tables)
    tables.push_back(&table);
  std::string more;
  std::size_t const other_lines = lines.size() + 2; // heading, "and 3 more"
  if (limits.height != 0 && tables.size() + other_lines > limits.height)
    more =
        drop_least_important(tables, limits.height > other_lines ? limits.height - other_lines : 0);
  if (!tables.empty()) {
    bool const has_rates = rates != nullptr;
    std::vector<std::vector<std::string>> rows{
        has_rates ? std::vector<std::string>{"table", "state", "rows", "changes", "    rows/s",
                                             "  %", "   eta", ""}
                  : std::vector<std::string>{"table", "state", "rows", "changes", ""}};
    std::vector<Align> columns{Align::left, Align::left, Align::right, Align::right};
    if (has_rates)
      columns.insert(columns.end(), 3, Align::right);
    columns.push_back(Align::left);
    for (TableStatus const* const table : tables)
      rows.push_back(table_row(*table, rates));
    std::vector<std::string> const table_text = table_lines(rows, columns);
    lines.insert(lines.end(), table_text.begin(), table_text.end());
  }
  if (!more.empty())
    lines.push_back(more);
  if (limits.width != 0)
    for (std::string& line : lines)
      line = cut_line(line, limits.width);
  return lines;
}

std::string summary_text(Status const& status) {
  std::uint64_t rows = 0;
  std::uint64_t changes = 0;
  std::size_t errored = 0;
  for (TableStatus const& table : status.tables) {
    rows += table.copied_rows;
    changes += table.applied_rows;
    errored += table.state == TableState::errored ? 1 : 0;
  }
  return fmt::format("{} table{}{}, {} rows copied, {} changes applied, flushed_lsn {}",
                     status.tables.size(), status.tables.size() == 1 ? "" : "s",
                     errored == 0 ? "" : fmt::format(" ({} set aside)", errored), count_text(rows),
                     count_text(changes), to_string(status.flushed_lsn));
}

std::string progress_text(Status const& status, RateMeter const& rates) {
  std::uint64_t rows = 0;
  std::size_t ready = 0;
  std::size_t errored = 0;
  for (TableStatus const& table : status.tables) {
    rows += table.copied_rows;
    ready += table.state == TableState::ready ? 1 : 0;
    errored += table.state == TableState::errored ? 1 : 0;
  }
  return fmt::format("state={} tables={} ready={} errored={} copied_rows={} rows_per_second={:.0f} "
                     "lag_seconds={:.1f} lag_bytes={} flushed_lsn={}",
                     to_string(status.state), status.tables.size(), ready, errored, rows,
                     rates.total(), status.lag_seconds, status.lag_bytes,
                     to_string(status.flushed_lsn));
}

} // namespace walrock
