#include "schema/target_design.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "model/table_plan.h"
#include "schema/leaf_identity.h"
#include "schema/made_columns.h"
#include "schema/type_map.h"
#include "schema/value_policy.h"

namespace walrock {

namespace {

using Names = std::vector<std::string>;

bool contains(Names const& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_within(Names const& some, Names const& all) {
  return std::all_of(some.begin(), some.end(),
                     [&](auto const& name) { return contains(all, name); });
}

std::string joined(Names const& names) {
  std::string out;
  for (std::string const& name : names)
    out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string quoted(Names const& names) {
  std::string out;
  for (std::string const& name : names)
    out += (out.empty() ? "" : ", ") + quote_pg(name);
  return out;
}

std::string alter(SourceTable const& source) {
  return "ALTER TABLE " + quote_pg(source.name) + " ";
}

// Do updates and deletes carry the old values of these columns?
bool is_carried(SourceTable const& source, Names const& columns) {
  return source.identity == ReplicaIdentity::full || is_within(columns, source.identity_columns);
}

bool is_streamed(SourceTable const& source, Names const& columns) {
  return !columns.empty() && std::all_of(columns.begin(), columns.end(), [&](auto const& name) {
    SourceColumn const* column = source.column(name);
    return column != nullptr && column->is_sent;
  });
}

void check_key_column(SourceTable const& source, std::string const& name) {
  std::string const where = "unique-key of " + to_string(source.name) + ": column " + name;
  SourceColumn const* column = source.column(name);
  if (column == nullptr)
    throw Error(ErrorCode::job_file_invalid, where + " does not exist");
  if (!column->is_sent)
    throw Error(ErrorCode::job_file_invalid,
                where + (column->generated != '\0' ? " is generated and" : " is") +
                    " not in the publication, so PostgreSQL does not send it");
  if (!column->is_not_null)
    throw Error(ErrorCode::job_file_invalid, where + " may be NULL, a key of StarRocks may not")
        .set_advice("Run: " + alter(source) + "ALTER COLUMN " + quote_pg(name) +
                    " SET NOT NULL; or name other columns.");
}

// The target keeps one row for a key, so PostgreSQL must never have two: what contains a unique
// index is unique itself. The columns are NOT NULL, so no NULL lets equal rows pass.
void check_uniqueness(SourceTable const& source, Names const& key) {
  bool const is_primary = !source.primary_key.empty() && !source.has_deferrable_key &&
                          is_within(source.primary_key, key);
  // PostgreSQL takes no deferrable index for it.
  bool const is_identity = source.identity == ReplicaIdentity::index &&
                           !source.identity_columns.empty() &&
                           is_within(source.identity_columns, key);
  UniqueIndex const* deferrable = nullptr;
  for (UniqueIndex const& index : source.unique_indexes) {
    if (!is_within(index.columns, key))
      continue;
    if (!index.is_deferrable)
      return;
    deferrable = &index;
  }
  if (is_primary || is_identity)
    return;
  std::string const columns = quoted(key);
  std::string const what = "unique-key (" + joined(key) + ") of " + to_string(source.name);
  std::string const add_index = "CREATE UNIQUE INDEX ON " + quote_pg(source.name) + " (" + columns +
                                "); or leave out unique-key.";
  if (deferrable != nullptr)
    throw Error(ErrorCode::job_file_invalid,
                what + " is unique by a deferrable constraint only (" + deferrable->name +
                    "): until it is checked two rows may have one key, and one of them would be "
                    "lost")
        .set_advice("Run: ALTER TABLE " + quote_pg(source.name) + " DROP CONSTRAINT " +
                    quote_pg(deferrable->name) + "; and add it NOT DEFERRABLE; or: " + add_index);
  throw Error(ErrorCode::job_file_invalid,
              what + " has no unique index: of two rows with one key the target would keep one")
      .set_advice("Run: " + add_index);
}

Names const& checked_unique_key(SourceTable const& source, Names const& key) {
  for (std::string const& name : key)
    check_key_column(source, name);
  if (std::set<std::string>(key.begin(), key.end()).size() != key.size())
    throw Error(ErrorCode::job_file_invalid,
                "unique-key of " + to_string(source.name) + " names a column twice");
  if (!is_carried(source, key))
    throw Error(ErrorCode::replica_identity_missing,
                "updates and deletes of " + to_string(source.name) +
                    " do not carry its unique-key (" + joined(key) + ")")
        .set_advice("Run: " + alter(source) + "REPLICA IDENTITY FULL;");
  check_uniqueness(source, key);
  return key;
}

} // namespace

std::vector<std::string> key_of(SourceTable const& source, TableOptions const& options) {
  if (!options.unique_key.empty())
    return checked_unique_key(source, options.unique_key);
  // With identity nothing PostgreSQL lets no update or delete happen, so any key will do. A
  // deferrable one would be there twice within a transaction.
  bool const inserts_only = source.identity == ReplicaIdentity::nothing;
  if (is_streamed(source, source.primary_key) &&
      (inserts_only || (!source.has_deferrable_key && is_carried(source, source.primary_key))))
    return source.primary_key;
  if (source.identity == ReplicaIdentity::index && is_streamed(source, source.identity_columns))
    return source.identity_columns;
  return {};
}

namespace {

// Every update and delete tells the old row as a whole, so that its equals can be found.
bool is_kept_exact(SourceTable const& source, TableOptions const& options) {
  return source.identity == ReplicaIdentity::full && key_of(source, options).empty() &&
         options.without_key.value_or(WithoutKey::exact) == WithoutKey::exact &&
         !options.is_history();
}

// The statement that gives any table a key without asking what its columns mean.
std::string add_key_sql(SourceTable const& source) {
  std::string name = "id";
  while (source.column(name) != nullptr)
    name = "walrock_" + name;
  return alter(source) + "ADD COLUMN " + quote_pg(name) +
         " bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY;";
}

} // namespace

std::optional<Advice> key_advice(SourceTable const& source, TableOptions const& options) {
  std::string const table = to_string(source.name);
  Names key;
  try {
    key = key_of(source, options);
  } catch (Error const&) {
    return std::nullopt; // said where the table is designed, and of that table alone
  }
  if (options.is_history() && source.identity == ReplicaIdentity::full)
    return std::nullopt; // every change carries whole rows, and none has to be found again
  std::string const by_content =
      "its target has a key of walrock's own, and a row that is updated or deleted is looked for "
      "there by all its values";
  if (source.has_deferrable_key && is_kept_exact(source, options))
    return Advice{table +
                      " has a deferrable primary key, and within a transaction two rows may "
                      "have one key: " +
                      by_content,
                  alter(source) + "REPLICA IDENTITY USING INDEX ...; with a unique index that is "
                                  "not deferrable, or make the primary key NOT DEFERRABLE."};
  if (is_kept_exact(source, options))
    return Advice{table + " has no key: " + by_content +
                      "; if columns identify a row, name them in unique-key",
                  add_key_sql(source)};
  if (source.has_deferrable_key && source.identity == ReplicaIdentity::full && key.empty())
    return Advice{table + " has a deferrable primary key: within a transaction two rows may have "
                          "one key, so updates and deletes cannot be applied by it and set the "
                          "table aside; its rows are copied and inserts are followed",
                  alter(source) + "REPLICA IDENTITY USING INDEX ...; with a unique index that is "
                                  "not deferrable, or make the primary key NOT DEFERRABLE."};
  if (key.empty() && source.identity == ReplicaIdentity::full)
    return Advice{table + " has no key: its rows are copied and inserts are followed, but updates "
                          "and deletes cannot be applied and set the table aside; if columns "
                          "identify a row, name them in unique-key",
                  add_key_sql(source)};
  if (key.empty())
    return Advice{table +
                      " has no key: its inserts are followed, but PostgreSQL refuses updates and "
                      "deletes of it as long as it is published",
                  add_key_sql(source)};
  if (source.identity == ReplicaIdentity::nothing)
    return Advice{table +
                      " has replica identity nothing: PostgreSQL refuses updates and deletes of "
                      "it as long as it is published",
                  alter(source) + "REPLICA IDENTITY DEFAULT;"};
  if (options.unique_key.empty() && !source.primary_key.empty() && key != source.primary_key)
    return Advice{"the replica identity of " + table +
                      " does not contain its primary key, so the "
                      "target's key is (" +
                      joined(key) + ")",
                  alter(source) + "REPLICA IDENTITY DEFAULT;"};
  return std::nullopt;
}

namespace {

bool has_identity(SourceTable const& table) {
  return table.identity != ReplicaIdentity::default_ || !table.identity_columns.empty();
}

} // namespace

bool is_publishable(SourceTable const& table) {
  if (table.is_identity_unsent && table.published_by.empty())
    return false;
  return has_identity(table) && !(table.published_by.empty() && identity_lack(table));
}

Advice unpublishable_advice(SourceTable const& table) {
  if (table.is_identity_unsent)
    return {"has a generated column in its replica identity that is not published, so it is set "
            "aside: once it is published, PostgreSQL would refuse updates and deletes",
            "ALTER TABLE " + quote_pg(table.name) +
                (table.primary_key.empty() ? " REPLICA IDENTITY USING INDEX ...;"
                                           : " REPLICA IDENTITY DEFAULT;")};
  if (auto lack = identity_lack(table); lack && has_identity(table))
    return std::move(*lack);
  if (!table.primary_key.empty()) // a deferrable one is no replica identity
    return {"has a deferrable primary key, which updates and deletes do not carry, so it is set "
            "aside: once it is published, PostgreSQL would refuse them",
            "ALTER TABLE " + quote_pg(table.name) +
                " REPLICA IDENTITY USING INDEX ...; with a unique index that is not deferrable."};
  return {"has no key, so it is set aside: once it is published, PostgreSQL would refuse its "
          "updates and deletes",
          add_key_sql(table) + " or, to find rows by all their values: " + alter(table) +
              "REPLICA IDENTITY FULL; or, when rows are only inserted: " + alter(table) +
              "REPLICA IDENTITY NOTHING;"};
}

namespace {

[[noreturn]] void refuse_type(SourceTable const& source, std::string const& column,
                              std::string const& type, std::string const& why) {
  throw Error(ErrorCode::job_file_invalid, "column-types of " + to_string(source.name) + ": " +
                                               column + " cannot be " + type + ": " + why);
}

// The type that the job file wants for a column, checked for sense.
TargetType chosen_type(SourceTable const& source, SourceColumn const& column,
                       std::string const& wanted, bool is_key, TableOptions const& options) {
  TargetType const type = parse_target_type(wanted);
  if (Fit const fits = fit(column, type); fits.kind == Fit::Kind::refused)
    refuse_type(source, column.name, wanted, fits.why + " (" + column.declared_type + ")");
  if (is_key && !is_allowed_as_primary_key(type))
    refuse_type(source, column.name, wanted, "StarRocks does not allow this type in a primary key");
  if (is_key && type.kind == TargetType::Kind::datetime &&
      default_type(column, options, true).is_string())
    refuse_type(source, column.name, wanted,
                "two moments could become one key, in the hour that comes twice in " +
                    options.time_zone);
  return type;
}

TargetColumn target_column(SourceTable const& source, SourceColumn const& column,
                           TableOptions const& options, bool is_key) {
  auto const wanted = options.column_types.find(column.name);
  TargetType const type = wanted != options.column_types.end()
                              ? chosen_type(source, column, wanted->second, is_key, options)
                              : default_type(column, options, is_key);
  return {column.name, to_string(type), !is_key, std::nullopt, column.comment};
}

// An append-only table is sorted by its first columns that StarRocks can sort by, as it would
// choose itself (up to three, a string last); a DUPLICATE KEY table refuses others in front.
// Without any, the origin of the rows is the key and stands first.
void choose_duplicate_key(TargetTable& table) {
  auto const can_sort = [](TargetColumn const& column) {
    return is_allowed_as_duplicate_key(parse_target_type(column.type));
  };
  TargetColumn const lsn = made_target_column(MadeColumn::lsn, false);
  TargetColumn const index = made_target_column(MadeColumn::index, false);
  auto const first = std::find_if(table.columns.begin(), table.columns.end(), can_sort);
  if (first == table.columns.end()) {
    table.columns.insert(table.columns.begin(), {lsn, index});
    table.key = {kLsnColumn, kIndexColumn};
    return;
  }
  std::rotate(table.columns.begin(), first, first + 1);
  for (TargetColumn const& column : table.columns) {
    if (table.key.size() == 3 || !can_sort(column))
      break;
    table.key.push_back(column.name);
    if (parse_target_type(column.type).is_string())
      break;
  }
  table.columns.insert(table.columns.end(), {lsn, index});
}

void require_free(std::string const& column, SourceTable const& source) {
  if (source.column(column) == nullptr)
    return;
  throw Error(ErrorCode::target_table_mismatch,
              "column " + column + " of " + to_string(source.name) +
                  " has the name of one that walrock fills itself")
      .set_advice("Rename it: " + alter(source) + "RENAME COLUMN " + quote_pg(column) +
                  " TO ...; or leave its table out of the job.");
}

// Equal rows stand together, each under where it came from.
void make_hash_key(TargetTable& table, SourceTable const& source) {
  std::vector<TargetColumn> key;
  for (MadeColumn const made : {MadeColumn::row_hash, MadeColumn::lsn, MadeColumn::index}) {
    key.push_back(made_target_column(made, false));
    require_free(key.back().name, source);
    table.key.push_back(key.back().name);
  }
  table.columns.insert(table.columns.begin(), key.begin(), key.end());
  table.model = TableModel::primary;
  table.distribution_key = {kHashColumn};
}

// Behind all others.
void add_made_columns(TargetTable& table, SourceTable const& source, TableOptions const& options) {
  for (MadeColumn const made : made_columns(table.model, options)) {
    TargetColumn column = made_target_column(made, true);
    require_free(column.name, source);
    if (table.column(column.name) == nullptr)
      table.columns.push_back(std::move(column));
  }
}

[[noreturn]] void refuse_without_key(SourceTable const& source, std::string const& what) {
  throw Error(ErrorCode::job_file_invalid, what + ", and " + to_string(source.name) + " has none")
      .set_advice("Leave it out for this table, name columns that identify a row in unique-key, or "
                  "say without-key: append, which follows inserts only.");
}

void check_options(SourceTable const& source, TargetTable const& table,
                   TableOptions const& options) {
  std::string const of_table = " of " + to_string(source.name) + ": column ";
  for (auto const& [name, type] : options.column_types)
    if (table.column(name) == nullptr)
      throw Error(ErrorCode::job_file_invalid, "column-types" + of_table + name + " is not copied");
  for (std::string const& name : options.sort_key)
    if (table.column(name) == nullptr)
      throw Error(ErrorCode::job_file_invalid, "sort-key" + of_table + name + " is not copied");
  if (table.is_hashed() && !options.partition_by.empty())
    refuse_without_key(source, "partition-by needs columns of the key");
  if (table.is_hashed() && options.deletes.value_or(Deletes::hard) != Deletes::hard)
    refuse_without_key(source, "deletes: soft and ignore need a key");
  if (options.buckets && *options.buckets < 1)
    throw Error(ErrorCode::job_file_invalid,
                "buckets of " + to_string(source.name) + " must be at least 1");
}

void add_columns(TargetTable& table, SourceTable const& source, TableOptions const& options) {
  for (std::string const& name : table.key)
    table.columns.push_back(target_column(source, *source.column(name), options, true));
  for (SourceColumn const& column : source.columns)
    if (column.is_sent && !contains(table.key, column.name))
      table.columns.push_back(target_column(source, column, options, false));
}

std::vector<TargetColumn>::iterator find_column(TargetTable& table, std::string const& name) {
  return std::find_if(table.columns.begin(), table.columns.end(),
                      [&](TargetColumn const& column) { return column.name == name; });
}

TargetTable design(SourceTable const& source, TargetName const& name, TableOptions const& options,
                   bool is_hashed) {
  TargetTable table;
  table.name = name;
  Names const source_key = key_of(source, options);
  if (!options.is_history() && !is_hashed)
    table.key = source_key;
  table.model = table.key.empty() ? TableModel::duplicate : TableModel::primary;
  table.comment = source.comment;
  table.buckets = options.buckets;
  table.partition_by = options.partition_by;
  table.sort_key = options.sort_key;
  table.properties = options.properties;
  add_columns(table, source, options);
  for (auto key = source_key.rbegin(); options.is_history() && key != source_key.rend(); ++key)
    std::rotate(table.columns.begin(), find_column(table, *key), find_column(table, *key) + 1);
  if (is_hashed)
    make_hash_key(table, source);
  else if (table.model == TableModel::duplicate)
    choose_duplicate_key(table);
  add_made_columns(table, source, options);
  check_options(source, table, options);
  check_policies(source, table, options);
  check_names(source, table);
  return table;
}

} // namespace

TargetTable target_table_for(SourceTable const& source, TargetName const& name,
                             TableOptions const& options) {
  return design(source, name, options, is_kept_exact(source, options));
}

TargetTable target_table_beside(SourceTable const& source, TargetTable const& existing,
                                TableOptions const& options) {
  bool const is_appended = existing.model == TableModel::duplicate;
  bool const stays_hashed = existing.is_hashed() && source.identity == ReplicaIdentity::full;
  return design(source, existing.name, options,
                stays_hashed || (!is_appended && is_kept_exact(source, options)));
}

std::vector<TargetColumn> columns_lacking(SourceTable const& source, TargetTable const& target,
                                          TableOptions const& options) {
  auto lacking = target.lacking(target_table_beside(source, target, options).columns);
  std::erase_if(lacking, [](TargetColumn const& column) {
    return made_column_named(column.name) != MadeColumn::none;
  });
  return lacking;
}

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// Why StarRocks takes no column of this name; empty when it does.
std::string name_fault(std::string const& name) {
  std::string const folded = lower(name);
  if (folded == "__op" || folded == "__row")
    return "is reserved by StarRocks";
  if (folded.starts_with("__starrocks_shadow_"))
    return "has a prefix that StarRocks reserves";
  if (name.empty() || name.size() > 1024 || name.find_first_of("=<>!*") != std::string::npos)
    return "is not allowed by StarRocks (none of = < > ! * may be in it)";
  return "";
}

[[noreturn]] void refuse_name(SourceTable const& source, std::string const& column,
                              std::string const& why) {
  throw Error(ErrorCode::target_table_mismatch,
              "column " + column + " of " + to_string(source.name) + ": the name " + why)
      .set_advice("Rename it: " + alter(source) + "RENAME COLUMN " + quote_pg(column) +
                  " TO ...; or leave the table out of the job.");
}

} // namespace

void check_names(SourceTable const& source, TargetTable const& target) {
  if (target.name.table.empty() || target.name.table.size() > 1024 || target.name.database.empty())
    throw Error(ErrorCode::target_table_mismatch,
                "the target of " + to_string(source.name) +
                    " has a name that StarRocks does not take: " + to_string(target.name));
  std::set<std::string> seen;
  for (TargetColumn const& column : target.columns) {
    if (std::string const fault = name_fault(column.name); !fault.empty())
      refuse_name(source, column.name, fault);
    if (!seen.insert(lower(column.name)).second)
      refuse_name(source, column.name,
                  "is there twice for StarRocks, which does not tell case apart in column names");
  }
}

} // namespace walrock
