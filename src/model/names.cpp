#include "model/names.h"

namespace walrock {

namespace {
std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (char const c : text) {
    if (c == quote)
      out += quote;
    out += c;
  }
  return out += quote;
}
} // namespace

std::string to_string(TableName const& name) {
  return name.namespace_name + "." + name.table_name;
}
std::string to_string(TargetName const& name) {
  return name.database + "." + name.table;
}

std::string quote_pg(std::string_view identifier) {
  return quoted(identifier, '"');
}
std::string quote_pg(TableName const& name) {
  return quote_pg(name.namespace_name) + "." + quote_pg(name.table_name);
}
std::string quote_pg_literal(std::string_view text) {
  return quoted(text, '\'');
}

std::string quote_starrocks(std::string_view identifier) {
  return quoted(identifier, '`');
}
std::string quote_starrocks(TargetName const& name) {
  return quote_starrocks(name.database) + "." + quote_starrocks(name.table);
}

std::string quote_starrocks_literal(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    switch (c) {
    case '"':
    case '\\': out += '\\', out += c; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    case '\0': out += "\\0"; break;
    default: out += c;
    }
  }
  return out += '"';
}

} // namespace walrock
