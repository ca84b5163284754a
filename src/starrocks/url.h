// The few URLs that StarRocks hands out: Location of a redirect and ErrorURL. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace walrock {

struct Url {
  std::string scheme; // "http" or "https"
  std::string host;   // IPv6 without brackets
  int port = 0;
  std::string path; // with the query, begins with '/'
  auto operator<=>(Url const&) const = default;
};

// Absolute http and https URLs only. User and password in it are refused: nothing.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);
[[nodiscard]] std::string to_string(Url const& url);
// "host:port", an IPv6 host in brackets.
[[nodiscard]] std::string host_port(std::string const& host, int port);
// Bytes that do not stand for themselves in a path or a query as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

// The address to use for one that a server gave: "host:port" is looked up first, then "host".
[[nodiscard]] Url reachable_url(Url url, std::map<std::string, std::string> const& backend_hosts);

} // namespace walrock
