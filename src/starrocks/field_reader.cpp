#include "starrocks/field_reader.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "model/names.h"

namespace walrock {

namespace {

constexpr char kPlaceColumn[] = "_walrock_place"; // of a row among those that are wanted

bool is_written_bare(std::string_view type) {
  return type == "TINYINT" || type == "SMALLINT" || type == "INT" || type == "BIGINT" ||
         type == "LARGEINT" || type == "BOOLEAN";
}

std::string condition_of(LoadSpec const& spec, std::vector<std::string> const& key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    LoadField const& field = spec.fields.at(i);
    out += fmt::format("{}{} = {}", i == 0 ? "(" : " AND ", quote_starrocks(field.column),
                       is_written_bare(field.type) ? key[i] : quote_starrocks_literal(key[i]));
  }
  return out + ")";
}

// Bytes come as the load takes them.
std::string read_as(LoadField const& field) {
  std::string const name = quote_starrocks(field.column);
  return field.type.starts_with("VARBINARY") ? "hex(" + name + ")" : name;
}

} // namespace

FieldValues read_fields(SqlConnection& sql, LoadSpec const& spec,
                        std::span<WantedRow const> wanted) {
  std::set<std::size_t> fields;
  std::string places;
  std::string conditions;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    fields.insert(wanted[i].fields.begin(), wanted[i].fields.end());
    std::string const condition = condition_of(spec, *wanted[i].key);
    places += fmt::format(" WHEN {} THEN {}", condition, i);
    conditions += (i == 0 ? "" : " OR ") + condition;
  }
  std::string columns;
  for (std::size_t const field : fields)
    columns += ", " + read_as(spec.fields.at(field));
  SqlRows const found = sql.query_leader(fmt::format("SELECT CASE{} END AS `{}`{} FROM {} WHERE {}",
                                                     places, kPlaceColumn, columns,
                                                     quote_starrocks(spec.target), conditions));
  FieldValues out(wanted.size());
  for (SqlRows::Row const& row : found.rows) {
    std::size_t place = wanted.size();
    std::string const text = row.at(0).value_or("");
    std::from_chars(text.data(), text.data() + text.size(), place);
    if (place >= wanted.size())
      throw Error(ErrorCode::target_protocol_violation,
                  "StarRocks answers with a row that was not asked for: " + text);
    std::size_t column = 0;
    for (std::size_t const field : fields) {
      ++column;
      if (std::find(wanted[place].fields.begin(), wanted[place].fields.end(), field) !=
          wanted[place].fields.end())
        out[place].push_back(row.at(column));
    }
  }
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (out[i].size() != wanted[i].fields.size())
      throw Error(ErrorCode::copy_needed,
                  fmt::format("the row {} of {}, whose values are needed under a new key, is not "
                              "there, or more than once",
                              condition_of(spec, *wanted[i].key), to_string(spec.target)));
  return out;
}

} // namespace walrock
