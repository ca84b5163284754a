#include "config/table_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "config/table_matcher.h"

namespace walrock {

namespace {

bool is_template(std::string_view table) {
  return table.find('{') != std::string_view::npos;
}

std::string filled(std::string_view text, TableName const& table) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view const rest = text.substr(i);
    if (rest.starts_with("{table}")) {
      out += table.table_name;
      i += 6;
    } else if (rest.starts_with("{schema}")) {
      out += table.namespace_name;
      i += 7;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Patterns before plain names, so that the name of a table has the last word.
std::vector<TableBlock const*> blocks_for(JobSpec const& job, TableName const& table) {
  std::vector<TableBlock const*> blocks;
  for (TableBlock const& block : job.tables)
    if (pattern_matches(block.pattern, table))
      blocks.push_back(&block);
  std::stable_partition(blocks.begin(), blocks.end(),
                        [](TableBlock const* block) { return !block->pattern.plain; });
  return blocks;
}

template <typename Value>
void replace_with(std::optional<Value> const& from, std::optional<Value>& to) {
  if (from)
    to = from;
}

void apply(TableBlock const& block, TableOptions& options) {
  TableOptions const& from = block.options;
  if (!from.unique_key.empty())
    options.unique_key = from.unique_key;
  replace_with(from.buckets, options.buckets);
  if (!from.partition_by.empty())
    options.partition_by = from.partition_by;
  if (!from.sort_key.empty())
    options.sort_key = from.sort_key;
  for (auto const& [name, value] : from.properties)
    options.properties[name] = value;
  for (auto const& [name, value] : from.column_types)
    options.column_types[name] = value;
  for (auto const& [name, policy] : from.column_policies)
    options.column_policies[name] = policy;
  for (auto const& [name, policy] : from.type_policies)
    options.type_policies[name] = policy;
  if (block.sets_existing_rows)
    options.existing_rows = from.existing_rows;
  replace_with(from.bad_rows, options.bad_rows);
  replace_with(from.dropped_partitions, options.dropped_partitions);
  replace_with(from.bad_rows_limit, options.bad_rows_limit);
  replace_with(from.unchanged_values, options.unchanged_values);
  replace_with(from.without_key, options.without_key);
  replace_with(from.deletes, options.deletes);
  replace_with(from.history, options.history);
  replace_with(from.metadata_columns, options.metadata_columns);
}

} // namespace

bool has_single_table(JobSpec const& job) {
  return job.source.tables.size() == 1 && job.source.tables.front().plain;
}

TableOptions options_for(JobSpec const& job, TableName const& table) {
  TableOptions options = job.table_defaults;
  options.time_zone = job.target.time_zone;
  bool const names_one = !job.target.table.empty() && !is_template(job.target.table);
  if (names_one && !has_single_table(job) && table.table_name != job.target.table)
    options.unique_key.clear();
  for (TableBlock const* const block : blocks_for(job, table))
    apply(*block, options);
  return options;
}

TargetName target_for(JobSpec const& job, TableName const& table) {
  std::string name = table.table_name;
  if (is_template(job.target.table))
    name = filled(job.target.table, table);
  else if (has_single_table(job) && !job.target.table.empty())
    name = job.target.table;
  for (TableBlock const* const block : blocks_for(job, table))
    if (!block->target_table.empty())
      name = filled(block->target_table, table);
  return {job.target.database, name};
}

std::map<TableName, TargetName> targets_for(JobSpec const& job,
                                            std::vector<TableName> const& tables) {
  std::map<TableName, TargetName> targets;
  std::map<TargetName, TableName> taken;
  std::string clashes;
  for (TableName const& table : tables) {
    TargetName const target = target_for(job, table);
    targets[table] = target;
    auto const [first, is_new] = taken.emplace(target, table);
    if (!is_new && first->second != table)
      clashes += fmt::format("{}{} and {} would both go to {}", clashes.empty() ? "" : "\n",
                             to_string(first->second), to_string(table), to_string(target));
  }
  if (!clashes.empty())
    throw Error(ErrorCode::job_file_invalid, fmt::format("{}: {}", job.file_name, clashes))
        .set_advice("Set sink.starrocks.table to {schema}_{table}, or give one of them another "
                    "target-table under tables.");
  std::string const& fixed = job.target.table;
  bool const is_misplaced = !fixed.empty() && !is_template(fixed) && !has_single_table(job) &&
                            !tables.empty() && taken.count({job.target.database, fixed}) == 0;
  if (is_misplaced)
    throw Error(ErrorCode::job_file_invalid,
                fmt::format("{}: sink.starrocks.table: {} names one target, but table-name is not "
                            "one plain name (it selects {} tables)",
                            job.file_name, fixed, tables.size()))
        .set_advice("Leave sink.starrocks.table out: each table goes to one of its own name. To "
                    "rename one, use target-table in its block under tables.");
  return targets;
}

} // namespace walrock
