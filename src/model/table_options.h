// What the job file says about one table, as far as the target is concerned.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/kept_rows.h"
#include "model/made_column.h"
#include "model/value_policy.h"

namespace walrock {

// What to do with a target that already has rows when its table is first copied.
enum class ExistingRows { fail, truncate, keep, swap };

// What becomes of rows that StarRocks refuses.
enum class BadRows { fail, quarantine };

// What becomes of the rows of a partition that is detached or dropped.
enum class DroppedPartitions { copy_again, keep };

// How cells that PostgreSQL did not send, because they did not change, keep their values: the row
// is loaded without them, or they are read back from the target.
enum class UnchangedValues { partial_update, read_back };

// What becomes of a row of a keyed target whose source row is deleted: it goes, it is marked, it
// stays as it is.
enum class Deletes { hard, soft, ignore };

// Of a table without a key whose updates and deletes carry the old row: its target is kept exact,
// or rows are only appended to it.
enum class WithoutKey { exact, append };

struct TableOptions {
  std::vector<std::string> unique_key; // empty: the primary key
  std::optional<int> buckets;
  std::string partition_by; // text after PARTITION BY
  std::vector<std::string> sort_key;
  std::map<std::string, std::string> properties;   // of CREATE TABLE
  std::map<std::string, std::string> column_types; // column name -> StarRocks type
  // What becomes of values that StarRocks cannot hold: by the name of a column, by a name of
  // kPolicyTypes.
  ValuePolicies column_policies;
  ValuePolicies type_policies;
  ExistingRows existing_rows = ExistingRows::fail;
  std::optional<BadRows> bad_rows;                     // unset: fail
  std::optional<std::size_t> bad_rows_limit;           // rows of the table in quarantine
  std::optional<DroppedPartitions> dropped_partitions; // unset: copy_again
  std::optional<UnchangedValues> unchanged_values;     // unset: partial_update
  std::optional<WithoutKey> without_key;               // unset: exact
  std::optional<Deletes> deletes;                      // unset: hard
  std::optional<bool> history;                         // unset: false
  std::optional<std::vector<MadeColumn>> metadata_columns;
  // Of the whole job: the zone that timestamptz is written in where StarRocks keeps none.
  std::string time_zone = "UTC";

  [[nodiscard]] bool is_utc() const { return time_zone == "UTC"; }

  [[nodiscard]] bool is_history() const { return history.value_or(false); }

  // Nothing: a copy replaces all rows.
  [[nodiscard]] std::optional<KeptRows> kept_rows(bool is_append_only) const {
    if (is_append_only)
      return is_history() ? std::optional(KeptRows::versions) : std::nullopt;
    switch (deletes.value_or(Deletes::hard)) {
    case Deletes::hard: return std::nullopt;
    case Deletes::soft: return KeptRows::marked;
    case Deletes::ignore: return KeptRows::as_they_are;
    }
    return std::nullopt;
  }

  // Rows that may be there; nothing: a refused row stops the table.
  [[nodiscard]] std::optional<std::size_t> quarantine_limit() const {
    constexpr std::size_t kRows = 1000;
    if (bad_rows.value_or(BadRows::fail) == BadRows::fail)
      return std::nullopt;
    return bad_rows_limit.value_or(kRows);
  }
};

} // namespace walrock
