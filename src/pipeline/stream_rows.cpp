// TRANSFORM and ENCODE of the stream's changes: inserts, updates, deletes and TRUNCATE become rows
// of the open epoch. Part of the StreamMachine.
#include <algorithm>

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

RowOrigin StreamMachine::next_origin(ChangeKind kind) {
  ++change_count_;
  return {transaction_->commit_lsn, transaction_->index++, transaction_->commit_time,
          transaction_->xid, kind};
}

void StreamMachine::on_insert(Table& table, Insert const& change) {
  touch(table);
  std::uint64_t const bytes_before = table.batches.byte_count();
  (void)table.encoder(); // described before its first row
  table.batches.upsert(change.new_row, next_origin(ChangeKind::insert));
  ++table.counts.changes;
  epoch_bytes_ += table.batches.byte_count() - bytes_before;
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

void StreamMachine::on_update(Table& table, Update const& change) {
  TablePlan const& plan = table.plan();
  if (table.is_append_only())
    throw no_key_for(table.source, plan, "an UPDATE");
  touch(table);
  std::uint64_t const bytes_before = table.batches.byte_count();
  Row new_row = change.new_row;
  if (change.old_kind == OldRowKind::full) {
    // With identity full the old row has every value: nothing is absent.
    filled_.assign(new_row.begin(), new_row.end());
    for (std::size_t i = 0; i < filled_.size(); ++i)
      if (filled_[i].is_unchanged_toast())
        filled_[i] = change.old_row[i];
    new_row = filled_;
  }
  if (change.old_kind != OldRowKind::none && !has_same_key(plan, change.old_row, new_row)) {
    replace_key(table, change.old_row, new_row);
  } else {
    require_key(plan.relation, plan, new_row);
    table.batches.upsert(new_row, next_origin(ChangeKind::update));
    ++table.counts.changes;
  }
  epoch_bytes_ += table.batches.byte_count() - bytes_before;
}

// A key change is a delete of the old key and an upsert of the new one.
void StreamMachine::replace_key(Table& table, Row old_row, Row new_row) {
  TablePlan const& plan = table.plan();
  require_key(plan.relation, plan, old_row);
  require_key(plan.relation, plan, new_row);
  bool const is_whole = table.encoder().absent_of(new_row).empty();
  if (is_whole) {
    table.batches.remove(old_row, next_origin(ChangeKind::delete_));
    table.batches.upsert(new_row, next_origin(ChangeKind::update));
  } else if (!table.batches.rekey(old_row, new_row, next_origin(ChangeKind::update))) {
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
}

void StreamMachine::on_delete(Table& table, Delete const& change) {
  TablePlan const& plan = table.plan();
  if (table.is_append_only())
    throw no_key_for(table.source, plan, "a DELETE");
  require_key(plan.relation, plan, change.old_row);
  touch(table);
  std::uint64_t const bytes_before = table.batches.byte_count();
  table.batches.remove(change.old_row, next_origin(ChangeKind::delete_));
  ++table.counts.changes;
  epoch_bytes_ += table.batches.byte_count() - bytes_before;
}

void StreamMachine::on_truncate(Truncate const& change, StreamActions& actions) {
  for (RelationId const id : change.relation_ids) {
    if (Table const* const any = find(id); any != nullptr && any->source.relkind == 'p')
      actions.emplace_back(RootTruncated{id, transaction_ ? transaction_->xid : 0});
    Table* const table = wanted(id);
    if (table == nullptr)
      continue;
    touch(*table);
    table->counts.dropped += table->batches.clear();
    if (table->quarantine)
      table->counts.dropped += table->quarantine->clear();
    table->is_truncated = true;
  }
}

} // namespace walrock
