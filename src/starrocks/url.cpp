#include "starrocks/url.h"

#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include "starrocks/address.h"

namespace walrock {

namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix)
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "host", "host:port", "[::1]:port"; a port that is not there is left as it is.
bool split_host_port(std::string_view text, std::string& host, int& port) {
  std::string_view rest;
  if (take_prefix(text, "[")) {
    auto const end = text.find(']');
    if (end == std::string_view::npos)
      return false;
    host = text.substr(0, end);
    if (host.find(':') == std::string::npos)
      return false; // only IPv6 addresses stand in brackets
    rest = text.substr(end + 1);
  } else {
    auto const end = text.find(':');
    host = text.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
  }
  if (host.empty() || host.find_first_of("[]") != std::string::npos)
    return false;
  if (rest.empty())
    return true;
  if (!take_prefix(rest, ":"))
    return false;
  auto const [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  return error == std::errc() && end == rest.data() + rest.size() && port > 0 && port < 65536;
}

} // namespace

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (take_prefix(text, "http://"))
    url.scheme = "http", url.port = 80;
  else if (take_prefix(text, "https://"))
    url.scheme = "https", url.port = 443;
  else
    return std::nullopt;
  for (char const c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F)
      return std::nullopt;
  auto const end = text.find_first_of("/?#");
  std::string_view const authority = text.substr(0, end);
  if (authority.find('@') != std::string_view::npos ||
      !split_host_port(authority, url.host, url.port))
    return std::nullopt;
  url.path = end == std::string_view::npos ? "/" : std::string(text.substr(end));
  if (url.path.front() != '/')
    url.path.insert(0, "/");
  url.path.resize(std::min(url.path.size(), url.path.find('#')));
  return url;
}

std::string host_port(std::string const& host, int port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

std::string to_string(Url const& url) {
  return fmt::format("{}://{}{}", url.scheme, host_port(url.host, url.port), url.path);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~'))
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

Url reachable_url(Url url, std::map<std::string, std::string> const& backend_hosts) {
  auto found = backend_hosts.find(host_port(url.host, url.port));
  if (found == backend_hosts.end())
    found = backend_hosts.find(url.host);
  if (found == backend_hosts.end())
    return url;
  std::string_view instead = found->second;
  if (take_prefix(instead, "https://"))
    url.scheme = "https";
  else if (take_prefix(instead, "http://"))
    url.scheme = "http";
  Url mapped = url;
  // A value that is no address is used as a host: the failure to connect names it.
  if (!split_host_port(instead, mapped.host, mapped.port))
    mapped.host = std::string(instead);
  return mapped;
}

std::string to_string(TargetAddress const& address) {
  std::string out;
  for (Frontend const& frontend : address.frontends)
    out += (out.empty() ? "" : ", ") + host_port(frontend.host, frontend.http_port);
  return out;
}

} // namespace walrock
