#include "postgres/sql_text.h"

namespace walrock {

std::string array_literal(std::span<std::string const> texts) {
  std::string out = "{";
  for (std::string const& text : texts) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (char const c : text) {
      if (c == '"' || c == '\\')
        out += '\\';
      out += c;
    }
    out += '"';
  }
  return out += '}';
}

NameArrays NameArrays::of(std::span<TableName const> names) {
  std::vector<std::string> namespace_names;
  std::vector<std::string> table_names;
  for (TableName const& name : names) {
    namespace_names.push_back(name.namespace_name);
    table_names.push_back(name.table_name);
  }
  return {array_literal(namespace_names), array_literal(table_names)};
}

std::string quoted_list(std::span<TableName const> names) {
  std::string out;
  for (TableName const& name : names)
    out += (out.empty() ? "ONLY " : ", ONLY ") + quote_pg(name);
  return out;
}

} // namespace walrock
