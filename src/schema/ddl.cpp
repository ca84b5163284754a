#include "schema/ddl.h"

namespace walrock {

namespace {

std::string column_list(std::vector<std::string> const& names) {
  std::string out = "(";
  for (std::string const& name : names)
    out += (out.size() > 1 ? ", " : "") + quote_starrocks(name);
  return out + ")";
}

// `name` TYPE [NOT] NULL [DEFAULT "..."] [COMMENT "..."]
std::string column_definition(TargetColumn const& column) {
  std::string out = quote_starrocks(column.name) + " " + column.type;
  out += column.is_nullable ? " NULL" : " NOT NULL";
  if (column.default_text)
    out += " DEFAULT " + quote_starrocks_literal(*column.default_text);
  if (!column.comment.empty())
    out += " COMMENT " + quote_starrocks_literal(column.comment);
  return out;
}

std::string_view key_clause(TableModel model) {
  switch (model) {
  case TableModel::primary: return "PRIMARY KEY ";
  case TableModel::unique: return "UNIQUE KEY ";
  case TableModel::duplicate: return "DUPLICATE KEY ";
  case TableModel::aggregate: return "AGGREGATE KEY ";
  }
  return "";
}

// Tables without a key spread their rows at random, which is what StarRocks does when not told.
std::string distribution_clause(TableModel model, std::vector<std::string> const& columns,
                                std::optional<int> buckets) {
  if (model == TableModel::duplicate && columns.empty() && !buckets)
    return "";
  std::string out =
      columns.empty() ? "\nDISTRIBUTED BY RANDOM" : "\nDISTRIBUTED BY HASH " + column_list(columns);
  if (buckets)
    out += " BUCKETS " + std::to_string(*buckets);
  return out;
}

std::string properties_clause(std::map<std::string, std::string> const& properties) {
  std::string out;
  for (auto const& [name, value] : properties)
    out += (out.empty() ? "" : ", ") + quote_starrocks_literal(name) + " = " +
           quote_starrocks_literal(value);
  return out.empty() ? "" : "\nPROPERTIES (" + out + ")";
}

std::string alter(TargetName const& table) {
  return "ALTER TABLE " + quote_starrocks(table);
}

} // namespace

std::string create_database_sql(std::string const& database) {
  return "CREATE DATABASE IF NOT EXISTS " + quote_starrocks(database);
}

std::string create_table_sql(TargetTable const& table) {
  std::string out = "CREATE TABLE IF NOT EXISTS " + quote_starrocks(table.name) + " (";
  for (TargetColumn const& column : table.columns)
    out += (&column == table.columns.data() ? "\n  " : ",\n  ") + column_definition(column);
  out += "\n)";
  if (!table.key.empty())
    out += "\n" + std::string(key_clause(table.model)) + column_list(table.key);
  if (!table.comment.empty())
    out += "\nCOMMENT " + quote_starrocks_literal(table.comment);
  if (!table.partition_by.empty())
    out += "\nPARTITION BY " + table.partition_by;
  bool const by_key = table.distribution_key.empty() && table.model != TableModel::duplicate;
  out +=
      distribution_clause(table.model, by_key ? table.key : table.distribution_key, table.buckets);
  if (!table.sort_key.empty())
    out += "\nORDER BY " + column_list(table.sort_key);
  return out + properties_clause(table.properties);
}

std::string drop_table_sql(TargetName const& table) {
  return "DROP TABLE IF EXISTS " + quote_starrocks(table);
}

std::string add_column_sql(TargetName const& table, TargetColumn const& column) {
  return alter(table) + " ADD COLUMN " + column_definition(column);
}

std::string add_columns_sql(TargetName const& table, std::vector<TargetColumn> const& columns) {
  if (columns.size() == 1)
    return add_column_sql(table, columns[0]);
  std::string out;
  for (TargetColumn const& column : columns)
    out += (out.empty() ? "" : ", ") + column_definition(column);
  return alter(table) + " ADD COLUMN (" + out + ")";
}

std::string modify_column_sql(TargetName const& table, TargetColumn const& column) {
  return alter(table) + " MODIFY COLUMN " + column_definition(column);
}

std::string truncate_sql(TargetName const& table) {
  return "TRUNCATE TABLE " + quote_starrocks(table);
}

std::string rename_table_sql(TargetName const& table, std::string const& new_name) {
  return alter(table) + " RENAME " + quote_starrocks(new_name);
}

std::string swap_table_sql(TargetName const& table, std::string const& other) {
  return alter(table) + " SWAP WITH " + quote_starrocks(other);
}

} // namespace walrock
