// What the job file says about one table, as far as the target is concerned.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walrock {

// What to do with a target that already has rows when its table is first copied.
enum class ExistingRows { fail, truncate, keep, swap };

struct TableOptions {
  std::vector<std::string> unique_key; // empty: the primary key
  std::optional<int> buckets;
  std::string partition_by; // text after PARTITION BY
  std::vector<std::string> sort_key;
  std::map<std::string, std::string> properties;   // of CREATE TABLE
  std::map<std::string, std::string> column_types; // column name -> StarRocks type
  ExistingRows existing_rows = ExistingRows::fail;
};

} // namespace walrock
