#include "simulation/source.h"

#include <algorithm>

#include "pgoutput/wire_for_tests.h"

namespace walrock::simulation {

namespace {

constexpr Oid kFirstOid = 16384;
constexpr std::uint32_t kSubXid = 1'000'000; // added to the xid of its transaction

std::string column_name(std::size_t index) {
  static char const* const names[] = {"id", "v", "big"};
  return index < 3 ? names[index] : "c" + std::to_string(index);
}

} // namespace

Source::Source(SourceWishes wishes, Dice& dice, Trace& trace)
    : wishes_(std::move(wishes)), dice_(dice), trace_(trace), sends_empty_(dice.chance(0.3)) {
  for (TableKind const kind : wishes_.tables) {
    tables_.emplace_back();
    tables_.back().kind = kind;
    tables_.back().columns_since.emplace_back(Lsn{0}, 3);
  }
}

Cell Source::new_text() {
  if (dice_.chance(0.1))
    return std::nullopt;
  return "v" + std::to_string(++next_text_);
}

Cell Source::new_big() {
  return "big" + std::to_string(++next_text_);
}

void Source::write_transaction() {
  SourceTransaction transaction;
  transaction.xid = next_xid_++;
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
    write_change(transaction, static_cast<std::size_t>(i));
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
               change.new_row.empty() ? "" : change.new_row[0].value_or("-"),
               change.is_rolled_back ? " (rolled back)" : "");
  log_.push_back(std::move(transaction));
}

void Source::write_change(SourceTransaction& transaction, std::size_t) {
  SourceChange change;
  change.table = dice_.below(tables_.size());
  Table& table = tables_[change.table];
  change.column_count = table.column_count;
  change.is_rolled_back = transaction.is_streamed && dice_.chance(0.15);
  Table const saved = table;
  if (wishes_.truncates && dice_.chance(0.03)) {
    change.kind = 'T';
    table.rows.clear();
  } else if (table.kind == TableKind::append_only || table.rows.empty() || dice_.chance(0.4)) {
    change.kind = 'I';
    int const id = table.kind == TableKind::append_only || dice_.chance(0.7)
                       ? table.next_id++
                       : dice_.between(1, 1 + table.next_id); // an old one comes back
    if (table.rows.contains(id))
      return;
    table.next_id = std::max(table.next_id, id + 1);
    Cells row{std::to_string(id), new_text(), new_big()};
    while (row.size() < table.column_count)
      row.push_back(new_text());
    change.new_row = row;
    table.rows[id] = std::move(row);
  } else {
    write_keyed(table, change);
  }
  if (change.is_rolled_back) {
    int const next_id = table.next_id;
    table = saved;
    table.next_id = next_id;
  }
  transaction.changes.push_back(std::move(change));
}

void Source::write_keyed(Table& table, SourceChange& change) {
  auto row = table.rows.begin();
  std::advance(row, static_cast<std::ptrdiff_t>(dice_.below(table.rows.size())));
  change.old_row = row->second;
  change.old_row.resize(table.column_count);
  if (dice_.chance(0.25)) {
    change.kind = 'D';
    table.rows.erase(row);
    return;
  }
  update_row(table, change, row);
}

void Source::update_row(Table& table, SourceChange& change, std::map<int, Cells>::iterator row) {
  change.kind = 'U';
  Cells fresh = change.old_row;
  fresh[1] = new_text();
  for (std::size_t i = 3; i < fresh.size(); ++i)
    fresh[i] = dice_.chance(0.5) ? new_text() : fresh[i];
  bool const is_big_kept = dice_.chance(0.5);
  bool changes_key = dice_.chance(0.15);
  int const new_id = dice_.between(1, table.next_id);
  changes_key = changes_key && !table.rows.contains(new_id);
  bool const may_keep =
      !changes_key || wishes_.changes_keys_without_big || table.kind == TableKind::keyed_full;
  if (is_big_kept && may_keep)
    change.is_big_unchanged = true;
  else
    fresh[kBig] = new_big();
  if (changes_key) {
    fresh[0] = std::to_string(new_id);
    table.next_id = std::max(table.next_id, new_id + 1);
    table.rows.erase(row);
    table.rows[new_id] = fresh;
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
  out.identity = table.kind == TableKind::append_only  ? ReplicaIdentity::nothing
                 : table.kind == TableKind::keyed_full ? ReplicaIdentity::full
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
  if (table.kind != TableKind::append_only)
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

std::vector<Cells> Source::rows_at(std::size_t number, Lsn position) const {
  bool const is_keyed = tables_[number].kind != TableKind::append_only;
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
      if (!change.old_row.empty())
        keyed.erase(*change.old_row[0]);
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

void Source::create_slot() {
  has_slot_ = true;
  confirmed_ = persisted_ = wal_end_;
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

// ---------------------------------------------------------------- the walsender

Walsender::Walsender(Source const& source, Lsn from, bool uses_streaming)
    : source_(source), uses_streaming_(uses_streaming) {
  // A transaction is sent when its commit record begins at or behind the position.
  Lsn const start = std::max(from, source.confirmed());
  auto const& log = source.transactions();
  while (next_ < log.size() && log[next_].commit_lsn < start)
    ++next_;
}

std::optional<std::string> Walsender::next() {
  while (at_ >= payloads_.size()) {
    payloads_.clear();
    at_ = 0;
    if (next_ >= source_.transactions().size())
      return std::nullopt;
    send_transaction(next_++);
  }
  return payloads_[at_++];
}

namespace {

std::string text_of(Wire const& wire) {
  auto const payload = wire.payload();
  return {reinterpret_cast<char const*>(payload.data()), payload.size()};
}

std::vector<std::string> wire_row(Cells const& cells, std::size_t count, bool is_big_unchanged) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(i == kBig && is_big_unchanged ? "u"
                  : i < cells.size()            ? cells[i].value_or("-")
                                                : "-");
  return out;
}

std::int64_t commit_time(SourceTransaction const& transaction) {
  return static_cast<std::int64_t>(transaction.commit_lsn.value);
}

} // namespace

void Walsender::send_transaction(std::size_t number) {
  auto const& log = source_.transactions();
  SourceTransaction const& transaction = log[number];
  if (uses_streaming_ && number + 1 < log.size() && log[number + 1].is_streamed &&
      log[number + 1].is_early && !sent_early_.contains(log[number + 1].xid)) {
    SourceTransaction const& next = log[number + 1];
    sent_early_[next.xid] = next.changes.size() / 2;
    send_block(next, 0, next.changes.size() / 2);
  }
  if (uses_streaming_ && transaction.is_streamed) {
    send_block(transaction, sent_early_[transaction.xid], transaction.changes.size());
    bool const rolls_back =
        std::any_of(transaction.changes.begin(), transaction.changes.end(),
                    [](SourceChange const& change) { return change.is_rolled_back; });
    if (rolls_back && !transaction.is_aborted)
      payloads_.push_back(
          text_of(Wire().type('A').u32(transaction.xid).u32(transaction.xid + kSubXid)));
    // What a block said of a table counts from its commit on; here it is said again.
    for (SourceChange const& change : transaction.changes)
      described_.erase(change.table);
    if (transaction.is_aborted)
      payloads_.push_back(text_of(Wire().type('A').u32(transaction.xid).u32(transaction.xid)));
    else
      payloads_.push_back(text_of(Wire()
                                      .type('c')
                                      .u32(transaction.xid)
                                      .u8(0)
                                      .u64(transaction.commit_lsn.value)
                                      .u64(transaction.end_lsn.value)
                                      .u64(static_cast<std::uint64_t>(commit_time(transaction)))));
    return;
  }
  if (transaction.is_aborted ||
      (transaction.changes.empty() && !source_.sends_empty_transactions()))
    return;
  payloads_.push_back(text_of(Wire()
                                  .type('B')
                                  .u64(transaction.commit_lsn.value)
                                  .u64(static_cast<std::uint64_t>(commit_time(transaction)))
                                  .u32(transaction.xid)));
  for (SourceChange const& change : transaction.changes)
    if (!change.is_rolled_back)
      send_change(transaction, change, false);
  payloads_.push_back(text_of(Wire()
                                  .type('C')
                                  .u8(0)
                                  .u64(transaction.commit_lsn.value)
                                  .u64(transaction.end_lsn.value)
                                  .u64(static_cast<std::uint64_t>(commit_time(transaction)))));
}

void Walsender::send_block(SourceTransaction const& transaction, std::size_t first,
                           std::size_t end) {
  payloads_.push_back(text_of(Wire().type('S').u32(transaction.xid).u8(first == 0 ? 1 : 0)));
  for (std::size_t i = first; i < end; ++i)
    send_change(transaction, transaction.changes[i], true);
  payloads_.push_back(text_of(Wire().type('E')));
}

void Walsender::send_change(SourceTransaction const& transaction, SourceChange const& change,
                            bool in_block) {
  std::uint32_t const sub = transaction.xid + (change.is_rolled_back ? kSubXid : 0);
  bool const is_known = in_block ? !described_in_block_[transaction.xid].insert(change.table).second
                                 : described_.contains(change.table) &&
                                       described_[change.table] == change.column_count;
  if (!is_known)
    describe(change, in_block ? sub : 0);
  if (!in_block)
    described_[change.table] = change.column_count;
  // A description that is rolled back with its subtransaction counts for nothing.
  if (in_block && change.is_rolled_back)
    described_in_block_[transaction.xid].erase(change.table);
  Wire wire;
  wire.type(change.kind);
  if (in_block)
    wire.u32(sub);
  std::uint32_t const oid = kFirstOid + static_cast<Oid>(change.table);
  if (change.kind == 'T') {
    payloads_.push_back(text_of(wire.u32(1).u8(0).u32(oid)));
    return;
  }
  wire.u32(oid);
  bool const is_full = source_.kind(change.table) == TableKind::keyed_full;
  bool const has_new_key = change.kind == 'U' && change.old_row[0] != change.new_row[0];
  if (change.kind == 'D' || (change.kind == 'U' && (is_full || has_new_key))) {
    Cells old_row = change.old_row;
    if (!is_full)
      std::fill(old_row.begin() + 1, old_row.end(), std::nullopt);
    wire.type(is_full ? 'O' : 'K').row(wire_row(old_row, change.column_count, false));
  }
  if (change.kind != 'D')
    wire.type('N').row(wire_row(change.new_row, change.column_count, change.is_big_unchanged));
  payloads_.push_back(text_of(wire));
}

void Walsender::describe(SourceChange const& change, std::uint32_t xid_in_block) {
  TableKind const kind = source_.kind(change.table);
  char const identity = kind == TableKind::append_only  ? 'n'
                        : kind == TableKind::keyed_full ? 'f'
                                                        : 'd';
  Wire wire;
  wire.type('R');
  if (xid_in_block != 0)
    wire.u32(xid_in_block);
  wire.u32(kFirstOid + static_cast<Oid>(change.table))
      .text("public")
      .text("t" + std::to_string(change.table))
      .u8(static_cast<unsigned>(identity))
      .u16(static_cast<unsigned>(change.column_count));
  for (std::size_t i = 0; i < change.column_count; ++i) {
    bool const is_key = identity == 'f' || (identity == 'd' && i == 0);
    wire.u8(is_key ? 1 : 0).text(column_name(i)).u32(i == 0 ? 23 : 25).u32(0xFFFFFFFF);
  }
  payloads_.push_back(text_of(wire));
}

} // namespace walrock::simulation
