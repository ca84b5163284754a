#include "schema/value_policy.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "schema/source_types.h"

namespace walrock {

std::string_view policy_type_of(SourceColumn const& column) {
  switch (family_of(column)) {
  case Family::date: return "date";
  case Family::timestamp: return "timestamp";
  case Family::timestamptz: return "timestamptz";
  case Family::numeric: return "numeric";
  case Family::bytea: return "bytea";
  case Family::json: return "json";
  case Family::array: return "array";
  default: return column.type_kind == TypeKind::array ? "array" : "text";
  }
}

ValuePolicy policy_of(SourceColumn const& column, TableOptions const& options) {
  if (auto const found = options.column_policies.find(column.name);
      found != options.column_policies.end())
    return found->second;
  for (std::string_view const type : {policy_type_of(column), std::string_view("all")})
    if (auto const found = options.type_policies.find(std::string(type));
        found != options.type_policies.end())
      return found->second;
  return ValuePolicy::fail;
}

ValuePolicy encoding_policy(SourceColumn const& column, TableOptions const& options, bool is_key,
                            bool is_nullable) {
  ValuePolicy const policy = policy_of(column, options);
  bool const is_refused =
      is_key || policy == ValuePolicy::text || (policy == ValuePolicy::null && !is_nullable);
  return is_refused ? ValuePolicy::fail : policy;
}

bool is_cuttable(SourceColumn const& column) {
  constexpr std::string_view kCharacters[] = {"text", "varchar", "bpchar", "citext", "name", "xml"};
  return std::find(std::begin(kCharacters), std::end(kCharacters), column.type_name) !=
         std::end(kCharacters);
}

namespace {

std::string texts_lacking(SourceColumn const& column, TargetType const& target) {
  int const most = text_width(column).most_bytes;
  bool const holds_all = most != 0 && most <= target.length;
  return holds_all ? "" : "texts of more than " + std::to_string(target.length) + " bytes";
}

std::string numbers_lacking(SourceColumn const& column, TargetType const& target) {
  if (numeric_shape(column.typmod))
    return "NaN";
  return "NaN, infinity, and numbers with more digits than " + to_string(target);
}

} // namespace

std::string values_lacking(SourceColumn const& column, TargetType const& target) {
  if (target.is_string())
    return texts_lacking(column, target);
  switch (family_of(column)) {
  case Family::date:
  case Family::timestamp:
  case Family::timestamptz: return "infinity, BC and years after 9999";
  case Family::numeric: return numbers_lacking(column, target);
  case Family::bytea: return "more than 524288 bytes";
  case Family::json:
    return "numbers that neither a 64-bit integer nor a double holds, half surrogate pairs";
  case Family::array:
    return target.kind == TargetType::Kind::array
               ? "lower bounds other than 1, more than one dimension"
               : "lower bounds other than 1";
  default: return "";
  }
}

namespace {

std::string_view words_of(ValuePolicy policy) {
  switch (policy) {
  case ValuePolicy::fail: return "refuse their row";
  case ValuePolicy::null: return "become NULL";
  case ValuePolicy::clamp: return "become the nearest that it holds";
  case ValuePolicy::text: break;
  }
  return "";
}

// Nearly every table has a text of no bound: with the default this is said of what is near only.
bool is_worth_a_word(ValuePolicy policy, TargetType const& type) {
  return policy != ValuePolicy::fail || !type.is_string() || type.length < kMaxVarcharBytes;
}

bool contains(std::vector<std::string> const& names, std::string const& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

std::vector<std::string> policy_sentences(SourceTable const& source, TargetTable const& target,
                                          TableOptions const& options) {
  std::map<ValuePolicy, std::string> columns;
  for (SourceColumn const& column : source.columns) {
    TargetColumn const* const into = target.column(column.name);
    if (into == nullptr || !column.is_sent)
      continue;
    TargetType const type = parse_target_type(into->type);
    bool const is_key = target.model == TableModel::primary && contains(target.key, column.name);
    ValuePolicy const policy = encoding_policy(column, options, is_key, into->is_nullable);
    if (!is_worth_a_word(policy, type) || values_lacking(column, type).empty())
      continue;
    std::string& named = columns[policy];
    named += (named.empty() ? "" : ", ") + column.name + " " + to_string(type) + " (" +
             values_lacking(column, type) + ")";
  }
  std::vector<std::string> out;
  for (auto const& [policy, named] : columns)
    out.push_back("values that a column cannot hold " + std::string(words_of(policy)) +
                  " (unsupported-values: " + std::string(to_string(policy)) + "): " + named);
  return out;
}

void check_policies(SourceTable const& source, TargetTable const& target,
                    TableOptions const& options) {
  for (auto const& [name, policy] : options.column_policies) {
    auto const refuse = [&, &column = name](std::string const& why) { // clang 14 takes no binding
      throw Error(ErrorCode::job_file_invalid, "column-unsupported-values of " +
                                                   to_string(source.name) + ": column " + column +
                                                   " " + why);
    };
    if (target.column(name) == nullptr)
      refuse("is not copied");
    bool const changes = policy == ValuePolicy::null || policy == ValuePolicy::clamp;
    if (changes && target.model == TableModel::primary && contains(target.key, name))
      refuse("is part of the key, whose values cannot be changed: two rows could become one");
    if (policy == ValuePolicy::text && options.column_types.contains(name))
      refuse("has a type in column-types; text chooses one itself");
  }
}

} // namespace walrock
