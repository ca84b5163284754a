#include "simulation/source.h"

#include <algorithm>

namespace walrock::simulation {

std::string column_name(std::size_t index) {
  static char const* const names[] = {"id", "v", "big"};
  return index < 3 ? names[index] : "c" + std::to_string(index);
}

Source::Source(SourceWishes wishes, Dice& dice, Trace& trace)
    : wishes_(std::move(wishes)), dice_(dice), trace_(trace), sends_empty_(dice.chance(0.3)) {
  for (TableKind const kind : wishes_.tables) {
    tables_.emplace_back();
    tables_.back().kind = kind;
    tables_.back().columns_since.emplace_back(Lsn{0}, 3);
  }
  for (std::size_t const number : wishes_.partitioned)
    tables_[number].partitions.emplace(describe(number).name, describe(number).id.oid,
                                       [this] { return next_oid_++; });
}

// Of a table with partitions some transactions are in progress for long.
std::uint32_t Source::take_xid() {
  if (wishes_.partitioned.empty())
    return next_xid_++;
  if (dice_.chance(0.15))
    xids_in_progress_.insert(next_xid_++);
  if (xids_in_progress_.empty() || !dice_.chance(0.3))
    return next_xid_++;
  return xids_in_progress_.extract(xids_in_progress_.begin()).value();
}

Cell Source::new_text(TableKind kind) {
  if (dice_.chance(0.1))
    return std::nullopt;
  if (kind == TableKind::without_key)
    return "v" + std::to_string(dice_.between(1, 2));
  return "v" + std::to_string(++next_text_);
}

Cell Source::new_big(TableKind kind) {
  if (kind == TableKind::without_key)
    return "big";
  return "big" + std::to_string(++next_text_);
}

void Source::write_transaction() {
  SourceTransaction transaction;
  transaction.xid = take_xid();
  transaction.is_streamed = dice_.chance(wishes_.streamed);
  transaction.is_early = dice_.chance(0.5);
  transaction.is_aborted = transaction.is_streamed && dice_.chance(0.1);
  // Other databases write, too. Or its changes were written before the last commit: then its own
  // commit record begins where that one ends.
  bool const follows_at_once = dice_.chance(0.3);
  wal_end_.value += follows_at_once ? 0 : 8 * (1 + dice_.below(100));
  auto const saved = tables_;
  int const count = dice_.chance(0.05) ? 0 : dice_.between(1, wishes_.largest_transaction);
  for (int i = 0; i < count; ++i)
    write_change(transaction);
  if (transaction.is_aborted)
    tables_ = saved;
  wal_end_.value += follows_at_once ? 0 : 8 * (1 + dice_.below(20));
  transaction.commit_lsn = wal_end_;
  wal_end_.value += 48;
  transaction.end_lsn = wal_end_;
  trace_.say("source: xid {} commits {} changes at {} end {}{}{}", transaction.xid,
             transaction.changes.size(), transaction.commit_lsn.value, transaction.end_lsn.value,
             transaction.is_streamed ? ", streamed" : "",
             transaction.is_aborted ? ", aborted" : "");
  for (SourceChange const& change : transaction.changes)
    trace_.say("source:   t{} {} {} -> {}{}", change.table, change.kind,
               change.old_row.empty() ? "" : change.old_row[0].value_or("-"),
               change.kind == 'P'       ? change.event.what
               : change.new_row.empty() ? ""
                                        : change.new_row[0].value_or("-"),
               change.is_rolled_back ? " (rolled back)" : "");
  log_.push_back(std::move(transaction));
}

void Source::write_change(SourceTransaction& transaction) {
  SourceChange change;
  change.table = dice_.below(tables_.size());
  Table& table = tables_[change.table];
  change.column_count = table.column_count;
  change.is_rolled_back = transaction.is_streamed && dice_.chance(0.15);
  Table const saved = table;
  if (wishes_.truncates && dice_.chance(0.03)) {
    write_truncate(transaction, std::move(change));
    return;
  }
  if (table.partitions && dice_.chance(wishes_.partition_changes))
    write_partition_change(table, change, transaction.xid);
  else if (table.kind != TableKind::append_only && !table.rows.empty() && !dice_.chance(0.4))
    write_keyed(table, change);
  else if (!write_insert(table, change))
    return;
  // A row that moves to another partition is sent as a delete and an insert.
  std::optional<SourceChange> arrival;
  bool const moves = change.kind == 'U' && table.partitions &&
                     table.partitions->of(std::stoi(*change.new_row[0])) != change.partition;
  if (moves) {
    arrival = change;
    arrival->kind = 'I';
    arrival->is_big_unchanged = false;
    arrival->partition = table.partitions->of(std::stoi(*change.new_row[0]));
    arrival->old_row.clear();
    change.kind = 'D';
    change.new_row.clear();
  }
  if (change.is_rolled_back) {
    int const next_id = table.next_id;
    table = saved;
    table.next_id = next_id;
  }
  transaction.changes.push_back(std::move(change));
  if (arrival)
    transaction.changes.push_back(std::move(*arrival));
}

// Of one table, or with CASCADE of all of them.
void Source::write_truncate(SourceTransaction& transaction, SourceChange first) {
  bool const is_of_all = dice_.chance(0.3);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    Table& table = tables_[i];
    if (i != first.table && !is_of_all)
      continue;
    SourceChange change;
    change.kind = 'T';
    change.table = i;
    change.column_count = table.column_count;
    change.is_rolled_back = first.is_rolled_back;
    if (!change.is_rolled_back) {
      table.rows.clear();
      if (table.partitions)
        table.partitions->truncate(transaction.xid, [this] { return next_oid_++; });
    }
    transaction.changes.push_back(std::move(change));
  }
}

void Source::write_partition_change(Table& table, SourceChange& change, std::uint32_t xid) {
  change.kind = 'P';
  change.event = table.partitions->change(
      table.rows, xid, dice_, [this] { return next_oid_++; },
      [&](int id) { return new_row(table, id); });
  for (auto const& [id, row] : change.event.gone)
    table.rows.erase(id);
  for (auto& [id, row] : change.event.came) {
    row.resize(table.column_count);
    table.rows[id] = row;
    table.next_id = std::max(table.next_id, id + 1);
  }
}

Cells Source::new_row(Table const& table, int id) {
  bool const is_keyless = table.kind == TableKind::without_key;
  Cells row{std::to_string(is_keyless ? dice_.between(1, 3) : id), new_text(table.kind),
            new_big(table.kind)};
  while (row.size() < table.column_count)
    row.push_back(new_text(table.kind));
  return row;
}

// False where there can be no such row.
bool Source::write_insert(Table& table, SourceChange& change) {
  change.kind = 'I';
  int const id = !has_key(table.kind) || dice_.chance(0.7)
                     ? table.next_id++
                     : dice_.between(1, 1 + table.next_id); // an old one comes back
  if (table.rows.contains(id) || (table.partitions && !table.partitions->takes(id)))
    return false;
  table.next_id = std::max(table.next_id, id + 1);
  if (table.partitions) {
    table.partitions->note_row(id);
    change.partition = table.partitions->of(id);
  }
  change.new_row = new_row(table, id);
  table.rows[id] = change.new_row;
  return true;
}

void Source::write_keyed(Table& table, SourceChange& change) {
  auto row = table.rows.begin();
  std::advance(row, static_cast<std::ptrdiff_t>(dice_.below(table.rows.size())));
  change.old_row = row->second;
  change.old_row.resize(table.column_count);
  if (table.partitions)
    change.partition = table.partitions->of(row->first);
  if (dice_.chance(0.25)) {
    change.kind = 'D';
    table.rows.erase(row);
    return;
  }
  update_row(table, change, row);
}

void Source::update_row(Table& table, SourceChange& change, Rows::iterator row) {
  change.kind = 'U';
  Cells fresh = change.old_row;
  fresh[1] = new_text(table.kind);
  for (std::size_t i = 3; i < fresh.size(); ++i)
    fresh[i] = dice_.chance(0.5) ? new_text(table.kind) : fresh[i];
  bool const is_big_kept = dice_.chance(0.5);
  bool changes_key = has_key(table.kind) && dice_.chance(0.15);
  int const new_id = dice_.between(1, table.next_id);
  changes_key = changes_key && !table.rows.contains(new_id) &&
                (!table.partitions || table.partitions->takes(new_id));
  bool const may_keep = (!changes_key || wishes_.changes_keys_without_big || is_full(table.kind)) &&
                        !wishes_.sends_big.contains(change.table);
  if (is_big_kept && may_keep)
    change.is_big_unchanged = true;
  else
    fresh[kBig] = new_big(table.kind);
  if (changes_key) {
    fresh[0] = std::to_string(new_id);
    table.next_id = std::max(table.next_id, new_id + 1);
    table.rows.erase(row);
    table.rows[new_id] = fresh;
    if (table.partitions)
      table.partitions->note_row(new_id);
  } else {
    row->second = fresh;
  }
  change.new_row = std::move(fresh);
}

void Source::add_column(std::size_t number) {
  Table& table = tables_[number];
  if (!wishes_.adds_columns || table.column_count >= 6)
    return;
  ++table.column_count;
  if (table.partitions)
    table.partitions->note_alter(take_xid());
  wal_end_.value += 8 * (1 + dice_.below(100));
  table.columns_since.emplace_back(wal_end_, table.column_count);
  trace_.say("source: ALTER TABLE t{} ADD COLUMN {}", number, column_name(table.column_count - 1));
}

SourceTable Source::describe(std::size_t number) const {
  Table const& table = tables_[number];
  SourceTable out;
  out.id = {kFirstOid + static_cast<Oid>(number)};
  out.name = {"public", "t" + std::to_string(number)};
  out.filenode = out.id.oid;
  out.relkind = wishes_.partitioned.contains(number) ? 'p' : 'r';
  out.identity = table.kind == TableKind::append_only ? ReplicaIdentity::nothing
                 : is_full(table.kind)                ? ReplicaIdentity::full
                                                      : ReplicaIdentity::default_;
  for (std::size_t i = 0; i < table.column_count; ++i) {
    SourceColumn column;
    column.name = column_name(i);
    column.attnum = static_cast<int>(i) + 1;
    column.type_oid = column.wire_type_oid = i == 0 ? 23 : 25;
    column.type_name = i == 0 ? "int4" : "text";
    column.type_namespace = "pg_catalog";
    column.declared_type = i == 0 ? "integer" : "text";
    column.is_not_null = i == 0;
    out.columns.push_back(std::move(column));
  }
  if (has_key(table.kind))
    out.primary_key = {"id"};
  if (table.kind == TableKind::keyed)
    out.identity_columns = {"id"};
  return out;
}

std::size_t Source::columns_at(std::size_t number, Lsn position) const {
  std::size_t count = 3;
  for (auto const& [since, columns] : tables_[number].columns_since)
    if (since <= position)
      count = columns;
  return count;
}

namespace {

// Columns that were added since are NULL.
void erase_one(std::vector<Cells>& rows, Cells const& equal) {
  auto const found = std::find_if(rows.begin(), rows.end(), [&](Cells row) {
    row.resize(equal.size());
    return row == equal;
  });
  if (found == rows.end())
    throw Violation("a row is deleted that the source does not have");
  rows.erase(found);
}

} // namespace

std::vector<Cells> Source::rows_at(std::size_t number, Lsn position) const {
  bool const is_keyed = has_key(tables_[number].kind);
  std::map<std::string, Cells> keyed;
  std::vector<Cells> rows;
  for (SourceTransaction const& transaction : log_) {
    if (transaction.end_lsn > position || transaction.is_aborted)
      continue;
    for (SourceChange const& change : transaction.changes) {
      if (change.table != number || change.is_rolled_back)
        continue;
      if (change.kind == 'T') {
        keyed.clear();
        rows.clear();
      }
      for (auto const& [id, row] : change.event.gone)
        keyed.erase(std::to_string(id));
      for (auto const& [id, row] : change.event.came)
        keyed[std::to_string(id)] = row;
      if (!change.old_row.empty() && is_keyed)
        keyed.erase(*change.old_row[0]);
      else if (!change.old_row.empty())
        erase_one(rows, change.old_row);
      if (!change.new_row.empty() && is_keyed)
        keyed[*change.new_row[0]] = change.new_row;
      else if (!change.new_row.empty())
        rows.push_back(change.new_row);
    }
  }
  for (auto& [key, row] : keyed)
    rows.push_back(std::move(row));
  for (Cells& row : rows)
    row.resize(columns_at(number, position));
  std::sort(rows.begin(), rows.end());
  return rows;
}

PartitionTree Source::look(std::size_t number) const {
  PartitionTree tree;
  tree.lsn = wal_end_;
  tree.partitions = tables_[number].partitions->look();
  tree.next_xid = next_xid_;
  tree.xids_in_progress.assign(xids_in_progress_.begin(), xids_in_progress_.end());
  return tree;
}

Lsn Source::changed_silently(std::size_t number, Lsn up_to) const {
  Lsn last;
  for (SourceTransaction const& transaction : log_)
    for (SourceChange const& change : transaction.changes) {
      bool const has_rows = !change.event.gone.empty() || !change.event.came.empty();
      if (has_rows && change.table == number && !change.is_rolled_back && !transaction.is_aborted &&
          transaction.end_lsn <= up_to)
        last = transaction.end_lsn;
    }
  return last;
}

Lsn Source::take_snapshot() {
  wal_end_.value += 56;
  return wal_end_;
}

Lsn Source::partitions_changed(std::size_t number, Lsn up_to) const {
  Lsn last;
  for (SourceTransaction const& transaction : log_)
    for (SourceChange const& change : transaction.changes)
      if ((change.kind == 'P' || change.kind == 'T') && change.table == number &&
          !change.is_rolled_back && !transaction.is_aborted && transaction.end_lsn <= up_to)
        last = transaction.end_lsn;
  return last;
}

void Source::create_slot() {
  has_slot_ = true;
  confirmed_ = persisted_ = take_snapshot();
  trace_.say("source: slot is created at {}", confirmed_.value);
}

void Source::acknowledge(Lsn position) {
  if (position > wal_end_)
    throw Violation(
        fmt::format("acknowledged {} of a log that ends at {}", position.value, wal_end_.value));
  if (position > confirmed_)
    trace_.say("source: {} is acknowledged", position.value);
  confirmed_ = std::max(confirmed_, position);
  if (dice_.chance(0.3))
    persisted_ = confirmed_;
}
} // namespace walrock::simulation
