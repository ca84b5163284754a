// What SHOW GRANTS says about the rights that walrock needs. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/names.h"

namespace walrock {

// The roles of "GRANT 'a', 'b' TO 'user'@'%'"; none for other lines.
[[nodiscard]] std::vector<std::string> granted_roles(std::string_view grant);

// Those of `wanted` ("INSERT", "CREATE TABLE") that no line grants on the database or on something
// in it. A right on a single table of the database counts: which tables it is good for is not told
// apart. Empty as well for the roles that may do everything (root, db_admin).
[[nodiscard]] std::vector<std::string> missing_rights(std::span<std::string const> grants,
                                                      std::string_view database,
                                                      std::span<std::string const> wanted);

// Those that no line grants on this table: for a table that the job needs beside its own.
[[nodiscard]] std::vector<std::string> missing_table_rights(std::span<std::string const> grants,
                                                            TargetName const& table,
                                                            std::span<std::string const> wanted);

} // namespace walrock
