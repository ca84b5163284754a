#include "config/load_properties.h"

#include <algorithm>

#include "config/values.h"

namespace walrock {

std::vector<LoadProperty> const& load_properties() {
  using enum LoadPropertyUse;
  static std::vector<LoadProperty> const properties{
      {"format", preference,
       "csv or json; walrock takes the other where this one cannot say a value"},
      {"warehouse", sent, "the warehouse of a shared-data cluster"},
      {"load_mem_limit", sent, "memory of one load in StarRocks, in bytes"},
      {"exec_mem_limit", sent, "the same in older versions"},
      {"log_rejected_record_num", sent, "rows that StarRocks logs when it refuses a load"},
      {"transmission_compression_type", sent, "compression between the backends"},
      {"strip_outer_array", unused, "walrock knows how it writes JSON"},
      {"ignore_json_size", unused, "walrock knows how large its JSON is"},
      {"column_separator", unused, "walrock chooses separators that the rows do not contain"},
      {"row_delimiter", unused, "walrock chooses separators that the rows do not contain"},
      {"enclose", unused, "walrock's CSV has no quoting"},
      {"escape", unused, "walrock's CSV has no escapes"},
      {"trim_space", refused, "would change values", "false"},
      {"skip_header", refused, "would lose rows", "0"},
      {"compression", refused, "use sink.starrocks.compress-type"},
      {"timeout", refused, "use sink.starrocks.load.timeout"},
      {"prepared_timeout", refused, "use sink.starrocks.prepared.timeout"},
      {"strict_mode", refused, "walrock loads strictly, or wrong values would become NULL", "true"},
      {"max_filter_ratio", refused, "rows would be lost silently", "0"},
      {"timezone", refused, "walrock sends times in UTC", "UTC"},
      {"columns", refused, "walrock writes the column list; see column-types under tables"},
      {"where", refused, "rows would be lost silently"},
      {"partitions", refused, "rows of other partitions would be lost"},
      {"temporary_partitions", refused, "rows of other partitions would be lost"},
      {"negative", refused, "it is for aggregates"},
      {"jsonpaths", refused, "walrock knows how it writes JSON"},
      {"json_root", refused, "walrock knows how it writes JSON"},
      {"partial_update", refused, "walrock sets it where a row is partial", "false"},
      {"partial_update_mode", refused, "walrock sets it where a row is partial"},
      {"merge_condition", refused, "rows are applied in the order of their commits"},
      {"load_dop", refused, "rows of one key would lose their order"},
      {"enable_merge_commit", refused, "walrock collects rows itself", "false"},
      {"merge_commit_async", refused, "walrock collects rows itself"},
      {"merge_commit_interval_ms", refused, "walrock collects rows itself"},
      {"merge_commit_parallel", refused, "walrock collects rows itself"},
      {"envelope", refused, "walrock does not send Debezium's JSON"},
      {"label", refused, "use sink.starrocks.label.prefix"},
      {"transaction_type", refused, "walrock chooses it"},
      {"idle_transaction_timeout", refused, "walrock chooses it"},
  };
  return properties;
}

LoadProperty const* find_load_property(std::string_view name) {
  std::string wanted = lower_case(trimmed(name));
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (LoadProperty const& property : load_properties())
    if (property.name == wanted)
      return &property;
  return nullptr;
}

} // namespace walrock
