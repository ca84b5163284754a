#include "simulation/kept_model.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "model/made_column.h"
#include "model/pg_time_text.h"

namespace walrock::simulation {

namespace {

constexpr char kSomeTime[] = "some time"; // a copy's own clock

std::string value_of(TargetRow const& row, std::string const& column) {
  auto const found = row.find(column);
  return found == row.end() ? kNull : found->second;
}

std::string time_of(SourceTransaction const& transaction) {
  return pg_time_text(static_cast<std::int64_t>(transaction.commit_lsn.value));
}

std::string text_of(Cells const& cells) {
  std::string out;
  for (Cell const& cell : cells)
    out += " " + cell.value_or("-");
  return out;
}

std::string text_of(std::vector<std::string> const& lines) {
  std::string out;
  for (std::string const& line : lines)
    out += "\n    " + line;
  return out;
}

} // namespace

bool KeptModel::is_dead(std::size_t table, TargetRow const& row,
                        std::set<std::string> const& live_ids) const {
  return is(table, KeptRows::marked) ? is_marked_deleted(row)
                                     : has(table) && !live_ids.contains(row.at("id"));
}

Lsn KeptModel::copied_lsn(std::size_t table) const {
  return store_.copied_lsn({kFirstOid + static_cast<Oid>(table)});
}

Cells KeptModel::cells_of(std::size_t table, TargetRow const& row) const {
  Cells cells;
  for (SourceColumn const& column : source_.describe(table).columns) {
    std::string const value = value_of(row, column.name);
    cells.push_back(value == kNull ? Cell() : Cell(value));
  }
  return cells;
}

void KeptModel::on_swap(std::size_t table, std::vector<TargetRow> const& before,
                        std::vector<TargetRow> const& after) {
  if (!has(table))
    return;
  auto const name = [&](TargetRow const& row) {
    return is_history(table) ? value_of(row, kLsnColumn) + "/" + value_of(row, kIndexColumn)
                             : row.at("id");
  };
  std::set<std::string> there;
  for (TargetRow const& row : after)
    if (!there.insert(name(row)).second)
      throw Violation(fmt::format("t{} has {} twice in the copy", table, name(row)));
  if (there.contains(kForeignId))
    throw Violation(fmt::format("t{} keeps a row that was to be removed", table));
  before_copy_[table].clear();
  for (TargetRow const& row : before)
    if (there.contains(name(row)))
      before_copy_[table].push_back(row);
    else if (copied_lsn(table).is_set()) // else it is of a copy that did not come to its end
      throw Violation(fmt::format("t{} loses {} with a copy", table, name(row)));
  if (!is_history(table))
    return;
  std::set<std::string> lines;
  for (TargetRow const& row : before)
    lines.insert(line_of(table, row));
  Lsn const applied = store_.tables().at({kFirstOid + static_cast<Oid>(table)}).applied_lsn;
  for (std::string const& version : versions_between(table, copied_lsn(table), applied))
    if (!lines.contains(version))
      throw Violation(fmt::format("t{} lacks a version before a copy: {}", table, version));
}

// ---------------------------------------------------------------- deletes: soft, ignore

KeptModel::DeadRows KeptModel::dead_at(std::size_t table, Lsn position) const {
  Lsn const copied = copied_lsn(table);
  DeadRows dead;
  std::map<std::string, Cells> live;
  for (Cells const& row : source_.rows_at(table, copied))
    live[*row[0]] = row;
  if (auto const found = before_copy_.find(table); found != before_copy_.end())
    for (TargetRow const& row : found->second)
      if (!live.contains(row.at("id")))
        dead[row.at("id")] = {cells_of(table, row),
                              is_marked_deleted(row) ? value_of(row, kDeletedAtColumn) : kSomeTime};
  for (SourceTransaction const& transaction : source_.transactions())
    if (transaction.end_lsn > copied && transaction.end_lsn <= position && !transaction.is_aborted)
      apply(table, transaction, dead, live);
  return dead;
}

void KeptModel::apply(std::size_t table, SourceTransaction const& transaction, DeadRows& dead,
                      std::map<std::string, Cells>& live) {
  std::string const at = time_of(transaction);
  for (SourceChange const& change : transaction.changes) {
    if (change.table != table || change.is_rolled_back)
      continue;
    if (change.kind == 'T')
      for (auto const& [id, row] : std::exchange(live, {}))
        dead[id] = {row, at};
    if (!change.old_row.empty()) {
      dead[*change.old_row[0]] = {change.old_row, at};
      live.erase(*change.old_row[0]);
    }
    if (!change.new_row.empty()) {
      dead.erase(*change.new_row[0]);
      live[*change.new_row[0]] = change.new_row;
    }
  }
}

std::set<std::string> KeptModel::unseen_at(std::size_t table, Lsn position) const {
  std::set<std::string> ids;
  for (SourceTransaction const& transaction : source_.transactions())
    for (SourceChange const& change : transaction.changes) {
      if (change.table != table || transaction.end_lsn <= copied_lsn(table) ||
          transaction.end_lsn > position)
        continue;
      for (auto const& [id, row] : change.event.came)
        ids.insert(std::to_string(id));
      if (change.kind == 'U' && ids.contains(*change.old_row[0]))
        ids.insert(*change.new_row[0]);
    }
  return ids;
}

void KeptModel::compare_dead(std::size_t table, Lsn position, std::vector<TargetRow> const& rows,
                             bool is_loose) const {
  bool const is_soft = is(table, KeptRows::marked);
  DeadRows expected = dead_at(table, position);
  std::set<std::string> const unseen = unseen_at(table, position);
  std::erase_if(expected, [&](auto const& dead) { return unseen.contains(dead.first); });
  std::vector<std::string> wanted;
  std::vector<std::string> seen;
  for (TargetRow const& row : rows) {
    std::string const& id = row.at("id");
    if (unseen.contains(id))
      continue;
    Cells cells = cells_of(table, row);
    std::string deleted_at = is_soft ? value_of(row, kDeletedAtColumn) : "";
    if (auto const found = expected.find(id); found != expected.end()) {
      DeadRow& known = found->second;
      known.cells.resize(cells.size());
      if (known.deleted_at == kSomeTime && deleted_at != kNull)
        known.deleted_at = deleted_at;
      if (is_loose)
        known = {cells, deleted_at};
    }
    seen.push_back(id + ":" + text_of(cells) + ", " + deleted_at);
  }
  for (auto const& known : expected) {
    bool const is_there = std::any_of(rows.begin(), rows.end(), [&](TargetRow const& row) {
      return row.at("id") == known.first;
    });
    if (is_there || !is_loose)
      wanted.push_back(known.first + ":" + text_of(known.second.cells) + ", " +
                       (is_soft ? known.second.deleted_at : ""));
  }
  std::sort(seen.begin(), seen.end());
  std::sort(wanted.begin(), wanted.end());
  if (seen != wanted)
    throw Violation(
        fmt::format("t{}: rows that were deleted differ at {}:\n  expected{}\n  target{}", table,
                    position.value, text_of(wanted), text_of(seen)));
}

// ---------------------------------------------------------------- history

namespace {

// A version as it is compared. Of what a copy brings neither the time nor the order is known.
std::string version_line(std::string const& lsn, std::string const& index,
                         std::string const& operation, std::string const& time, Cells cells) {
  while (!cells.empty() && !cells.back())
    cells.pop_back(); // columns that are added are NULL in older versions
  bool const is_of_copy = operation == "read" || operation == "copy";
  return fmt::format("{} {} {} {}:{}", lsn, operation == "read" ? "" : index, operation,
                     !is_of_copy     ? time
                     : time == kNull ? "no time"
                                     : kSomeTime,
                     text_of(cells));
}

} // namespace

std::string KeptModel::line_of(std::size_t table, TargetRow const& row) const {
  return version_line(row.at(kLsnColumn), row.at(kIndexColumn), row.at(kOperationColumn),
                      value_of(row, kCommitTimeColumn), cells_of(table, row));
}

std::vector<std::string> KeptModel::versions_between(std::size_t table, Lsn from, Lsn to) const {
  std::vector<std::string> out;
  bool const is_whole = is_full(source_.kind(table));
  for (SourceTransaction const& transaction : source_.transactions()) {
    if (transaction.end_lsn <= from || transaction.end_lsn > to || transaction.is_aborted)
      continue;
    std::size_t index = 0;
    auto const add = [&](char const* operation, Cells const& cells) {
      out.push_back(version_line(std::to_string(transaction.commit_lsn.value),
                                 std::to_string(index++), operation, time_of(transaction), cells));
    };
    for (SourceChange const& change : transaction.changes) {
      if (change.table != table || change.is_rolled_back)
        continue;
      Cells old_row = change.old_row;
      if (!is_whole && !old_row.empty())
        old_row.resize(1);
      bool const is_moved = change.kind == 'U' && has_key(source_.kind(table)) &&
                            change.old_row[0] != change.new_row[0];
      if (change.kind == 'D' || is_moved)
        add("delete", old_row);
      if (change.kind == 'I' || change.kind == 'U')
        add(change.kind == 'U' && !is_moved ? "update" : "insert", change.new_row);
      if (change.kind == 'T')
        add("truncate", {});
    }
  }
  return out;
}

void KeptModel::compare_versions(std::size_t table, Lsn position,
                                 std::vector<TargetRow> const& rows) const {
  Lsn const copied = copied_lsn(table);
  std::vector<std::string> expected = versions_between(table, copied, position);
  auto const before = before_copy_.find(table);
  if (before != before_copy_.end() && !before->second.empty()) {
    std::uint64_t last = 0;
    for (TargetRow const& row : before->second) {
      expected.push_back(line_of(table, row));
      last = std::max<std::uint64_t>(last, std::stoull(row.at(kLsnColumn)));
    }
    expected.push_back(version_line(std::to_string(last + 1), "0", "copy", kSomeTime, {}));
  }
  for (Cells const& row : source_.rows_at(table, copied))
    expected.push_back(version_line(std::to_string(copied.value - 1), "", "read", kSomeTime, row));
  std::vector<std::string> seen;
  for (TargetRow const& row : rows)
    seen.push_back(line_of(table, row));
  std::sort(expected.begin(), expected.end());
  std::sort(seen.begin(), seen.end());
  if (seen == expected)
    return;
  std::vector<std::string> lost;
  std::vector<std::string> surplus;
  std::set_difference(expected.begin(), expected.end(), seen.begin(), seen.end(),
                      std::back_inserter(lost));
  std::set_difference(seen.begin(), seen.end(), expected.begin(), expected.end(),
                      std::back_inserter(surplus));
  throw Violation(
      fmt::format("t{}: versions differ at {}, copied at {}:\n  lacking{}\n  too many{}", table,
                  position.value, copied.value, text_of(lost), text_of(surplus)));
}

} // namespace walrock::simulation
