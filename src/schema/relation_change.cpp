#include "schema/relation_change.h"

#include <algorithm>
#include <set>

#include "model/moment_text.h"
#include "schema/source_types.h"
#include "schema/type_map.h"

namespace walrock {

namespace {

constexpr Oid kText = 25;
constexpr Oid kVarchar = 1043;

using Names = std::vector<std::string>;

RelationColumn const* find(Relation const& relation, std::string_view name) {
  auto const found = std::find_if(relation.columns.begin(), relation.columns.end(),
                                  [&](RelationColumn const& c) { return c.name == name; });
  return found == relation.columns.end() ? nullptr : &*found;
}

// The columns of one relation that the other does not have, or that it has too.
Names columns_of(Relation const& relation, Relation const& other, bool are_in_other) {
  Names names;
  for (RelationColumn const& column : relation.columns)
    if ((find(other, column.name) != nullptr) == are_in_other)
      names.push_back(column.name);
  return names;
}

std::set<std::string> identity_of(Relation const& relation) {
  std::set<std::string> names;
  for (RelationColumn const& column : relation.columns)
    if (column.is_key)
      names.insert(column.name);
  return names;
}

std::string column_named(std::string const& name) {
  return "column " + name;
}

// As a type is declared, for messages: the catalog's words where it still describes this type.
std::string declared(RelationColumn const& column, SourceTable const& catalog) {
  SourceColumn const* known = catalog.column(column.name);
  if (known != nullptr && known->wire_type_oid == column.type_oid &&
      known->wire_typmod == column.typmod)
    return known->declared_type;
  return describe_column(column).declared_type;
}

// Do all values, and their texts, stay what they were when only the typmod changes so? Then
// PostgreSQL may or may not have rewritten the table, it does not matter.
bool keeps_values(RelationColumn const& before, RelationColumn const& now) {
  bool const is_unbounded = now.typmod < 0;
  SourceType const* type = find_source_type(now.type_oid);
  if (type == nullptr)
    return false;
  switch (type->family) {
  case Family::characters: // char(n) is padded anew
    return type->oid == kVarchar &&
           (is_unbounded || (before.typmod >= 0 && now.typmod >= before.typmod));
  case Family::text: return type->oid == kText;
  case Family::timestamp:
  case Family::timestamptz:
    return is_unbounded || (before.typmod >= 0 && now.typmod >= before.typmod);
  case Family::numeric: {
    auto const old_shape = numeric_shape(before.typmod);
    auto const new_shape = numeric_shape(now.typmod);
    return !new_shape || (old_shape && new_shape->scale == old_shape->scale &&
                          new_shape->integer_digits >= old_shape->integer_digits);
  }
  default: return false;
  }
}

bool is_same_text_type(Oid a, Oid b) {
  return (a == kText || a == kVarchar) && (b == kText || b == kVarchar);
}

class Difference {
public:
  Difference(Relation const& before, Relation const& now, SourceTable const& catalog,
             TargetTable const& target, Oid filenode_before, TableOptions const& options,
             bool suspects_rewrites)
      : before_(before), now_(now), catalog_(catalog), target_(target),
        filenode_before_(filenode_before), options_(options),
        suspects_rewrites_(suspects_rewrites) {}

  RelationChange run() {
    check_name();
    check_columns();
    check_types();
    check_key();
    for (std::string const& name : columns_of(now_, before_, false))
      add(*find(now_, name));
    for (std::string const& name : columns_of(before_, now_, false))
      drop(name);
    return finished();
  }

private:
  RelationChange finished() {
    if (!reason_.empty())
      return {RelationChange::Kind::unsupported, {}, {}, {}, reason_};
    if (!change_.added.empty())
      change_.kind = RelationChange::Kind::followed;
    return std::move(change_);
  }

  // The first reason is the one that is told.
  void refuse(std::string const& what) {
    if (reason_.empty())
      reason_ = "table " + to_string(before_.name) + ": " + what;
  }

  void note(std::string const& what) { change_.note += (change_.note.empty() ? "" : "; ") + what; }

  void check_name() {
    if (before_.name != now_.name)
      refuse("it is now named " + to_string(now_.name));
  }

  // Columns that stay keep their order, or one was dropped and added again: the same name, other
  // values.
  void check_columns() {
    Names const added = columns_of(now_, before_, false);
    Names const dropped = columns_of(before_, now_, false);
    if (!added.empty() && !dropped.empty())
      refuse(column_named(dropped[0]) + " (" + declared(*find(before_, dropped[0]), catalog_) +
             ") was renamed to or replaced by " + added[0] + " (" +
             declared(*find(now_, added[0]), catalog_) + "), which one the stream does not tell");
    Names const kept_before = columns_of(before_, now_, true);
    Names const kept_now = columns_of(now_, before_, true);
    for (std::size_t i = 0; i < kept_before.size(); ++i)
      if (kept_before[i] != kept_now[i])
        return refuse(
            column_named(kept_before[i]) +
            " was dropped and added again, so its old rows are not what the target holds");
  }

  void check_types() {
    for (RelationColumn const& column : now_.columns)
      if (RelationColumn const* old = find(before_, column.name))
        if (old->type_oid != column.type_oid || old->typmod != column.typmod)
          check_type(*old, column);
  }

  void check_type(RelationColumn const& old, RelationColumn const& column) {
    std::string const change = column_named(column.name) + " changed its type from " +
                               declared(old, catalog_) + " to " + declared(column, catalog_);
    bool const is_same_type =
        old.type_oid == column.type_oid || is_same_text_type(old.type_oid, column.type_oid);
    TargetColumn const* existing = target_.column(column.name);
    if (!is_same_type || !keeps_values(old, column))
      return refuse(change + (existing == nullptr ? "" : " (target " + existing->type + ")"));
    if (existing == nullptr)
      return note(change + ", which the target does not have");
    TargetType const type = parse_target_type(existing->type);
    Fit const fits = fit(describe_column(column), type);
    if (fits.kind == Fit::Kind::refused)
      refuse(change + ", but the target is " + to_string(type) + ": " + fits.why);
    else
      note(change + ", the target stays " + to_string(type) +
           (fits.why.empty() ? "" : ": " + fits.why));
  }

  // The identity may change as long as it says the same about the key of the target's rows.
  void check_key() {
    if (target_.model != TableModel::primary)
      return;
    bool const was_full = before_.identity == ReplicaIdentity::full;
    bool const is_full = now_.identity == ReplicaIdentity::full;
    std::set<std::string> const key(target_.key.begin(), target_.key.end());
    std::set<std::string> const old_identity = identity_of(before_);
    std::set<std::string> const new_identity = identity_of(now_);
    if (is_full && was_full)
      return;
    if (is_full) {
      Names const& primary = catalog_.primary_key;
      if (std::set<std::string>(primary.begin(), primary.end()) != key && old_identity != key)
        refuse("its key changed");
      return;
    }
    if (was_full ? new_identity != key : new_identity != old_identity)
      refuse("its key changed from (" + joined(was_full ? key : old_identity) + ") to (" +
             joined(new_identity) + ")");
  }

  static std::string joined(std::set<std::string> const& names) {
    std::string out;
    for (std::string const& name : names)
      out += (out.empty() ? "" : ", ") + name;
    return out;
  }

  void drop(std::string const& name) {
    bool const is_key =
        std::find(target_.key.begin(), target_.key.end(), name) != target_.key.end();
    TargetColumn const* existing = target_.column(name);
    if (is_key && target_.model == TableModel::primary)
      return refuse(column_named(name) + " (" + declared(*find(before_, name), catalog_) +
                    ") was dropped, but it is part of the key");
    if (existing != nullptr && !existing->is_nullable && !existing->default_text)
      return refuse(column_named(name) + " was dropped, but in the target (" + existing->type +
                    ") it takes neither NULL nor a default");
    change_.dropped.push_back(name);
    note(column_named(name) +
         " was dropped; the target keeps it, new and changed rows get NULL there");
  }

  void add(RelationColumn const& column) {
    SourceColumn const* known = catalog_.column(column.name);
    if (known == nullptr || known->wire_type_oid != column.type_oid)
      note(column_named(column.name) + " was added and changed again since, so old rows get NULL");
    SourceColumn const described = known != nullptr && known->wire_type_oid == column.type_oid
                                       ? *known
                                       : describe_column(column);
    auto const wanted = options_.column_types.find(column.name);
    TargetType const type = wanted != options_.column_types.end()
                                ? parse_target_type(wanted->second)
                                : default_type(described, options_, false);
    TargetColumn added{column.name, to_string(type), true, std::nullopt, described.comment};
    if (Fit const fits = fit(described, type); fits.kind == Fit::Kind::refused)
      return refuse(column_named(column.name) + " was added as " + described.declared_type +
                    ", but column-types says " + added.type + ": " + fits.why);
    if (described.missing_value)
      add_default(added, described, type);
    else
      check_not_rewritten(described);
    place(std::move(added), described);
  }

  // What rows hold that were written before the column was added.
  void add_default(TargetColumn& added, SourceColumn const& column, TargetType const& type) {
    std::string text = *column.missing_value;
    Fit const fits = fit(column, type);
    bool const takes_default = type.kind != TargetType::Kind::json &&
                               type.kind != TargetType::Kind::array &&
                               type.kind != TargetType::Kind::varbinary;
    if (!takes_default)
      return refuse(column_named(column.name) + " (" + column.declared_type +
                    ") was added with a default, but StarRocks takes none for " + added.type);
    bool const is_moment =
        type.kind == TargetType::Kind::date || type.kind == TargetType::Kind::datetime;
    if (is_moment && !is_known_moment(text))
      return refuse(column_named(column.name) + " was added with the default " + text +
                    ", which no " + added.type + " holds");
    if (fits.conversion == Conversion::boolean)
      text = text == "t" || text == "true" ? "1" : "0";
    if (fits.conversion == Conversion::timestamptz)
      text = without_zone(text);
    added.default_text = std::move(text);
  }

  // A default that is not constant, and an identity column, fill old rows by rewriting the table:
  // those values are nowhere in the stream. The default may be gone by now.
  void check_not_rewritten(SourceColumn const& column) {
    bool const is_known = filenode_before_ != 0 && catalog_.filenode != 0;
    bool const is_same_file = is_known && filenode_before_ == catalog_.filenode;
    bool const may_be_filled = column.default_expression || column.is_not_null;
    if (!is_same_file && (may_be_filled || (is_known && suspects_rewrites_)))
      refuse(column_named(column.name) + " (" + column.declared_type +
             ") was added and its old rows were filled by rewriting the table; PostgreSQL does not "
             "send their values");
  }

  // A target that has the column already got it from a run before this one, or from its owner.
  void place(TargetColumn added, SourceColumn const& column) {
    TargetColumn const* existing = target_.column(added.name);
    if (existing == nullptr) {
      change_.added.push_back(std::move(added));
      return;
    }
    TargetType const type = parse_target_type(existing->type);
    if (Fit const fits = fit(column, type); fits.kind == Fit::Kind::refused)
      refuse(column_named(added.name) + " was added as " + column.declared_type +
             ", but the target has it as " + to_string(type) + ": " + fits.why);
    else if (added.default_text && !existing->default_text)
      refuse(column_named(added.name) + " (" + column.declared_type +
             ") was added with a default, but the target has it already (" + to_string(type) +
             ") without one, so old rows differ");
  }

  Relation const& before_;
  Relation const& now_;
  SourceTable const& catalog_;
  TargetTable const& target_;
  Oid const filenode_before_;
  TableOptions const& options_;
  bool const suspects_rewrites_;
  RelationChange change_;
  std::string reason_;
};

} // namespace

RelationChange diff(Relation const& before, Relation const& now, SourceTable const& catalog_now,
                    TargetTable const& target, Oid filenode_before, TableOptions const& options,
                    bool suspects_rewrites) {
  if (before == now)
    return {};
  return Difference(before, now, catalog_now, target, filenode_before, options, suspects_rewrites)
      .run();
}

} // namespace walrock
