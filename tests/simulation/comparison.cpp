#include "simulation/comparison.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace walrock::simulation {

void Comparison::note_swap(std::size_t table, TargetName const& twin) {
  model_.on_swap(table, target_.rows(names_[table]), target_.rows(twin));
}

// The rows of the target; those whose keys are in quarantine as they are there.
std::vector<TargetRow> Comparison::rows_with_quarantine(std::size_t table) {
  TargetName const& name = names_[table];
  std::vector<TargetRow> rows = target_.rows(name);
  if (!quarantine_limit_ || !is_found_by_id(table))
    return rows;
  std::map<std::pair<std::string, int>, nlohmann::json> kept;
  for (TargetRow const& row : target_.rows({name.database, kQuarantineTable}))
    if (row.at("target_table") == name.table)
      kept[{row.at("key_hash"), std::stoi(row.at("number"))}] =
          nlohmann::json::parse(row.at("row_values"));
  std::map<std::string, TargetRow> by_key;
  for (TargetRow& row : rows)
    by_key[row.at("id")] = std::move(row);
  most_quarantined_ = std::max(most_quarantined_, static_cast<int>(kept.size()));
  for (auto const& [place, values] : kept) {
    by_key[values.at("id")].erase(kDeletedColumn);
    for (auto const& [column, value] : values.items())
      by_key[values.at("id")][column] = value.is_null() ? kNull : value.get<std::string>();
  }
  rows.clear();
  for (auto& [key, row] : by_key)
    rows.push_back(std::move(row));
  return rows;
}

// Out of the rows of the target those that stay without being in the source.
std::vector<TargetRow> Comparison::take_dead(std::size_t table, std::vector<Cells> const& expected,
                                             std::vector<TargetRow>& rows) const {
  std::set<std::string> live;
  for (Cells const& row : expected)
    live.insert(*row[0]);
  auto const dead = std::partition(rows.begin(), rows.end(), [&](TargetRow const& row) {
    return !model_.is_dead(table, row, live);
  });
  std::vector<TargetRow> const out(dead, rows.end());
  rows.erase(dead, rows.end());
  return out;
}

void Comparison::compare(std::size_t table, Lsn position, char const* when) {
  std::vector<TargetRow> rows = rows_with_quarantine(table);
  if (model_.is_history(table)) {
    model_.compare_versions(table, position, rows);
    return;
  }
  std::vector<Cells> expected = source_.rows_at(table, position);
  if (model_.has(table))
    model_.compare_dead(table, position, take_dead(table, expected, rows),
                        quarantine_limit_ && may_refuse_);
  for (Cells& row : expected)
    row.resize(source_.columns_at(table, source_.wal_end()));
  std::vector<Cells> seen;
  for (TargetRow const& row : rows)
    seen.push_back(model_.cells_of(table, row));
  std::sort(seen.begin(), seen.end());
  if (seen == expected)
    return;
  auto const text = [](std::vector<Cells> const& all) {
    std::string out;
    for (Cells const& row : all) {
      out += "\n    ";
      for (Cell const& cell : row)
        out += cell.value_or("-") + " ";
    }
    return out;
  };
  throw Violation(fmt::format("t{} differs {} at {}:\n  source{}\n  target{}", table, when,
                              position.value, text(expected), text(seen)));
}

void Comparison::require_no_doubles(std::size_t table) {
  std::set<std::pair<std::string, std::string>> seen;
  for (TargetRow const& row : target_.rows(names_[table]))
    if (!seen.emplace(row.at("_walrock_lsn"), row.at("_walrock_index")).second)
      throw Violation(fmt::format("t{} has a change twice", table));
}

void Comparison::compare_at_end() {
  std::set<std::string> allowed;
  if (may_refuse_)
    allowed.insert({"load_rejected", "quarantine_full"});
  set_aside_.clear();
  for (auto const& [id, record] : store_.tables()) {
    std::size_t const table = id.oid - kFirstOid;
    if (record.state == TableState::errored) {
      set_aside_[table] = record.reason;
      if (!allowed.contains(record.reason.substr(0, record.reason.find(':'))))
        throw Violation(fmt::format("t{} was set aside: {}", table, record.reason));
      if (record.reason.starts_with("load_rejected"))
        require_named_row(table, record.reason);
      continue;
    }
    compare(table, source_.wal_end(), "at the end");
    if (source_.kind(table) == TableKind::append_only || model_.is_history(table))
      require_no_doubles(table);
  }
}

// A table that stops because of a row says which, by its key, and why.
void Comparison::require_named_row(std::size_t table, std::string const& reason) const {
  constexpr std::string_view kWhy = "the text ";
  std::size_t const at = reason.find(kWhy);
  std::string const text =
      at == std::string::npos
          ? ""
          : reason.substr(at + kWhy.size(), reason.find(' ', at + kWhy.size()) - at - kWhy.size());
  bool const is_key_named =
      !is_found_by_id(table) || reason.find("rows refused: row id=") != std::string::npos;
  if (!target_.refuses(text) || !is_key_named)
    throw Violation(fmt::format("t{} does not say which row was refused: {}", table, reason));
}

} // namespace walrock::simulation
