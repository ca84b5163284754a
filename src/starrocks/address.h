// Where StarRocks is and how to log in. Values; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace walrock {

struct Frontend {
  std::string host; // a name or an address; IPv6 without brackets
  int http_port = 8030;
  bool operator==(Frontend const&) const = default;
};

// Where a frontend takes SQL.
struct SqlNode {
  std::string host;
  int port = 9030;
};

struct TargetTls {
  bool enabled = false; // of the MySQL protocol; HTTPS is TargetAddress::uses_https
  bool verify = true;   // the server's certificate and its name
  std::string ca_file;  // empty: the system's
  std::string certificate_file;
  std::string key_file;
};

struct TargetAddress {
  // Tried in turn, beginning with the one that answered last.
  std::vector<Frontend> frontends;
  bool uses_https = false;  // frontends speak HTTPS. They redirect to plain HTTP all the same.
  bool verify_https = true; // their certificate and its name; the files are those of tls
  int mysql_port = 9030;    // of the same hosts
  std::vector<SqlNode> sql_nodes; // where the hosts differ in it; empty: frontends and mysql_port
  std::string username;
  Secret password;
  // What a server calls itself, "host" or "host:port" -> "host", "host:port" or
  // "https://host:port" to use instead. Applied to every redirect and to ErrorURL.
  std::map<std::string, std::string> backend_hosts;
  TargetTls tls;
  Milliseconds connect_timeout{10'000};
  // Of one call without a body, and the longest silence of one with a body. Must exceed the 20 s
  // for which a frontend waits for the publication of a commit.
  Milliseconds call_timeout{60'000};
  // The longest silence while an SQL statement runs; servers end a query after 300 s by default.
  Milliseconds query_timeout{310'000};
};

// "fe1:8030, fe2:8030" for messages; never the password.
[[nodiscard]] std::string to_string(TargetAddress const& address);

} // namespace walrock
