// The keys of a block under tables, most of which may also stand under sink.starrocks.
#include <algorithm>
#include <array>
#include <utility>

#include "config/keys.h"

namespace walrock {

namespace {

std::vector<std::string> texts_of(KeyValue const& value) {
  std::vector<std::string> texts;
  for (PlacedText const& entry : value.list)
    texts.push_back(entry.text);
  return texts;
}

ValuePolicies policies_of(KeyValue const& value) {
  ValuePolicies policies;
  for (auto const& [name, word] : value.map)
    for (ValuePolicy const policy :
         {ValuePolicy::fail, ValuePolicy::null, ValuePolicy::clamp, ValuePolicy::text})
      if (word == to_string(policy))
        policies.emplace(name, policy);
  return policies;
}

void add_policies(std::vector<Key>& keys) {
  keys.push_back(
      {.section = "tables.*",
       .name = "unsupported-values",
       .shape = Shape::text_map,
       .default_words = "`fail` for every type",
       .choices = {{"fail"}, {"null"}, {"clamp"}, {"text"}},
       .names = kPolicyTypes,
       .doc = "By type, what becomes of values that the target column cannot hold, such as an "
              "infinite date: fail leaves the row to bad-rows, null and clamp (the nearest value) "
              "are counted, text makes the column a VARCHAR when walrock creates the table.",
       .default_names = {"unsupported-values"},
       .set = [](Draft& d, KeyValue const& v) { d.options->type_policies.merge(policies_of(v)); }});
  keys.push_back({.section = "tables.*",
                  .name = "column-unsupported-values",
                  .shape = Shape::text_map,
                  .default_words = "what unsupported-values says",
                  .choices = {{"fail"}, {"null"}, {"clamp"}, {"text"}},
                  .doc = "The same by the name of a column.",
                  .default_names = {"column-unsupported-values"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->column_policies.merge(policies_of(v));
                  }});
}

void add_layout(std::vector<Key>& keys) {
  std::string_view const section = "tables.*";
  keys.push_back({.section = section,
                  .name = "unique-key",
                  .shape = Shape::text_list,
                  .default_words = "the primary key",
                  .doc =
                      "The columns of the target's primary key, NOT NULL; a unique index of the "
                      "table that is neither deferrable nor partial must lie within them, and they "
                      "within the replica identity, or that be full.",
                  .origin = Origin::guide,
                  .aliases = {"primary-key"},
                  .default_names = {"unique-key", "primary-key"},
                  .set = [](Draft& d, KeyValue const& v) { d.options->unique_key = texts_of(v); }});
  keys.push_back({.section = section,
                  .name = "buckets",
                  .shape = Shape::integer,
                  .default_words = "StarRocks decides",
                  .least = 1,
                  .most = 1'000'000,
                  .doc = "Buckets of a table that walrock creates.",
                  .default_names = {"buckets", "table.create.num-buckets"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->buckets = static_cast<int>(v.number);
                  }});
  keys.push_back({.section = section,
                  .name = "partition-by",
                  .default_words = "no partitions",
                  .doc =
                      "What stands after PARTITION BY when walrock creates the table; its columns "
                      "must be part of the key.",
                  .default_names = {"partition-by"},
                  .set = [](Draft& d, KeyValue const& v) { d.options->partition_by = v.text; }});
  keys.push_back({.section = section,
                  .name = "sort-key",
                  .shape = Shape::text_list,
                  .default_words = "the key",
                  .doc = "Columns of ORDER BY when walrock creates the table.",
                  .default_names = {"sort-key"},
                  .set = [](Draft& d, KeyValue const& v) { d.options->sort_key = texts_of(v); }});
  keys.push_back({.section = section,
                  .name = "properties",
                  .shape = Shape::text_map,
                  .default_words = "none",
                  .doc = "PROPERTIES of a table that walrock creates, such as replication_num.",
                  .aliases = {"table.create.properties"},
                  .default_names = {"table.create.properties", "table-properties"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->properties.insert(v.map.begin(), v.map.end());
                  }});
  keys.push_back({.section = section,
                  .name = "column-types",
                  .shape = Shape::text_map,
                  .default_words = "walrock's mapping",
                  .doc = "Names of columns and the StarRocks types to give them.",
                  .default_names = {"column-types"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->column_types.insert(v.map.begin(), v.map.end());
                  }});
}

// The words of metadata-columns, in the order of the columns.
constexpr std::array kMetadataColumns{
    std::pair{"lsn", MadeColumn::lsn},
    std::pair{"commit-time", MadeColumn::commit_time},
    std::pair{"xid", MadeColumn::xid},
    std::pair{"operation", MadeColumn::operation},
    std::pair{"source-table", MadeColumn::source_table},
};

std::vector<MadeColumn> metadata_of(KeyValue const& value) {
  std::vector<MadeColumn> columns;
  for (auto const& [word, column] : kMetadataColumns)
    if (std::any_of(value.list.begin(), value.list.end(),
                    [word = word](PlacedText const& entry) { return entry.text == word; }))
      columns.push_back(column);
  return columns;
}

void add_versions(std::vector<Key>& keys) {
  std::string_view const section = "tables.*";
  keys.push_back({.section = section,
                  .name = "deletes",
                  .shape = Shape::choice,
                  .default_text = "hard",
                  .choices = {{"hard"}, {"soft"}, {"ignore"}},
                  .doc = "When a row is deleted, gets another key or is truncated away: hard "
                         "removes it from the target, soft keeps it and sets _walrock_deleted and "
                         "_walrock_deleted_at, ignore keeps it as it is.",
                  .default_names = {"deletes"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->deletes = static_cast<Deletes>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "history",
                  .shape = Shape::boolean,
                  .default_text = "false",
                  .doc = "The target gets a row for every version of every row, with LSN, commit "
                         "time and operation, instead of the rows as they are now.",
                  .default_names = {"history"},
                  .set = [](Draft& d, KeyValue const& v) { d.options->history = v.flag; }});
  keys.push_back(
      {.section = section,
       .name = "metadata-columns",
       .shape = Shape::text_list,
       .default_text = "none",
       .choices = {{"lsn"}, {"commit-time"}, {"xid"}, {"operation"}, {"source-table"}, {"none"}},
       .doc = "Columns behind those of the source that say which transaction wrote the "
              "row last, and how: _walrock_lsn and so on.",
       .default_names = {"metadata-columns"},
       .set = [](Draft& d, KeyValue const& v) { d.options->metadata_columns = metadata_of(v); }});
}

} // namespace

void add_table_keys(std::vector<Key>& keys) {
  std::string_view const section = "tables.*";
  add_layout(keys);
  add_policies(keys);
  keys.push_back({.section = section,
                  .name = "existing-rows",
                  .shape = Shape::choice,
                  .default_text = "fail",
                  .choices = {{"fail"}, {"truncate"}, {"keep"}, {"swap"}},
                  .doc =
                      "When the target has rows before the first copy: fail sets the table aside, "
                      "truncate empties it, keep loads over them, swap fills a new table and "
                      "exchanges the two.",
                  .default_names = {"existing-rows"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->existing_rows = static_cast<ExistingRows>(v.choice);
                    if (d.block != nullptr)
                      d.block->sets_existing_rows = true;
                  }});
  keys.push_back({.section = section,
                  .name = "bad-rows",
                  .shape = Shape::choice,
                  .default_text = "fail",
                  .choices = {{"fail"}, {"quarantine"}},
                  .doc =
                      "When StarRocks refuses a row: fail sets its table aside, quarantine keeps "
                      "the row in the table _walrock_quarantine and goes on; tables that only "
                      "append are set aside in either case.",
                  .default_names = {"bad-rows"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->bad_rows = static_cast<BadRows>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "bad-rows-limit",
                  .shape = Shape::integer,
                  .default_text = "1000",
                  .least = 1,
                  .most = 100'000,
                  .doc = "How many rows of a table may be in quarantine; one more sets it aside.",
                  .default_names = {"bad-rows-limit"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->bad_rows_limit = static_cast<std::size_t>(v.number);
                  }});
  keys.push_back({.section = section,
                  .name = "dropped-partitions",
                  .shape = Shape::choice,
                  .default_text = "copy-again",
                  .choices = {{"copy-again"}, {"keep"}},
                  .doc = "When a partition is detached or dropped: copy-again copies its table "
                         "again, which removes its rows, keep leaves them in the target until the "
                         "table is copied again for another reason.",
                  .default_names = {"dropped-partitions"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->dropped_partitions = static_cast<DroppedPartitions>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "unchanged-values",
                  .shape = Shape::choice,
                  .default_text = "partial-update",
                  .choices = {{"partial-update"}, {"read-back"}},
                  .doc = "Large values that an UPDATE did not change, which PostgreSQL does not "
                         "send: partial-update loads the row without them, read-back reads them "
                         "from the target first, so that all rows of a transaction in the table "
                         "become visible at once.",
                  .default_names = {"unchanged-values"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->unchanged_values = static_cast<UnchangedValues>(v.choice);
                  }});
  add_versions(keys);
  keys.push_back({.section = section,
                  .name = "without-key",
                  .shape = Shape::choice,
                  .default_text = "exact",
                  .choices = {{"exact"}, {"append"}},
                  .doc = "A table without a key whose replica identity is full: exact keeps its "
                         "target a copy, equal rows included, under a key of walrock's own, append "
                         "makes a target without a key, and the first UPDATE or DELETE sets the "
                         "table aside; a target that is there stays what it is.",
                  .default_names = {"without-key"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.options->without_key = static_cast<WithoutKey>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "target-table",
                  .default_words = "what sink.starrocks.table says",
                  .doc = "The name of the target table.",
                  .aliases = {"table", "target"},
                  .set = [](Draft& d, KeyValue const& v) { d.block->target_table = v.text; }});
}

} // namespace walrock
