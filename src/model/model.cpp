#include "model/source_table.h"
#include "model/target_table.h"

#include <algorithm>
#include <iterator>

#include "model/made_column.h"

namespace walrock {

SourceColumn const* SourceTable::column(std::string_view column_name) const {
  auto const found = std::find_if(columns.begin(), columns.end(),
                                  [&](SourceColumn const& c) { return c.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

std::vector<TargetColumn> TargetTable::lacking(std::vector<TargetColumn> const& wanted) const {
  std::vector<TargetColumn> out;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(out),
               [this](TargetColumn const& c) { return column(c.name) == nullptr; });
  return out;
}

std::string SourceTable::layout() const {
  std::string const out = shape_text(shape());
  return published_by.empty() ? out : with_published(out, published());
}

SourceShape SourceTable::shape() const {
  SourceShape out;
  out.filenode = filenode;
  for (SourceColumn const& column : columns)
    out.columns.push_back(
        {column.attnum, column.name, column.wire_type_oid, column.wire_typmod, column.changed_xid});
  return out;
}

Published SourceTable::published() const {
  Published out;
  out.by = published_by;
  out.filter = row_filter;
  out.state = publication;
  for (SourceColumn const& column : columns)
    (column.is_sent ? out.sent : out.unsent).push_back(column.attnum);
  return out;
}

bool TargetTable::is_hashed() const {
  return model == TableModel::primary &&
         key == std::vector<std::string>{kHashColumn, kLsnColumn, kIndexColumn};
}

TargetColumn const* TargetTable::column(std::string_view column_name) const {
  auto const found = std::find_if(columns.begin(), columns.end(),
                                  [&](TargetColumn const& c) { return c.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

} // namespace walrock
