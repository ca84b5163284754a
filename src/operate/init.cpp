#include "operate/init.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "config/table_matcher.h"
#include "config/table_pattern.h"
#include "config/values.h"
#include "operate/selection.h"
#include "postgres/catalog.h"
#include "schema/target_design.h"

namespace walrock {

namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const digit = [&](std::size_t at) {
      char const c = at < text.size() ? text[at] : '?';
      return c >= '0' && c <= '9'   ? c - '0'
             : c >= 'a' && c <= 'f' ? c - 'a' + 10
             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                    : -1;
    };
    if (text[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      out += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The part of text up to the first (or last) separator; text keeps what follows it.
std::optional<std::string_view> take_until(std::string_view& text, char separator, bool last) {
  std::size_t const at = last ? text.rfind(separator) : text.find(separator);
  if (at == std::string_view::npos)
    return std::nullopt;
  std::string_view const taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

} // namespace

ServerUrl parse_server_url(std::string_view text) {
  ServerUrl url;
  std::size_t const scheme = text.find("://");
  if (scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('?'));
  std::string_view authority = text.substr(0, text.find('/'));
  if (text.size() > authority.size())
    url.database = percent_decoded(text.substr(authority.size() + 1));
  if (auto login = take_until(authority, '@', true)) {
    std::string_view rest = *login;
    auto const username = take_until(rest, ':', false);
    url.username = percent_decoded(username ? *username : rest);
    if (username)
      url.password = Secret(percent_decoded(rest));
  }
  auto const address = parse_address(authority, 0);
  if (!address || address->host.empty())
    throw Error(
        ErrorCode::usage,
        fmt::format("expected scheme://user@host:port/database, found host \"{}\"", authority));
  url.host = address->host;
  url.port = address->port;
  return url;
}

namespace {

SourceAddress address_of(ServerUrl const& url) {
  SourceAddress address;
  address.hosts = {{url.host, url.port == 0 ? 5432 : url.port}};
  address.username = url.username;
  address.password = url.password;
  address.database = url.database;
  address.application_name = "walrock init";
  return address;
}

std::vector<TablePattern> patterns_of(InitRequest const& request) {
  std::vector<TablePattern> patterns;
  for (std::string const& text : request.tables) {
    std::string problem;
    auto pattern = parse_pattern(text, {"public", request.source.database}, problem);
    if (!pattern)
      throw Error(ErrorCode::usage, fmt::format("--tables: \"{}\" {}", text, problem));
    patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

} // namespace

std::vector<InitTable> ask_tables(InitRequest const& request) {
  TableMatcher const matcher(patterns_of(request), {});
  Connection source(address_of(request.source), ConnectionKind::sql);
  std::vector<InitTable> tables;
  std::vector<TableName> names;
  for (ListedTable const& listed : list_tables(source)) {
    bool const is_wanted = request.tables.empty() || matcher.matches(listed.name);
    if (!is_wanted || listed.is_partition || listed.relkind == 'v' || listed.relkind == 'm')
      continue;
    tables.push_back({listed.name, listed.row_estimate, listed.byte_count, listed.refusal()});
    names.push_back(listed.name);
  }
  if (tables.empty())
    throw Error(ErrorCode::table_not_found,
                fmt::format("database {} has no table{}", request.source.database,
                            request.tables.empty() ? "" : " that --tables selects"));
  for (SourceTable const& described : describe_tables(source, names)) {
    auto const table = std::find_if(tables.begin(), tables.end(), [&](InitTable const& candidate) {
      return candidate.name == described.name;
    });
    if (!is_publishable(described) && table != tables.end() && table->problem.empty()) {
      Advice const advice = unpublishable_advice(described);
      table->problem = advice.message + ". " + advice.sql;
    }
  }
  for (TableRights const& rights : read_table_rights(source, names))
    if (auto const table =
            std::find_if(tables.begin(), tables.end(),
                         [&](InitTable const& candidate) { return candidate.name == rights.name; });
        !rights.can_select && table != tables.end() && table->problem.empty())
      table->problem = fmt::format("{} may not read it. GRANT SELECT ON TABLE {} TO {};",
                                   request.source.username, quote_pg(rights.name),
                                   quote_pg(request.source.username));
  return tables;
}

namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A scalar of YAML that reads as this text, also in walrock's own ${...}.
std::string yaml_text(std::string_view text) {
  std::string escaped;
  for (char const c : text)
    escaped += c == '$' ? "$$" : c == '\'' ? "''" : std::string(1, c);
  bool const is_plain =
      !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
      std::all_of(text.begin(), text.end(),
                  [](char c) { return is_word_byte(c) || c == '.' || c == '-' || c == '/'; }) &&
      text[0] != '-' && !parse_boolean(text) && text != "null";
  return is_plain ? escaped : "'" + escaped + "'";
}

// As table-name reads it: a name of other than plain characters in double quotes.
std::string pattern_text(TableName const& name) {
  auto const part = [](std::string const& text) {
    bool const is_plain = std::all_of(text.begin(), text.end(), is_word_byte);
    return is_plain ? text : "\"" + text + "\"";
  };
  return part(name.namespace_name) + "." + part(name.table_name);
}

std::string id_of(std::string_view database) {
  std::string id;
  for (char const c : database)
    id += is_word_byte(c) ? c : '_';
  return id.empty() ? "job" : id.substr(0, 40);
}

std::string size_comment(InitTable const& table) {
  std::string const rows =
      table.row_estimate < 0 ? "" : fmt::format("about {} rows, ", table.row_estimate);
  return fmt::format("{}{} kB", rows, (table.byte_count + 1023) / 1024);
}

// What stands in a comment must not end it.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string table_list(std::vector<InitTable> const& tables) {
  std::string out;
  for (InitTable const& table : tables) {
    std::string const line = one_line("- " + yaml_text(pattern_text(table.name)));
    if (table.problem.empty())
      out += fmt::format("      {}  # {}\n", line, size_comment(table));
    else
      out += fmt::format("      # {}\n      #   {}\n", line, one_line(table.problem));
  }
  return out;
}

// Two tables of one name in two namespaces cannot both go to a target of that name.
bool have_twins(std::vector<InitTable> const& tables) {
  std::vector<std::string> names;
  for (InitTable const& table : tables)
    if (table.problem.empty())
      names.push_back(table.name.table_name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

std::string host_text(std::string const& host, int port) {
  return to_string(HostPort{host, port});
}

constexpr char kFile[] = R"(# A job of walrock: PostgreSQL, copied to StarRocks and followed.
#
#   walrock check FILE     says what would go wrong and how to fix it
#   walrock plan FILE      shows what would be made on both sides
#   walrock run FILE       runs it
#
# Every key: `walrock reference keys`. ${{NAME}} is an environment variable, ${{file:PATH}} a file.

job:
  id: {id}  # names slot, publication, checkpoint and labels: do not change it later

source:
  type: postgres-cdc
  postgres-cdc:
    hostname: {source_host}
    port: {source_port}
    username: {source_user}
    password: {source_password}
    database-name: {source_database}
    table-name:  # names, public.*, or regular expressions
{tables}    scan.startup.mode: initial  # copy what is there, then follow; latest-offset: only follow
    # slot.name: walrock_{slot}
    # tls.mode: prefer  # disable, require, verify-ca, verify-full

sink:
  type: starrocks
  starrocks:
    fe-nodes: {fe_nodes}  # HTTP addresses of frontends, separated by commas
    mysql-port: {mysql_port}
    username: {target_user}
    password: ${{STARROCKS_PASSWORD:-}}
    database: {target_database}
{target_table}    sink.semantic: exactly-once
    existing-rows: fail  # what to do with rows that are there at the first start: truncate, keep, swap

schema-sync:
  enable: true
  auto-create-table: true  # PRIMARY KEY tables are made where there are none

# walrock:
#   freshness: 1s  # from commit in PostgreSQL to visible in StarRocks
#   memory: 256MB  # of the whole process
#   http: 127.0.0.1:8081  # status API
#   checkpoint: .walrock/{id}  # what must not be forgotten
)";

} // namespace

std::string job_file_text(InitRequest const& request, std::vector<InitTable> const& tables) {
  using namespace fmt::literals;
  std::string const id = id_of(request.source.database);
  std::string slot = id;
  std::transform(slot.begin(), slot.end(), slot.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string const& target_database =
      request.target.database.empty() ? request.source.database : request.target.database;
  return fmt::format(
      kFile, "id"_a = yaml_text(id), "slot"_a = slot,
      "source_host"_a = yaml_text(request.source.host),
      "source_port"_a = request.source.port == 0 ? 5432 : request.source.port,
      "source_user"_a = yaml_text(request.source.username),
      "source_password"_a = request.source.password.empty() ? "${PGPASSWORD:-}" : "${PGPASSWORD}",
      "source_database"_a = yaml_text(request.source.database), "tables"_a = table_list(tables),
      "fe_nodes"_a = yaml_text(
          host_text(request.target.host, request.target.port == 0 ? 8030 : request.target.port)),
      "mysql_port"_a = request.mysql_port,
      "target_user"_a =
          yaml_text(request.target.username.empty() ? "root" : request.target.username),
      "target_database"_a = yaml_text(target_database),
      "target_table"_a = have_twins(tables) ? "    table: '{schema}_{table}'\n" : "");
}

} // namespace walrock
