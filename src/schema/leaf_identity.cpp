#include "schema/leaf_identity.h"

#include <algorithm>

#include <fmt/format.h>

namespace walrock {

namespace {

constexpr std::size_t kMostNamed = 20; // in one message

bool is_within(std::vector<std::string> const& some, std::vector<std::string> const& all) {
  return std::all_of(some.begin(), some.end(), [&all](std::string const& name) {
    return std::find(all.begin(), all.end(), name) != all.end();
  });
}

// Without any identity it has no updates and deletes: PostgreSQL refuses them.
bool tells(Partition const& leaf, NeededIdentity const& needed) {
  if (leaf.identity == ReplicaIdentity::nothing || leaf.identity == ReplicaIdentity::full ||
      leaf.identity_columns.empty())
    return true;
  return !needed.is_whole && is_within(needed.columns, leaf.identity_columns);
}

bool is_leaf(Partition const& partition) {
  return partition.relkind == 'r';
}

// Every partition has the root's primary key, but may have it deferrable only with the root.
bool is_default_enough(SourceTable const& root, std::vector<std::string> const& columns) {
  return !root.has_deferrable_key && !root.primary_key.empty() &&
         is_within(columns, root.primary_key);
}

std::string names_of(std::vector<Partition const*> const& leaves) {
  std::string out = to_string(leaves.front()->name);
  if (leaves.size() > 1)
    out += fmt::format(" and {} more", leaves.size() - 1);
  return out;
}

std::string sql_for(std::vector<Partition const*> const& leaves, bool is_default) {
  std::string out;
  for (std::size_t i = 0; i < std::min(leaves.size(), kMostNamed); ++i)
    out += fmt::format("{}ALTER TABLE {} REPLICA IDENTITY {};", out.empty() ? "" : " ",
                       quote_pg(leaves[i]->name), is_default ? "DEFAULT" : "FULL");
  return out + (leaves.size() > kMostNamed ? " and so on" : "");
}

} // namespace

NeededIdentity needed_identity(SourceTable const& root, TargetTable const& target,
                               TableOptions const& options) {
  NeededIdentity out;
  if (target.is_hashed()) {
    out.is_whole = true;
  } else if (target.model == TableModel::primary) {
    out.columns = target.key;
  } else if (options.is_history()) { // its versions are as whole as the root says
    out.is_whole = root.identity == ReplicaIdentity::full;
    out.columns = root.identity_columns;
  }
  out.is_default = !out.is_whole && is_default_enough(root, out.columns);
  return out;
}

std::optional<Advice> identity_fault(NeededIdentity const& needed,
                                     std::span<Partition const> partitions) {
  std::vector<Partition const*> silent;
  for (Partition const& partition : partitions)
    if (is_leaf(partition) && !tells(partition, needed))
      silent.push_back(&partition);
  if (silent.empty())
    return std::nullopt;
  std::string const what =
      needed.is_whole ? "the whole row" : fmt::format("({})", fmt::join(needed.columns, ", "));
  return Advice{fmt::format("updates and deletes of its partition {} do not carry {}: what counts "
                            "is the partition's own replica identity",
                            names_of(silent), what),
                sql_for(silent, needed.is_default)};
}

std::optional<Advice> identity_lack(SourceTable const& root) {
  std::vector<Partition const*> without;
  for (Partition const& partition : root.partitions)
    if (is_leaf(partition) && partition.identity_columns.empty() &&
        (partition.identity == ReplicaIdentity::default_ ||
         partition.identity == ReplicaIdentity::index))
      without.push_back(&partition);
  if (without.empty() || root.identity == ReplicaIdentity::nothing)
    return std::nullopt;
  return Advice{fmt::format("has no replica identity in its partition {}, so it is set aside: once "
                            "it is published, PostgreSQL would refuse updates and deletes there",
                            names_of(without)),
                sql_for(without, is_default_enough(root, root.primary_key))};
}

Partition partition_of(Relation const& relation, NeededIdentity const& needed) {
  Partition out;
  out.oid = relation.id.oid;
  out.name = relation.name;
  out.identity = relation.identity;
  out.identity_columns = needed.columns;
  for (RelationColumn const& column : relation.columns) {
    std::erase(out.identity_columns, column.name);
    if (column.is_key)
      out.identity_columns.push_back(column.name);
  }
  return out;
}

std::string then_copy_anew(std::string const& sql) {
  return fmt::format(
      "Run: {} Then drop the target table, if it is there, and start again: it is copied anew.",
      sql);
}

} // namespace walrock
