#include "operate/grants.h"

#include <algorithm>

#include "config/values.h"

namespace walrock {

namespace {

// "GRANT SELECT, INSERT ON ALL TABLES IN DATABASE demo TO USER 'u'@'%'", in its three parts.
struct Grant {
  std::vector<std::string> rights;
  std::string_view scope;
};

Grant parse_grant(std::string_view line) {
  Grant grant;
  std::size_t const on = line.find(" ON ");
  if (!line.starts_with("GRANT ") || on == std::string_view::npos)
    return grant;
  grant.rights = split_list(line.substr(6, on - 6), ",");
  grant.scope = line.substr(on + 4);
  std::size_t const to = grant.scope.rfind(" TO ");
  grant.scope = grant.scope.substr(0, to);
  return grant;
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    bool const begins = at == 0 || !is_word_byte(text[at - 1]);
    bool const ends = at + word.size() == text.size() || !is_word_byte(text[at + word.size()]);
    if (begins && ends)
      return true;
  }
  return false;
}

bool covers_all(std::string_view scope) {
  return has_word(scope, "ALL DATABASES") || scope.find("*.*") != std::string_view::npos;
}

bool covers(std::string_view scope, std::string_view database) {
  return covers_all(scope) || has_word(scope, database);
}

bool covers(std::string_view scope, TargetName const& table) {
  return covers_all(scope) || (has_word(scope, table.database) &&
                               (has_word(scope, "ALL TABLES") || has_word(scope, table.table) ||
                                scope.find(".*") != std::string_view::npos));
}

template <typename Scope>
std::vector<std::string> rights_missing_on(Scope const& wanted_scope,
                                           std::span<std::string const> grants,
                                           std::span<std::string const> wanted) {
  std::vector<std::string> missing(wanted.begin(), wanted.end());
  for (std::string const& line : grants) {
    for (std::string const& role : granted_roles(line))
      if (role == "root" || role == "db_admin")
        return {};
    Grant const grant = parse_grant(line);
    if (!covers(grant.scope, wanted_scope))
      continue;
    std::erase_if(missing, [&](std::string const& right) {
      return std::any_of(grant.rights.begin(), grant.rights.end(), [&](std::string const& granted) {
        return granted == right || granted == "ALL" || granted == "ALL PRIVILEGES";
      });
    });
  }
  return missing;
}

} // namespace

std::vector<std::string> granted_roles(std::string_view grant) {
  std::vector<std::string> roles;
  std::size_t const to = grant.find(" TO ");
  if (!grant.starts_with("GRANT '") || to == std::string_view::npos)
    return roles;
  for (std::string const& role : split_list(grant.substr(6, to - 6), ","))
    if (role.size() > 2 && role.front() == '\'' && role.back() == '\'')
      roles.push_back(role.substr(1, role.size() - 2));
  return roles;
}

std::vector<std::string> missing_rights(std::span<std::string const> grants,
                                        std::string_view database,
                                        std::span<std::string const> wanted) {
  return rights_missing_on(database, grants, wanted);
}

std::vector<std::string> missing_table_rights(std::span<std::string const> grants,
                                              TargetName const& table,
                                              std::span<std::string const> wanted) {
  return rights_missing_on(table, grants, wanted);
}

} // namespace walrock
