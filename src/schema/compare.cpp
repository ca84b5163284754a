#include "schema/compare.h"

#include <algorithm>
#include <set>

#include "model/table_plan.h"
#include "schema/ddl.h"
#include "schema/type_map.h"

namespace walrock {

namespace {

bool equal_but_for_case(std::string_view a, std::string_view b) {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view model_name(TableModel model) {
  switch (model) {
  case TableModel::primary: return "PRIMARY KEY";
  case TableModel::unique: return "UNIQUE KEY";
  case TableModel::duplicate: return "DUPLICATE KEY";
  case TableModel::aggregate: return "AGGREGATE KEY";
  }
  return "";
}

std::string joined(std::vector<std::string> const& names) {
  std::string out;
  for (std::string const& name : names)
    out += (out.empty() ? "" : ", ") + name;
  return "(" + out + ")";
}

class Comparison {
public:
  Comparison(SourceTable const& source, TargetTable const& wanted, TargetTable const& existing)
      : source_(source), wanted_(wanted), existing_(existing) {}

  std::vector<Mismatch> run() {
    check_model();
    check_key();
    for (TargetColumn const& column : wanted_.columns)
      check_column(column);
    for (TargetColumn const& column : existing_.columns)
      check_extra_column(column);
    return std::move(mismatches_);
  }

private:
  // What no ALTER can do.
  std::string make_anew() const {
    return "move it away and let walrock create it: " +
           rename_table_sql(existing_.name, existing_.name.table + "_old") +
           "; or drop it: " + drop_table_sql(existing_.name) + ";";
  }

  void check_model() {
    if (existing_.model == wanted_.model)
      return;
    std::string const why = wanted_.model == TableModel::primary
                                ? ", which ignores deletes silently; it must be PRIMARY KEY"
                                : ", but its source has no key, or the job says history; it must "
                                  "be DUPLICATE KEY";
    mismatches_.push_back({"", "", "",
                           "is a " + std::string(model_name(existing_.model)) + " table" + why,
                           make_anew()});
  }

  // In any order: a key says which columns identify a row, the order only how rows are stored.
  void check_key() {
    std::set<std::string> const existing(existing_.key.begin(), existing_.key.end());
    std::set<std::string> const wanted(wanted_.key.begin(), wanted_.key.end());
    bool const is_same = wanted_.is_hashed() ? existing_.is_hashed() : existing == wanted;
    if (existing_.model != wanted_.model || wanted_.model != TableModel::primary || is_same)
      return;
    std::string const why =
        wanted_.is_hashed() ? ", its source has none, and walrock's own is " : ", its source ";
    mismatches_.push_back({"", "", "",
                           "has the key " + joined(existing_.key) + why + joined(wanted_.key),
                           make_anew()});
  }

  void check_column(TargetColumn const& wanted) {
    SourceColumn const* source = source_.column(wanted.name);
    if (source == nullptr)
      return check_made_column(wanted);
    TargetColumn const* existing = existing_.column(wanted.name);
    if (existing == nullptr)
      return missing(wanted, *source);
    TargetType const type = parse_target_type(existing->type);
    check_null(wanted, *source, *existing);
    // Only a zone of which an hour comes twice makes the wanted type a text.
    if (is_key(wanted.name) && type.kind == TargetType::Kind::datetime &&
        parse_target_type(wanted.type).is_string()) {
      mismatches_.push_back({wanted.name, source->declared_type, to_string(type),
                             "two moments of the source could be one key in the job's time-zone",
                             make_anew()});
      return;
    }
    Fit const fits = fit(*source, type);
    if (fits.kind == Fit::Kind::exact)
      return;
    mismatches_.push_back({wanted.name, source->declared_type, to_string(type), fits.why,
                           widening(wanted, *existing, type), fits.kind == Fit::Kind::risky});
  }

  // A table may lack it: it is added, or the table is loaded without.
  void check_made_column(TargetColumn const& wanted) {
    TargetColumn const* existing = existing_.column(wanted.name);
    if (existing != nullptr &&
        parse_target_type(existing->type).kind != parse_target_type(wanted.type).kind)
      mismatches_.push_back({wanted.name, "", normalise_type(existing->type),
                             "is a column that walrock fills itself, as " + wanted.type,
                             make_anew()});
  }

  void check_null(TargetColumn const& wanted, SourceColumn const& source,
                  TargetColumn const& existing) {
    if (existing.is_nullable || source.is_not_null || is_key(wanted.name))
      return;
    mismatches_.push_back({wanted.name, source.declared_type, normalise_type(existing.type),
                           "takes no NULL, the source may have some", nullable_sql(existing),
                           true});
  }

  std::string nullable_sql(TargetColumn column) const {
    column.type = normalise_type(column.type);
    column.is_nullable = true;
    return modify_column_sql(existing_.name, column) + ";";
  }

  void missing(TargetColumn const& wanted, SourceColumn const& source) {
    for (TargetColumn const& column : existing_.columns)
      if (equal_but_for_case(column.name, wanted.name)) {
        mismatches_.push_back({wanted.name, source.declared_type, normalise_type(column.type),
                               "is spelled " + column.name + " in the target",
                               "ALTER TABLE " + quote_starrocks(existing_.name) +
                                   " RENAME COLUMN " + quote_starrocks(column.name) + " TO " +
                                   quote_starrocks(wanted.name) + ";"});
        return;
      }
    mismatches_.push_back(
        {wanted.name, source.declared_type, "", "is missing in the target",
         is_key(wanted.name) ? make_anew() : add_column_sql(existing_.name, wanted) + ";"});
  }

  bool is_key(std::string const& column) const {
    return std::find(existing_.key.begin(), existing_.key.end(), column) != existing_.key.end() ||
           std::find(wanted_.key.begin(), wanted_.key.end(), column) != wanted_.key.end();
  }

  // The type that walrock would have chosen, where ALTER can reach it. Default and comment are
  // repeated, as StarRocks demands.
  std::string widening(TargetColumn const& wanted, TargetColumn const& existing,
                       TargetType const& type) const {
    if (is_key(wanted.name) || !is_modifiable(type, parse_target_type(wanted.type)))
      return make_anew();
    TargetColumn modified = existing;
    modified.type = wanted.type;
    return modify_column_sql(existing_.name, modified) + ";";
  }

  void check_extra_column(TargetColumn const& column) {
    MadeColumn const made = made_column_named(column.name);
    if (made == MadeColumn::is_deleted && wanted_.column(column.name) == nullptr &&
        source_.column(column.name) == nullptr)
      mismatches_.push_back({column.name, "", normalise_type(column.type),
                             "marks rows that are deleted, and deletes is not soft: they stay, and "
                             "nothing tells them apart from now on",
                             "DELETE FROM " + quote_starrocks(existing_.name) + " WHERE " +
                                 quote_starrocks(column.name) + ";",
                             true});
    bool const is_ours = made != MadeColumn::none;
    if (is_ours || wanted_.column(column.name) != nullptr || column.is_nullable ||
        column.default_text || is_key(column.name))
      return;
    mismatches_.push_back({column.name, "", normalise_type(column.type),
                           "is not in the source, and takes neither NULL nor a default",
                           nullable_sql(column)});
  }

  SourceTable const& source_;
  TargetTable const& wanted_;
  TargetTable const& existing_;
  std::vector<Mismatch> mismatches_;
};

} // namespace

std::string to_string(Mismatch const& mismatch) {
  std::string out = mismatch.column.empty() ? "the table" : "column " + mismatch.column;
  if (!mismatch.source_type.empty() || !mismatch.target_type.empty()) {
    out += " (";
    if (!mismatch.source_type.empty())
      out += "source " + mismatch.source_type;
    if (!mismatch.target_type.empty())
      out += (mismatch.source_type.empty() ? "target " : ", target ") + mismatch.target_type;
    out += ")";
  }
  return out + ": " + mismatch.what + "; " + mismatch.fix;
}

std::vector<Mismatch> compare(SourceTable const& source, TargetTable const& wanted,
                              TargetTable const& existing) {
  return Comparison(source, wanted, existing).run();
}

} // namespace walrock
