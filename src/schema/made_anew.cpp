#include "schema/made_anew.h"

#include <algorithm>

#include <fmt/format.h>

#include "schema/relation_change.h"
#include "schema/row_layout.h"
#include "schema/target_design.h"

namespace walrock {

namespace {

ColumnShape const* find(SourceShape const& shape, int attnum) {
  auto const found = std::find_if(shape.columns.begin(), shape.columns.end(),
                                  [&](ColumnShape const& c) { return c.attnum == attnum; });
  return found == shape.columns.end() ? nullptr : &*found;
}

bool has_name(SourceShape const& shape, std::string const& name) {
  return std::any_of(shape.columns.begin(), shape.columns.end(),
                     [&](ColumnShape const& c) { return c.name == name; });
}

bool is_changed(ColumnShape const& before, SourceColumn const& now) {
  return before.changed_xid != 0 && now.changed_xid != 0 && before.changed_xid != now.changed_xid;
}

// VACUUM FULL, CLUSTER and TRUNCATE give a table a new file, too, but leave its columns alone.
bool is_rewritten(SourceShape const& before, SourceTable const& now) {
  if (before.filenode == 0 || now.filenode == 0 || before.filenode == now.filenode)
    return false;
  return std::any_of(now.columns.begin(), now.columns.end(), [&](SourceColumn const& column) {
    ColumnShape const* const known = find(before, column.attnum);
    return known != nullptr && is_changed(*known, column);
  });
}

} // namespace

std::string rows_differ_because(SourceShape const& before, SourceTable const& now) {
  for (SourceColumn const& column : now.columns) {
    if (!column.is_sent)
      continue;
    ColumnShape const* const known = find(before, column.attnum);
    if (known != nullptr && known->name != column.name)
      return fmt::format("column {} was renamed to {}", known->name, column.name);
    if (known == nullptr && has_name(before, column.name))
      return fmt::format("column {} was dropped and added again", column.name);
  }
  return is_rewritten(before, now) ? "an ALTER TABLE has rewritten its rows" : "";
}

std::string change_unseen(SourceShape const& before, SourceTable const& now,
                          TargetTable const& target, TableOptions const& options,
                          bool suspects_rewrites) {
  if (std::string const why = rows_differ_because(before, now); !why.empty())
    return fmt::format("table {}: {}", to_string(now.name), why);
  Relation const described = relation_of(now);
  Relation known = described;
  // Earlier versions have not kept what was added while they ran.
  bool const is_of_earlier_version =
      before.filenode == 0 && std::all_of(before.columns.begin(), before.columns.end(),
                                          [](ColumnShape const& c) { return c.type_oid == 0; });
  std::erase_if(known.columns, [&](RelationColumn const& column) {
    return !has_name(before, column.name) &&
           !(is_of_earlier_version && target.column(column.name) != nullptr);
  });
  for (RelationColumn& column : known.columns)
    for (ColumnShape const& shape : before.columns)
      if (shape.name == column.name && shape.type_oid != 0) {
        column.type_oid = shape.type_oid;
        column.typmod = shape.typmod;
      }
  RelationChange const change =
      diff(known, described, now, target, before.filenode, options, suspects_rewrites);
  return change.kind == RelationChange::Kind::unsupported ? change.reason : "";
}

SourceShape without_rows(SourceShape before, SourceTable const& now) {
  before.filenode = 0;
  for (ColumnShape& column : before.columns)
    column.changed_xid = 0;
  for (ColumnShape const& column : now.shape().columns)
    if (find(before, column.attnum) == nullptr && !has_name(before, column.name))
      before.columns.push_back(column);
  return before;
}

bool has_same_columns(SourceShape const& a, SourceShape const& b) {
  return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](ColumnShape const& x, ColumnShape const& y) {
                      return x.attnum == y.attnum && x.name == y.name && x.type_oid == y.type_oid &&
                             x.typmod == y.typmod;
                    });
}

std::optional<NewDesign> design_anew(SourceTable const& now, TargetTable const& target,
                                     TableOptions const& options) {
  TargetTable design = target_table_for(now, target.name, options);
  if (design.model != target.model || design.is_hashed() != target.is_hashed())
    return std::nullopt;
  return NewDesign{std::move(design), now.shape()};
}

} // namespace walrock
