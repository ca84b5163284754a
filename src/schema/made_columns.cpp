#include "schema/made_columns.h"

#include <algorithm>

#include "model/made_column.h"
#include "schema/source_types.h"

namespace walrock {

namespace {

// Rows of more than 2 kB are what PostgreSQL makes smaller.
constexpr int kInline = 2000;

// May PostgreSQL store its values out of line, so that an UPDATE may leave them out?
bool may_be_unchanged(SourceColumn const& column) {
  if (!column.is_sent || column.type_kind == TypeKind::enum_)
    return false;
  switch (family_of(column)) {
  case Family::boolean:
  case Family::integer:
  case Family::float4:
  case Family::float8:
  case Family::date:
  case Family::timestamp:
  case Family::timestamptz: return false;
  case Family::numeric: return !numeric_shape(column.typmod);
  case Family::characters:
  case Family::bits: return column.typmod < 0 || column.typmod > kInline;
  case Family::text: {
    SourceType const* const type = find_source_type(column.type_oid);
    return type == nullptr || type->width == 0 || type->width > kInline;
  }
  case Family::bytea:
  case Family::json:
  case Family::array: return true;
  }
  return true;
}

} // namespace

std::vector<MadeColumn> made_columns(TableModel model, TableOptions const& options) {
  std::vector<MadeColumn> made = options.metadata_columns.value_or(std::vector<MadeColumn>());
  if (model != TableModel::primary)
    made.insert(made.end(), {MadeColumn::lsn, MadeColumn::index});
  if (model != TableModel::primary && options.is_history())
    made.insert(made.end(), {MadeColumn::commit_time, MadeColumn::operation});
  if (model == TableModel::primary && options.deletes == Deletes::soft)
    made.insert(made.end(), {MadeColumn::is_deleted, MadeColumn::deleted_at});
  std::sort(made.begin(), made.end());
  made.erase(std::unique(made.begin(), made.end()), made.end());
  return made;
}

TargetColumn made_target_column(MadeColumn made, bool is_nullable) {
  MadeColumnType const& known = made_column_type(made);
  TargetColumn column{std::string(known.name), std::string(known.type), is_nullable, std::nullopt,
                      std::string(known.comment)};
  // Rows that are there before it are not deleted.
  if (made == MadeColumn::is_deleted)
    column.default_text = "0";
  return column;
}

bool is_of_origin(TargetColumn const& column) {
  return column.name == kLsnColumn || column.name == kIndexColumn;
}

std::vector<TargetColumn> made_columns_lacking(TargetTable const& wanted,
                                               TargetTable const& existing) {
  auto lacking = existing.lacking(wanted.columns);
  std::erase_if(lacking, [](TargetColumn const& column) {
    return made_column_named(column.name) == MadeColumn::none;
  });
  for (TargetColumn& column : lacking)
    column.is_nullable = true;
  return lacking;
}

namespace {

// Those whose values may be left out of an UPDATE, but for some; with commas between.
std::string large_columns(SourceTable const& source, std::vector<std::string> const& but_for) {
  std::string out;
  for (SourceColumn const& column : source.columns)
    if (may_be_unchanged(column) &&
        std::find(but_for.begin(), but_for.end(), column.name) == but_for.end())
      out += (out.empty() ? "" : ", ") + column.name;
  return out;
}

} // namespace

std::vector<std::string> version_sentences(SourceTable const& source, TargetTable const& target,
                                           TableOptions const& options) {
  std::vector<std::string> out;
  std::string const table = to_string(source.name);
  if (target.model != TableModel::primary &&
      options.deletes.value_or(Deletes::hard) != Deletes::hard)
    out.push_back("deletes means nothing for " + table + ": its target only appends");
  if (source.identity == ReplicaIdentity::full)
    return out;
  std::string const cure = " Run: ALTER TABLE " + quote_pg(source.name) + " REPLICA IDENTITY FULL;";
  std::string const columns = large_columns(source, {});
  if (options.is_history() && !columns.empty())
    out.push_back("an UPDATE of " + table + " that leaves a large value as it is (" + columns +
                  ") does not carry it, and its version cannot be told: the table is set aside "
                  "then." +
                  cure);
  std::string const unsent = large_columns(source, source.identity_columns);
  if (!source.row_filter.empty() && !unsent.empty())
    out.push_back("an UPDATE that carries a row of " + table +
                  " into the publication's row filter does not carry a large value that it leaves "
                  "as it is (" +
                  unsent + "): the table is " +
                  (options.is_history() ? "set aside" : "copied again") + " then." + cure);
  return out;
}

} // namespace walrock
