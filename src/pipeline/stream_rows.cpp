// TRANSFORM and ENCODE of the stream's changes: inserts, updates, deletes and TRUNCATE become rows
// of the open epoch. Part of the StreamMachine.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pipeline/stream_table.h"

namespace walrock {

void StreamMachine::touch(Table& table) {
  if (table.is_touched)
    return;
  table.is_touched = true;
  table.first_commit_time = transaction_ ? transaction_->commit_time : 0;
  touched_.push_back(&table);
}

// The index counts what the table has of the transaction, so that a row which comes again has the
// same one, whatever other tables want by then.
RowOrigin StreamMachine::next_origin(Table& table, ChangeKind kind) {
  ++change_count_;
  if (std::exchange(table.transaction, transaction_count_) != transaction_count_)
    table.index = 0;
  return {transaction_->commit_lsn, table.index++, transaction_->commit_time, transaction_->xid,
          kind};
}

namespace {

// An UPDATE that carries a row into the publication's row filter comes as an INSERT (15 and later),
// which has of the large values that did not change only those of the identity. The target has no
// row that could keep the others.
void require_told(SourceTable const& source, RowEncoder const& encoder, Row row, bool is_history) {
  bool const may_lack = std::any_of(row.begin(), row.end(),
                                    [](Value const& value) { return value.is_unchanged_toast(); });
  std::vector<ColumnPlan> const& columns = encoder.plan().columns;
  if (!may_lack || row.size() != encoder.plan().relation.columns.size())
    return; // a row of another length is told where it is written
  ColumnSet const absent = encoder.absent_of(row);
  std::string names;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (absent.has(i))
      names += (names.empty() ? "column " : ", ") + columns[i].name;
  if (names.empty())
    return;
  std::string const cure =
      fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL{}", quote_pg(source.name),
                  source.relkind == 'p' ? ", and the same for each of its partitions" : "");
  Error error(is_history ? ErrorCode::replica_identity_missing : ErrorCode::copy_needed,
              fmt::format("an UPDATE of {} carried a row into the publication's row filter {}; "
                          "PostgreSQL did not send its large value of {}, which did not change",
                          to_string(source.name), source.row_filter, names));
  error.set_advice(is_history ? fmt::format("Run: {}; then drop the target table, or move it away, "
                                            "and start again.",
                                            cure)
                              : fmt::format("Nothing; it does not come to this with {}.", cure));
  throw error;
}

} // namespace

void StreamMachine::on_insert(Table& table, Insert const& change) {
  touch(table);
  std::uint64_t const bytes_before = table.byte_count();
  require_told(table.source, table.encoder(), change.new_row, table.is_history());
  if (table.equal_rows)
    insert_equal(table, change.new_row, ChangeKind::insert);
  else {
    table.batches.upsert(change.new_row, next_origin(table, ChangeKind::insert));
    ++table.counts.changes;
  }
  epoch_bytes_ += table.byte_count() - bytes_before;
}

namespace {

// The key's cells stand in the plan's first columns; both rows have the relation's layout.
bool has_same_key(TablePlan const& plan, Row one, Row other) {
  for (int i = 0; i < plan.key_count; ++i) {
    auto const at =
        static_cast<std::size_t>(plan.columns[static_cast<std::size_t>(i)].source_index);
    if (!one[at].is_text() || !other[at].is_text() || one[at].text != other[at].text)
      return false;
  }
  return true;
}

void require_key(Relation const& relation, TablePlan const& plan, Row row) {
  for (int i = 0; i < plan.key_count; ++i) {
    ColumnPlan const& column = plan.columns[static_cast<std::size_t>(i)];
    if (!row[static_cast<std::size_t>(column.source_index)].is_text())
      throw Error(ErrorCode::replica_identity_missing,
                  fmt::format("a change of {} came without key column {}", to_string(relation.name),
                              column.name));
  }
}

Error no_key_for(SourceTable const& source, TablePlan const& plan, char const* what) {
  Error error(ErrorCode::replica_identity_missing,
              fmt::format("{} of {} cannot be applied: the table has {}, so its target only "
                          "appends",
                          what, to_string(plan.relation.name),
                          source.has_deferrable_key ? "only a deferrable key" : "no key"));
  error.set_advice(fmt::format("Give it a key (ALTER TABLE {} ADD PRIMARY KEY (...)), drop the "
                               "target table and start again.",
                               quote_pg(plan.relation.name)));
  return error;
}

} // namespace

// An unchanged value is the one of the old row, where that has it: all of them with identity full,
// else those of the identity. What it does not have stands there as NULL, which a large value is
// not: rows of a partition have no more than the partition's own identity, whatever the root's is.
Row StreamMachine::filled(Update const& change) {
  if (change.old_kind == OldRowKind::none)
    return change.new_row;
  filled_.assign(change.new_row.begin(), change.new_row.end());
  for (std::size_t i = 0; i < filled_.size(); ++i)
    if (filled_[i].is_unchanged_toast() && change.old_row[i].is_text())
      filled_[i] = change.old_row[i];
  return filled_;
}

void StreamMachine::on_update(Table& table, Update const& change) {
  TablePlan const& plan = table.plan();
  if (table.is_append_only() && !table.is_history())
    throw no_key_for(table.source, plan, "an UPDATE");
  touch(table);
  std::uint64_t const bytes_before = table.byte_count();
  Row const new_row = filled(change);
  if (table.is_history()) {
    append_update(table, change, new_row);
  } else if (table.equal_rows) {
    replace_equal(table, change, new_row);
  } else if (change.old_kind != OldRowKind::none && !has_same_key(plan, change.old_row, new_row)) {
    replace_key(table, change.old_row, change.old_kind, new_row);
  } else {
    require_key(plan.relation, plan, new_row);
    table.batches.upsert(new_row, next_origin(table, ChangeKind::update));
    ++table.counts.changes;
  }
  epoch_bytes_ += table.byte_count() - bytes_before;
}

// As `deletes` says.
void StreamMachine::delete_row(Table& table, Row old_row, OldRowKind old_kind) {
  RowOrigin const origin = next_origin(table, ChangeKind::delete_);
  switch (table.deletes()) {
  case Deletes::hard: table.batches.remove(old_row, origin); break;
  case Deletes::soft:
    // Of a partition the old row may be less than the root's identity says.
    table.batches.mark_deleted(old_row, old_kind == OldRowKind::full && table.source.relkind != 'p',
                               origin);
    break;
  case Deletes::ignore: ++table.counts.dropped; break;
  }
  ++table.counts.changes;
}

namespace {

TableBatches::OldKey old_key_of(Deletes deletes) {
  switch (deletes) {
  case Deletes::hard: return TableBatches::OldKey::removed;
  case Deletes::soft: return TableBatches::OldKey::marked;
  case Deletes::ignore: return TableBatches::OldKey::kept;
  }
  return TableBatches::OldKey::removed;
}

} // namespace

// A key change is a delete of the old key and an upsert of the new one.
void StreamMachine::replace_key(Table& table, Row old_row, OldRowKind old_kind, Row new_row) {
  TablePlan const& plan = table.plan();
  require_key(plan.relation, plan, old_row);
  require_key(plan.relation, plan, new_row);
  bool const is_whole = table.encoder().absent_of(new_row).empty();
  if (is_whole) {
    delete_row(table, old_row, old_kind);
    table.batches.upsert(new_row, next_origin(table, ChangeKind::update));
    ++table.counts.changes;
    return;
  }
  Deletes const deletes = table.deletes();
  if (!table.batches.rekey(old_row, new_row, next_origin(table, ChangeKind::update),
                           old_key_of(deletes))) {
    Error error(ErrorCode::copy_needed,
                fmt::format("an UPDATE of {} changed the key of a row that has a large value which "
                            "PostgreSQL did not send again, and which the target does not have",
                            to_string(plan.relation.name)));
    error.set_advice(fmt::format("Nothing; it does not come to this with ALTER TABLE {} REPLICA "
                                 "IDENTITY FULL.",
                                 quote_pg(plan.relation.name)));
    throw error;
  }
  table.counts.changes += 2;
  table.counts.dropped += deletes == Deletes::ignore;
}

void StreamMachine::on_delete(Table& table, Delete const& change) {
  TablePlan const& plan = table.plan();
  if (table.is_append_only() && !table.is_history())
    throw no_key_for(table.source, plan, "a DELETE");
  if (!table.equal_rows)
    require_key(plan.relation, plan, change.old_row);
  touch(table);
  std::uint64_t const bytes_before = table.byte_count();
  if (table.is_history())
    append_version(table, change.old_row, ChangeKind::delete_);
  else if (table.equal_rows)
    remove_equal(table, change.old_row, change.old_kind);
  else
    delete_row(table, change.old_row, change.old_kind);
  epoch_bytes_ += table.byte_count() - bytes_before;
}

void StreamMachine::on_truncate(Truncate const& change, StreamActions& actions) {
  partition_.reset(); // what was described is no partition
  for (RelationId const id : change.relation_ids)
    if (Table const* const table = wanted(id); table != nullptr && is_held(*table, actions))
      return;
  for (RelationId const id : change.relation_ids) {
    if (Table const* const any = find(id); any != nullptr && any->source.relkind == 'p')
      actions.emplace_back(RootTruncated{id, transaction_ ? transaction_->xid : 0});
    Table* const table = wanted(id);
    if (table == nullptr)
      continue;
    guarded(*table, actions, [&] { truncate(*table); });
  }
}

void StreamMachine::truncate(Table& table) {
  if (table.is_history()) {
    touch(table);
    std::uint64_t const bytes_before = table.byte_count();
    filled_.assign(table.plan().relation.columns.size(), Value::null());
    append_version(table, filled_, ChangeKind::truncate);
    epoch_bytes_ += table.byte_count() - bytes_before;
    return;
  }
  if (table.deletes() == Deletes::ignore)
    return;
  touch(table);
  if (table.quarantine)
    table.counts.dropped += table.quarantine->clear();
  if (table.deletes() == Deletes::soft) {
    mark_all_deleted(table);
    return;
  }
  table.counts.dropped += table.batches.clear();
  if (table.equal_rows)
    table.equal_rows->clear();
  table.is_truncated = true;
}

// All rows that came before are loaded first, and are marked with those that the target has.
void StreamMachine::mark_all_deleted(Table& table) {
  RowOrigin const origin = next_origin(table, ChangeKind::truncate);
  if (table.batches.has_references()) // were they read back again, they might be others
    throw Error(ErrorCode::copy_needed,
                fmt::format("{} was truncated in the epoch in which keys of rows with large values "
                            "changed",
                            to_string(table.source.name)));
  bool const has_rows = !table.batches.is_empty();
  if (has_rows)
    table.earlier.push_back(take_rows(table));
  if (table.is_truncated)
    return; // nothing came since
  table.is_truncated = true;
  TablePlan const& plan = table.plan();
  for (ColumnPlan const& column : plan.columns)
    if (column.made != MadeColumn::none)
      table.deletion_marks.push_back(
          {column.name, made_value(column.made, {}, origin, plan.relation)});
}

// ---------------------------------------------------------------- rows without a key

namespace {

void require_whole(Relation const& relation, Row row) {
  for (Value const& value : row)
    if (value.is_unchanged_toast())
      throw ProtocolViolation("a row of " + to_string(relation.name) +
                              ", whose replica identity is "
                              "full, leaves a value out");
}

bool has_same_values(Row one, Row other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](Value const& a, Value const& b) {
                      return a.kind == b.kind && (!a.is_text() || a.text == b.text);
                    });
}

} // namespace

void StreamMachine::insert_equal(Table& table, Row row, ChangeKind kind) {
  Relation const& relation = table.plan().relation;
  require_whole(relation, row);
  RowOrigin const origin = next_origin(table, kind);
  table.equal_rows->insert(hash_of_row(row, relation), origin);
  table.batches.upsert(row, origin);
  ++table.counts.changes;
}

// Any one of the rows that are equal.
void StreamMachine::remove_equal(Table& table, Row old_row, OldRowKind old_kind) {
  Relation const& relation = table.plan().relation;
  if (old_kind != OldRowKind::full)
    throw Error(
        ErrorCode::replica_identity_missing,
        fmt::format("an UPDATE or DELETE of {} does not carry the whole row, and its target "
                    "knows rows by all their values",
                    to_string(relation.name)))
        .set_advice(fmt::format("Run: ALTER TABLE {} REPLICA IDENTITY FULL; then drop the target "
                                "table and start again. With a key that is not needed: drop the "
                                "target table and start again.",
                                quote_pg(relation.name)));
  require_whole(relation, old_row);
  (void)next_origin(table, ChangeKind::delete_);
  table.batches.remove(old_row, table.equal_rows->remove(hash_of_row(old_row, relation)));
  ++table.counts.changes;
}

void StreamMachine::replace_equal(Table& table, Update const& change, Row new_row) {
  if (change.old_kind == OldRowKind::full && has_same_values(change.old_row, new_row)) {
    (void)next_origin(table, ChangeKind::update);
    return; // invariant 9: no change
  }
  remove_equal(table, change.old_row, change.old_kind);
  insert_equal(table, new_row, ChangeKind::update);
}

// ---------------------------------------------------------------- history

void StreamMachine::append_version(Table& table, Row row, ChangeKind kind) {
  table.batches.upsert(row, next_origin(table, kind));
  ++table.counts.changes;
}

void StreamMachine::append_update(Table& table, Update const& change, Row new_row) {
  for (Value const& value : new_row)
    if (value.is_unchanged_toast()) {
      Error error(
          ErrorCode::replica_identity_missing,
          fmt::format("an UPDATE of {} left a large value as it was and did not send it, so "
                      "the version that it made cannot be told",
                      to_string(table.source.name)));
      error.set_advice(fmt::format("Run: ALTER TABLE {} REPLICA IDENTITY FULL; then drop the "
                                   "target table, or move it away, and start again.",
                                   quote_pg(table.source.name)));
      throw error;
    }
  bool const is_moved =
      change.old_kind != OldRowKind::none &&
      std::any_of(table.version_key.begin(), table.version_key.end(), [&](std::size_t at) {
        return change.old_row[at].kind != new_row[at].kind ||
               change.old_row[at].text != new_row[at].text;
      });
  if (is_moved)
    append_version(table, change.old_row, ChangeKind::delete_);
  append_version(table, new_row, is_moved ? ChangeKind::insert : ChangeKind::update);
}

} // namespace walrock
