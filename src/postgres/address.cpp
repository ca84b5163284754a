#include "postgres/address.h"

#include <charconv>

#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

namespace {

[[noreturn]] void refuse(std::string_view entry, char const* why) {
  throw Error(ErrorCode::job_file_invalid,
              fmt::format("source host \"{}\": {}; expected host or host:port", entry, why));
}

int parse_port(std::string_view entry, std::string_view text) {
  int port = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535)
    refuse(entry, "the port is not a number from 1 to 65535");
  return port;
}

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "host", "host:port", "[address]", "[address]:port", "::1" (an address, it has several colons).
SourceHost parse_host(std::string_view entry, int default_port) {
  SourceHost out{std::string(entry), default_port};
  if (auto const bracket = entry.find(']'); entry.starts_with('[') && bracket != entry.npos) {
    out.host = entry.substr(1, bracket - 1);
    std::string_view const rest = entry.substr(bracket + 1);
    if (!rest.empty() && !rest.starts_with(':'))
      refuse(entry, "something other than a port follows the address");
    if (!rest.empty())
      out.port = parse_port(entry, rest.substr(1));
  } else if (auto const colon = entry.find(':');
             colon != entry.npos && colon == entry.rfind(':') && !entry.starts_with('/')) {
    out.host = entry.substr(0, colon);
    out.port = parse_port(entry, entry.substr(colon + 1));
  }
  if (out.host.empty())
    refuse(entry, "the host is empty");
  return out;
}

} // namespace

std::vector<SourceHost> parse_source_hosts(std::string_view text, int default_port) {
  std::vector<SourceHost> out;
  while (true) {
    auto const comma = text.find(',');
    out.push_back(parse_host(trimmed(text.substr(0, comma)), default_port));
    if (comma == text.npos)
      return out;
    text.remove_prefix(comma + 1);
  }
}

std::string to_string(SourceAddress const& address) {
  std::string out;
  for (SourceHost const& host : address.hosts)
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", host.host, host.port);
  return out + "/" + address.database;
}

} // namespace walrock
