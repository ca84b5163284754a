#include "schema/row_layout.h"

#include <algorithm>

#include "base/error.h"
#include "schema/ddl.h"
#include "schema/made_columns.h"
#include "schema/type_map.h"
#include "schema/value_policy.h"

namespace walrock {

Relation relation_of(SourceTable const& source) {
  Relation relation{source.id, source.name, source.identity, {}};
  bool const is_full = source.identity == ReplicaIdentity::full;
  auto const& key = source.identity_columns;
  for (SourceColumn const& column : source.columns) {
    if (!column.is_sent)
      continue;
    bool const is_key = is_full || std::find(key.begin(), key.end(), column.name) != key.end();
    relation.columns.push_back({column.name, column.wire_type_oid, column.wire_typmod, is_key});
  }
  return relation;
}

namespace {

// The catalog is asked now, the relation may be older: of the catalog only what it says about this
// very type is used.
SourceColumn described(RelationColumn const& column, SourceTable const& source) {
  SourceColumn const* known = source.column(column.name);
  if (known == nullptr || known->wire_type_oid != column.type_oid)
    return describe_column(column);
  SourceColumn out = *known;
  if (out.type_oid == column.type_oid)
    out.typmod = column.typmod;
  return out;
}

int index_of(Relation const& relation, std::string_view name) {
  for (std::size_t i = 0; i < relation.columns.size(); ++i)
    if (relation.columns[i].name == name)
      return static_cast<int>(i);
  return -1;
}

Error mismatch(TargetTable const& target, std::string const& column, std::string const& what) {
  return Error(ErrorCode::target_table_mismatch,
               "column " + column + " of target table " + to_string(target.name) + " " + what);
}

ColumnPlan plan_column(TargetTable const& target, TargetColumn const& column,
                       SourceColumn const& source, int source_index, bool is_key,
                       TableOptions const& options) {
  TargetType const type = parse_target_type(column.type);
  Fit const fits = fit(source, type);
  if (fits.kind == Fit::Kind::refused)
    throw mismatch(target, column.name,
                   "is " + to_string(type) + ", in the source " + source.declared_type + ": " +
                       fits.why);
  ColumnPlan plan;
  plan.source_index = source_index;
  plan.name = column.name;
  plan.type = to_string(type);
  plan.conversion = fits.conversion;
  plan.element = fits.element;
  plan.policy = encoding_policy(source, options, is_key, column.is_nullable);
  plan.is_cuttable = is_cuttable(source);
  plan.is_key = is_key;
  plan.is_nullable = column.is_nullable;
  plan.zero = zero_value(type);
  return plan;
}

void refuse_missing(Relation const& relation, SourceTable const& source, TargetTable const& target,
                    TableOptions const& options) {
  for (RelationColumn const& column : relation.columns)
    if (target.column(column.name) == nullptr) {
      SourceColumn const known = described(column, source);
      TargetColumn const wanted{column.name, to_string(default_type(known, options, false)), true,
                                std::nullopt, ""};
      throw mismatch(target, column.name, "is missing, in the source it is " + known.declared_type)
          .set_advice("Run in StarRocks: " + add_column_sql(target.name, wanted) + ";");
    }
}

// A column of this name that the source has is the source's.
MadeColumn made_column(TargetColumn const& column, TargetTable const& target,
                       std::vector<MadeColumn> const& filled) {
  MadeColumn const made = made_column_named(column.name);
  if (target.is_hashed() &&
      std::find(target.key.begin(), target.key.end(), column.name) != target.key.end())
    return made;
  return std::find(filled.begin(), filled.end(), made) == filled.end() ? MadeColumn::none : made;
}

ColumnPlan plan_made(MadeColumn made, TargetColumn const& column) {
  TargetType const type = parse_target_type(column.type);
  ColumnPlan plan;
  plan.name = column.name;
  plan.type = to_string(type);
  plan.is_nullable = column.is_nullable;
  plan.zero = zero_value(type);
  plan.made = made;
  return plan;
}

} // namespace

TablePlan plan_for(Relation const& relation, SourceTable const& source, TargetTable const& target,
                   MissingColumns missing, TableOptions const& options) {
  if (missing == MissingColumns::refuse)
    refuse_missing(relation, source, target, options);
  TablePlan plan;
  plan.relation = relation;
  plan.target = target.name;
  plan.model = target.model;
  plan.is_utc = options.is_utc();
  plan.is_unencoded = source.is_unencoded;
  std::vector<MadeColumn> const filled = made_columns(target.model, options);
  for (TargetColumn const& column : target.columns) {
    bool const is_key =
        target.model == TableModel::primary &&
        std::find(target.key.begin(), target.key.end(), column.name) != target.key.end();
    int const source_index = index_of(relation, column.name);
    if (source_index >= 0) {
      RelationColumn const& from = relation.columns[static_cast<std::size_t>(source_index)];
      plan.columns.push_back(
          plan_column(target, column, described(from, source), source_index, is_key, options));
      plan.key_count += is_key;
    } else if (MadeColumn const made = made_column(column, target, filled);
               made != MadeColumn::none) {
      plan.columns.push_back(plan_made(made, column));
      plan.columns.back().is_key = is_key;
      plan.key_count += is_key;
    } else if (is_key) {
      throw mismatch(target, column.name, "is part of its key, but the source has no such column");
    }
  }
  return plan;
}

} // namespace walrock
