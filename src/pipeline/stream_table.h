// What the stream machine knows of one table it follows. For this folder.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pipeline/equal_rows.h"
#include "pipeline/stream_machine.h"
#include "schema/row_layout.h"

namespace walrock {

struct StreamMachine::Table {
  Table(FollowedTable followed, MemoryBudget* budget, MemoryBudget* equal_rows_share,
        TableBatches::Limits limits)
      : source(std::move(followed.source)), target(std::move(followed.target)), from(followed.from),
        generation(followed.generation), ignores_incompatible(followed.ignores_incompatible),
        follows_columns(followed.follows_columns), may_be_made_anew(followed.may_be_made_anew),
        options(std::move(followed.options)), batches(budget, limits) {
    if (followed.quarantine_limit && !target.is_hashed())
      quarantine.emplace(budget, source.name, target.name, *followed.quarantine_limit);
    batches.divert_to(quarantine ? &*quarantine : nullptr);
    if (options.unchanged_values == UnchangedValues::read_back)
      batches.read_back_unchanged();
    if (target.is_hashed())
      equal_rows.emplace(budget, equal_rows_share);
  }

  SourceTable source;
  TargetTable target;
  Lsn from;
  std::uint64_t generation;
  bool ignores_incompatible;
  bool follows_columns;
  bool may_be_made_anew;
  TableOptions options;
  bool is_following = true;
  Lsn passed_lsn; // the highest commit_lsn that went by unwanted

  std::optional<Relation> relation;        // as last described by the stream
  std::optional<Relation> pending;         // waits for on_described
  std::shared_ptr<NewDesign const> design; // on the way to the committer
  // The encoders of the open epoch; the last one is of the present layout.
  std::vector<std::unique_ptr<RowEncoder>> encoders;

  // Of a history: the cells by which a row is known, a change of which is a delete and an insert.
  std::vector<std::size_t> version_key;

  std::optional<Quarantine> quarantine; // with bad-rows: quarantine
  // Of the newest transaction.
  std::uint64_t transaction = 0; // its number
  std::uint64_t index = 0;       // of its next row

  // Of the open epoch.
  TableBatches batches;
  std::optional<EqualRows> equal_rows; // without a key, kept exact
  bool is_touched = false;
  bool is_truncated = false;
  std::vector<ColumnValue> deletion_marks; // of the TRUNCATE
  std::vector<TableEpoch> earlier;         // with deletes: soft, what was before it
  std::vector<TargetColumn> added_columns;
  PgTimestamp first_commit_time = 0;
  RowCounts counts;

  [[nodiscard]] RowEncoder const& encoder() const {
    if (encoders.empty())
      throw ProtocolViolation("a row came before the description of its table");
    return *encoders.back();
  }
  // What it has of the open epoch.
  [[nodiscard]] std::uint64_t byte_count() const {
    return batches.byte_count() + (equal_rows ? equal_rows->byte_count() : 0);
  }
  [[nodiscard]] TablePlan const& plan() const { return encoder().plan(); }
  [[nodiscard]] bool is_append_only() const { return plan().model != TableModel::primary; }
  [[nodiscard]] bool is_history() const { return is_append_only() && options.is_history(); }
  [[nodiscard]] Deletes deletes() const {
    return is_append_only() ? Deletes::hard : options.deletes.value_or(Deletes::hard);
  }

  // Without the columns that the target lacks.
  [[nodiscard]] Relation known_part(Relation relation_of_stream) const {
    std::erase_if(relation_of_stream.columns, [this](RelationColumn const& column) {
      return target.column(column.name) == nullptr;
    });
    return relation_of_stream;
  }
  // The target can take what the catalog said when the table was described.
  [[nodiscard]] bool is_as_described(Relation const& relation_of_stream) const {
    return relation_of_stream.columns == relation_of(source).columns &&
           (ignores_incompatible ||
            known_part(relation_of_stream).columns.size() == relation_of_stream.columns.size());
  }

  void forget_epoch() {
    // Columns that the epoch would have added are not in the target: they are found missing again.
    for (TargetColumn const& added : added_columns)
      std::erase_if(target.columns, [&](TargetColumn const& c) { return c.name == added.name; });
    end_epoch();
  }

  void end_epoch() {
    forget_rows();
    added_columns.clear();
    is_touched = false;
    first_commit_time = 0;
  }

  void forget_rows() {
    batches.clear();
    if (equal_rows)
      equal_rows->clear();
    if (quarantine)
      quarantine->forget();
    is_truncated = false;
    deletion_marks.clear();
    earlier.clear();
    counts = RowCounts();
  }
};

template <typename Work>
void StreamMachine::guarded(Table& table, StreamActions& actions, Work work) {
  try {
    work();
  } catch (ProtocolViolation const&) {
    throw; // the connection is not to be trusted
  } catch (Error const& error) {
    if (error.retry() == Retry::never) {
      unfollow(table.source.id);
    } else { // it is copied again: its layouts are followed, its rows are wanted from then on
      table.from = kNothingWanted;
      table.forget_rows();
    }
    actions.emplace_back(
        SetAside{table.source.id, ErrorReport::of(error), std::exchange(table.design, nullptr)});
  }
}

} // namespace walrock
