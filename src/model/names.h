// Names of tables on both sides, and of relations on the wire. Values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace walrock {

using Oid = std::uint32_t;

// The oid of a table in pg_class; survives renames.
struct RelationId {
  Oid oid = 0;
  auto operator<=>(RelationId const&) const = default;
};

// A table of PostgreSQL. What PostgreSQL calls "schema" is always namespace here.
struct TableName {
  std::string namespace_name;
  std::string table_name;
  auto operator<=>(TableName const&) const = default;
};

// A table of StarRocks.
struct TargetName {
  std::string database;
  std::string table;
  auto operator<=>(TargetName const&) const = default;
};

// public.users
[[nodiscard]] std::string to_string(TableName const& name);
// demo.users
[[nodiscard]] std::string to_string(TargetName const& name);

// "Name" with doubled quotes, always quoted: for SQL sent to PostgreSQL.
[[nodiscard]] std::string quote_pg(std::string_view identifier);
[[nodiscard]] std::string quote_pg(TableName const& name);
// 'text' for PostgreSQL with standard_conforming_strings on.
[[nodiscard]] std::string quote_pg_literal(std::string_view text);
// `name` with doubled backticks: for SQL and load headers sent to StarRocks.
[[nodiscard]] std::string quote_starrocks(std::string_view identifier);
[[nodiscard]] std::string quote_starrocks(TargetName const& name);
// "text" with backslash escapes, as StarRocks reads string literals.
[[nodiscard]] std::string quote_starrocks_literal(std::string_view text);

} // namespace walrock

template <> struct std::hash<walrock::RelationId> {
  std::size_t operator()(walrock::RelationId id) const noexcept {
    return std::hash<walrock::Oid>()(id.oid);
  }
};
