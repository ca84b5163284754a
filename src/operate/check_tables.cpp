// The source's tables: which ones, rights, publication, and how they would look in StarRocks.
#include <algorithm>

#include <fmt/format.h>

#include "config/table_rules.h"
#include "operate/check_parts.h"
#include "schema/leaf_identity.h"
#include "schema/made_columns.h"
#include "schema/source_types.h"
#include "schema/target_design.h"
#include "schema/type_map.h"
#include "schema/value_policy.h"

namespace walrock {

namespace {

std::string joined(std::vector<TableName> const& names, std::string (*spell)(TableName const&)) {
  std::string out;
  for (TableName const& name : names)
    out += (out.empty() ? "" : ", ") + spell(name);
  return out;
}

std::string plain(TableName const& name) {
  return to_string(name);
}
std::string quoted(TableName const& name) {
  return quote_pg(name);
}

std::string tables_text(std::vector<TableName> const& names) {
  return names.size() == 1 ? plain(names.front())
                           : fmt::format("{} tables ({})", names.size(), joined(names, plain));
}

std::string grant_select(std::vector<TableName> const& names, std::string const& role) {
  std::vector<std::string> namespaces;
  for (TableName const& name : names)
    namespaces.push_back(quote_pg(name.namespace_name));
  std::sort(namespaces.begin(), namespaces.end());
  namespaces.erase(std::unique(namespaces.begin(), namespaces.end()), namespaces.end());
  return fmt::format("GRANT USAGE ON SCHEMA {} TO {}; GRANT SELECT ON TABLE {} TO {};",
                     fmt::join(namespaces, ", "), quote_pg(role), joined(names, quoted),
                     quote_pg(role));
}

void check_new_publication(Connection& source, JobSpec const& job, Selection const& selection,
                           Findings& findings) {
  std::vector<TableName> const names = selection.publishable_names();
  std::string const sql =
      create_publication_sql(job.source.publication_name, names, selection.has_partitioned,
                             source.server_version()) +
      ";";
  if (!job.source.auto_create_publication) {
    findings.add(Severity::error, "publication",
                 fmt::format("publication {} does not exist", job.source.publication_name), sql,
                 "publication_missing");
    return;
  }
  RoleRights const rights = read_role_rights(source);
  if (rights.is_superuser)
    return;
  if (!rights.can_create_in_database)
    findings.add(Severity::error, "publication",
                 fmt::format("role {} may not create a publication in database {}", rights.role,
                             source.database()),
                 fmt::format("GRANT CREATE ON DATABASE {} TO {};", quote_pg(source.database()),
                             quote_pg(rights.role)),
                 "publication_denied");
  std::vector<TableName> foreign;
  for (TableRights const& table : read_table_rights(source, names))
    if (!table.is_owner)
      foreign.push_back(table.name);
  if (!foreign.empty())
    findings.add(Severity::error, "publication",
                 fmt::format("role {} does not own {}, and only an owner may publish a table",
                             rights.role, tables_text(foreign)),
                 fmt::format("as a superuser: {}  (or make {} the owner: ALTER TABLE {} OWNER TO "
                             "{};)",
                             sql, rights.role, quoted(foreign.front()), quote_pg(rights.role)),
                 "publication_denied");
}

void check_members(Publication const& publication, Selection const& selection, Findings& findings) {
  std::vector<TableName> const names = selection.names();
  for (PublishedTable const& member : publication.members) {
    if (std::find(names.begin(), names.end(), member.name) == names.end())
      continue;
    std::string const fix =
        fmt::format("ALTER PUBLICATION {0} DROP TABLE {1}; ALTER PUBLICATION {0} ADD TABLE {1};",
                    quote_pg(publication.name), quoted(member.name));
    if (member.has_row_filter)
      findings.add(
          Severity::warning, plain(member.name),
          fmt::format("publication {} has a row filter on it: the target has only the rows "
                      "that pass",
                      publication.name),
          fix);
    if (member.has_column_list)
      findings.add(Severity::warning, plain(member.name),
                   fmt::format("publication {} has a column list on it: the target has only these "
                               "columns",
                               publication.name),
                   fix);
  }
}

void check_old_publication(Connection& source, Publication const& publication,
                           Selection const& selection, Findings& findings) {
  std::string const name = quote_pg(publication.name);
  if (std::string const lacking = publication.missing_operations(); !lacking.empty())
    findings.add(lacking == "truncate" ? Severity::warning : Severity::error, "publication",
                 fmt::format("publication {} does not publish {}", publication.name, lacking),
                 fmt::format("ALTER PUBLICATION {} SET (publish = 'insert, update, delete, "
                             "truncate');",
                             name));
  if (selection.has_partitioned && !publication.is_via_root && source.server_version() >= 130000)
    findings.add(
        Severity::error, "publication",
        fmt::format("publication {} publishes partitions under their own names", publication.name),
        fmt::format("ALTER PUBLICATION {} SET (publish_via_partition_root = true);", name));
  std::vector<TableName> absent;
  std::vector<TableName> foreign;
  for (TableRights const& table : read_table_rights(source, selection.publishable_names())) {
    if (publication.covers(table.name))
      continue;
    absent.push_back(table.name);
    if (!table.is_owner)
      foreign.push_back(table.name);
  }
  if (!absent.empty() && (!publication.is_owner || !foreign.empty()))
    findings.add(Severity::error, "publication",
                 fmt::format("publication {} lacks {}, and adding needs the owner {} of the "
                             "publication who also owns the tables",
                             publication.name, tables_text(absent), publication.owner),
                 add_tables_sql(publication.name, absent) + ";", "publication_denied");
  else if (!absent.empty())
    findings.add(
        Severity::note, "publication",
        fmt::format("walrock adds {} to publication {}", tables_text(absent), publication.name));
  check_members(publication, selection, findings);
}

// "public.t has no key" -> "has no key": the finding's place names the table already.
std::string without_name(std::string const& message, TableName const& name) {
  std::string const prefix = plain(name) + " ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

// Those that a column list leaves out are said of the publication.
void add_unsent(std::string const& name, SourceColumn const& column, Findings& findings) {
  if (column.generated == 's')
    findings.add(Severity::note, name,
                 "is a generated column that the publication does not send, so it is not copied "
                 "(from PostgreSQL 18 on: publish_generated_columns = stored)");
  if (column.generated == 'v')
    findings.add(Severity::note, name,
                 "is a virtual generated column, which PostgreSQL does not send, so it is not "
                 "copied");
}

// What people stumble over: the text of a value arrives, not the value.
void check_types(SourceTable const& table, TableOptions const& options, Findings& findings) {
  for (SourceColumn const& column : table.columns) {
    std::string const name = plain(table.name) + "." + column.name;
    if (!column.is_sent) {
      add_unsent(name, column, findings);
      continue;
    }
    bool const is_text = map_type(column).type.is_string();
    if (!is_text || options.column_types.contains(column.name))
      continue;
    if (family_of(column) == Family::numeric)
      findings.add(Severity::note, name,
                   fmt::format("{} has no bound that DECIMAL could hold: it becomes {}, exactly as "
                               "printed",
                               column.declared_type, to_string(map_type(column).type)),
                   fmt::format("tables.{}.column-types: {{{}: \"DECIMAL(38,9)\"}} -- if every "
                               "value fits",
                               plain(table.name), column.name));
    else if (std::string sentence = fallback_sentence(column); !sentence.empty())
      findings.add(Severity::warning, name, std::move(sentence));
  }
}

} // namespace

void check_selection(Connection& source, JobSpec const& job, Selection const& selection,
                     Findings& findings) {
  for (std::string const& sentence : selection.unmatched)
    findings.add(Severity::error, "job file", sentence, "correct table-name", "table_not_found");
  for (ListedTable const& table : selection.refused) {
    bool const is_asked_for = is_named(job, table.name);
    findings.add(
        is_asked_for ? Severity::error : Severity::note, plain(table.name),
        table.refusal() + (is_asked_for ? "; it cannot be replicated" : "; it is left out"),
        is_asked_for ? "take it out of table-name" : "", is_asked_for ? "table_not_found" : "");
  }
  if (selection.listed.empty() && selection.unmatched.empty())
    findings.add(Severity::error, "job file", "table-name selects no table that can be replicated",
                 "correct table-name", "table_not_found");
  std::vector<TableName> unreadable;
  std::vector<TableName> filtered;
  for (TableRights const& table : read_table_rights(source, selection.names())) {
    if (!table.can_select)
      unreadable.push_back(table.name);
    if (table.is_row_filtered)
      filtered.push_back(table.name);
  }
  std::string const role = read_role_rights(source).role;
  if (!unreadable.empty())
    findings.add(Severity::error, "source",
                 fmt::format("role {} may not read {}", role, tables_text(unreadable)),
                 grant_select(unreadable, role), "source_permission_denied");
  if (!filtered.empty())
    findings.add(Severity::error, "source",
                 fmt::format("row level security hides rows of {} from role {}: the copy would be "
                             "incomplete",
                             tables_text(filtered), role),
                 fmt::format("ALTER ROLE {} BYPASSRLS;", quote_pg(role)),
                 "source_permission_denied");
}

void check_publication(Connection& source, JobSpec const& job, Selection const& selection,
                       Findings& findings) {
  if (selection.publishable_names().empty())
    return;
  auto const publication = find_publication(source, job.source.publication_name);
  if (publication)
    check_old_publication(source, *publication, selection, findings);
  else
    check_new_publication(source, job, selection, findings);
}

void check_design(JobSpec const& job, SourceTable const& table, Findings& findings) {
  TableOptions const options = options_for(job, table.name);
  if (!is_publishable(table)) {
    Advice const advice = unpublishable_advice(table);
    findings.add(Severity::error, plain(table.name), advice.message, advice.sql,
                 "primary_key_missing");
    return;
  }
  if (table.is_identity_unsent)
    findings.add(Severity::error, plain(table.name),
                 "PostgreSQL refuses updates and deletes of it as long as it is published: its "
                 "replica identity has a generated column that is not",
                 unpublishable_advice(table).sql);
  if (auto const advice = key_advice(table, options))
    findings.add(Severity::warning, plain(table.name), without_name(advice->message, table.name),
                 advice->sql);
  TargetTable const target = target_table_for(table, target_for(job, table.name), options);
  if (auto const fault = identity_fault(needed_identity(table, target, options), table.partitions))
    findings.add(Severity::error, plain(table.name), fault->message, fault->sql,
                 "replica_identity_missing");
  check_types(table, options, findings);
  for (std::string& sentence : version_sentences(table, target, options))
    findings.add(Severity::warning, plain(table.name), std::move(sentence));
  for (std::string& sentence : policy_sentences(table, target, options))
    findings.add(Severity::note, plain(table.name), std::move(sentence));
}

} // namespace walrock
