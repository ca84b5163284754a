// Makes a job file from what PostgreSQL says about a database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "model/names.h"

namespace walrock {

// Where one side is, as a person writes it in one go.
struct ServerUrl {
  std::string host;
  int port = 0; // 0: not said
  std::string username;
  Secret password; // empty: not said
  std::string database;
};

// scheme://[user[:password]@]host[:port][/database], "%40" and its like undone; other schemes, and
// what follows a "?", are ignored. Throws Error usage; the message never holds the password.
[[nodiscard]] ServerUrl parse_server_url(std::string_view text);

struct InitRequest {
  ServerUrl source;
  ServerUrl target; // port: of HTTP
  int mysql_port = 9030;
  std::vector<std::string> tables; // patterns of table-name; empty: every table
};

// One table that the file may name.
struct InitTable {
  TableName name;
  std::int64_t row_estimate = -1;
  std::int64_t byte_count = 0;
  std::string problem; // empty: it can be replicated as it is
};

// What the database has, narrowed by request.tables. Blocking. Throws table_not_found when nothing
// is left.
[[nodiscard]] std::vector<InitTable> ask_tables(InitRequest const& request);

// A commented job file. Passwords are written as ${PGPASSWORD} and ${STARROCKS_PASSWORD:-}. Tables
// with a problem stand in it as comments. Pure.
[[nodiscard]] std::string job_file_text(InitRequest const& request,
                                        std::vector<InitTable> const& tables);

} // namespace walrock
