#include "operate/selection.h"

#include <algorithm>

#include "config/table_matcher.h"
#include "postgres/partitions.h"
#include "postgres/publication.h"

namespace walrock {

std::vector<TableName> Selection::names() const {
  std::vector<TableName> out;
  for (ListedTable const& table : listed)
    out.push_back(table.name);
  return out;
}

std::vector<TableName> Selection::publishable_names() const {
  std::vector<TableName> out;
  for (SourceTable const& table : tables)
    if (is_publishable(table))
      out.push_back(table.name);
  return out;
}

bool is_named(JobSpec const& job, TableName const& table) {
  return std::any_of(job.source.tables.begin(), job.source.tables.end(),
                     [&](TablePattern const& pattern) { return pattern.plain == table; });
}

namespace {

void look_at_partitions(Connection& connection, std::vector<SourceTable>& tables) {
  std::vector<RelationId> roots;
  for (SourceTable const& table : tables)
    if (table.relkind == 'p')
      roots.push_back(table.id);
  auto const trees = read_partitions(connection, roots);
  for (SourceTable& table : tables)
    if (auto const tree = trees.find(table.id); tree != trees.end())
      table.partitions = tree->second.partitions;
}

} // namespace

Selection select_tables(Connection& connection, JobSpec const& job) {
  Selection out;
  TableMatcher const matcher(job);
  std::vector<TableName> existing;
  for (ListedTable& table : list_tables(connection)) {
    existing.push_back(table.name);
    if (!matcher.matches(table.name) || (table.is_partition && !is_named(job, table.name)))
      continue;
    if (!table.refusal().empty()) {
      out.refused.push_back(std::move(table));
      continue;
    }
    out.has_partitioned |= table.relkind == 'p';
    out.listed.push_back(std::move(table));
  }
  out.unmatched = matcher.validate(existing);
  out.tables = describe_tables(connection, out.names());
  keep_published(connection, job.source.publication_name, out.tables);
  look_at_partitions(connection, out.tables);
  return out;
}

} // namespace walrock
