// A table of StarRocks: as it is (read from information_schema) or as it is to be created.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/names.h"

namespace walrock {

enum class TableModel { primary, unique, duplicate, aggregate };

struct TargetColumn {
  std::string name;
  std::string type; // as StarRocks SQL writes it, upper case without blanks: "DECIMAL(10,2)"
  bool is_nullable = true;
  std::optional<std::string> default_text;
  std::string comment;
};

// What a statement puts into a column; nothing: NULL.
struct ColumnValue {
  std::string column;
  std::optional<std::string> value;
  bool operator==(ColumnValue const&) const = default;
};

struct TargetTable {
  TargetName name;
  TableModel model = TableModel::primary;
  std::vector<TargetColumn> columns; // the key columns first, in key order
  std::vector<std::string> key;
  std::string comment;
  // How to create it; unset parts are left to the server.
  std::optional<int> buckets;
  std::vector<std::string> distribution_key; // empty: the key
  std::string partition_by;                  // text after PARTITION BY, empty: none
  std::vector<std::string> sort_key;
  std::map<std::string, std::string> properties;
  std::string table_id; // information_schema.tables_config.TABLE_ID; empty before creation

  // Rows without a key, kept exact under the hash of their values: docs/design/rows-without-key.md.
  [[nodiscard]] bool is_hashed() const;
  [[nodiscard]] TargetColumn const* column(std::string_view column_name) const;
  // Those of `wanted` that it does not have.
  [[nodiscard]] std::vector<TargetColumn> lacking(std::vector<TargetColumn> const& wanted) const;
};

} // namespace walrock
