// Construction of a RowEncoder and what it tells about its bodies; the rows themselves are written
// in encode_csv.cpp and encode_json.cpp.
#include "encode/row_encoder.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "encode/json_numbers.h"
#include "encode/json_text.h"
#include "encode/nearest_value.h"
#include "encode/real_text.h"
#include "model/moment_text.h"

namespace walrock {

namespace {

constexpr char kOpColumn[] = "__op";

bool is_array_type(std::string_view type) {
  return type.starts_with("ARRAY<");
}

// DECIMAL(10,2): 0 is before the comma, 1 behind it. VARCHAR(20): 0.
int number_in(std::string_view type, int position) {
  std::size_t const at = position == 0 ? type.find('(') : type.find(',');
  int number = 0;
  if (at != std::string_view::npos)
    std::from_chars(type.data() + at + 1, type.data() + type.size(), number);
  return number;
}

bool is_jsonb(ColumnPlan const& column, Relation const& relation) {
  constexpr Oid kJsonb = 3802;
  return column.source_index >= 0 &&
         relation.columns[static_cast<std::size_t>(column.source_index)].type_oid == kJsonb;
}

// Two hexadecimal digits for each travel in a VARCHAR, which has a MiB at most.
constexpr std::size_t kMostBinaryBytes = 524288;
// StarRocks refuses a longer document in CSV; as a string of a JSON body it would make it NULL.
constexpr std::size_t kMostJsonBytes = 16 << 20;

bool equal_but_for_case(std::string_view a, std::string_view b) {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string first_element(std::string const& json) {
  return std::string(kFirstElement) + json + ",'$[0]')";
}

// The name of a field of the body that is no column, so that an expression can read it.
std::string temporary_name(TablePlan const& plan, std::string_view what, std::size_t position) {
  std::string name = "_walrock_" + std::string(what) + "_" + std::to_string(position);
  while (std::any_of(plan.columns.begin(), plan.columns.end(),
                     [&](ColumnPlan const& c) { return equal_but_for_case(c.name, name); }))
    name += '_';
  return name;
}

// A value of a user's row, for a message.
std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 100;
  std::string_view const prefix = utf8_prefix(text, kShown);
  std::string out = is_utf8(prefix) ? std::string(prefix) : replace_invalid_utf8(prefix);
  return prefix.size() < text.size() ? out + "..." : out;
}

// Numbers end in a digit; NaN and Infinity do not.
bool is_whole(std::string_view text) {
  return !text.empty() && text.back() >= '0' && text.back() <= '9';
}

// StarRocks would round silently what has more fraction digits.
bool is_decimal(std::string_view text, int integer_digits, int scale) {
  if (!is_whole(text))
    return false;
  std::size_t const sign = text.front() == '-' ? 1 : 0;
  std::size_t const point = std::min(text.find('.'), text.size());
  bool const is_zero = text[sign] == '0'; // the only one in front
  if (point - sign > static_cast<std::size_t>(integer_digits) && !is_zero)
    return false;
  std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  while (fraction.size() > static_cast<std::size_t>(scale) && fraction.back() == '0')
    fraction.remove_suffix(1);
  return fraction.size() <= static_cast<std::size_t>(scale);
}

// Of another zone the offset is whatever it was at that time.
bool is_in_zone(std::string_view moment, bool is_utc) {
  return is_utc ? moment.ends_with("+00") : without_zone(moment).size() < moment.size();
}

} // namespace

RowEncoder::RowEncoder(TablePlan plan, ChangedValues* changed)
    : plan_(std::move(plan)), row_size_(plan_.relation.columns.size()),
      has_op_(plan_.model == TableModel::primary) {
  fields_.reserve(plan_.columns.size());
  for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
    ColumnPlan const& column = plan_.columns[i];
    WALROCK_ASSERT(column.source_index < static_cast<int>(row_size_), "plan fits its relation");
    WALROCK_ASSERT((column.source_index < 0) == (column.made != MadeColumn::none),
                   "a column is filled from one place");
    Field& field = fields_.emplace_back();
    field.source_index = column.source_index;
    field.made = column.made;
    field.element = column.element;
    field.is_plain_json = !is_jsonb(column, plan_.relation);
    field.is_key = i < static_cast<std::size_t>(plan_.key_count);
    choose_form(field, column);
    choose_policy(field, column, changed);
    name_field(field, column, i);
  }
  prepare_delete_tail();
}

void RowEncoder::choose_form(Field& field, ColumnPlan const& column) const {
  std::string_view const type = column.type;
  bool const is_moment = type == "DATE" || type == "DATETIME";
  field.is_boolean_target = type == "BOOLEAN";
  if (column.made != MadeColumn::none) {
    field.form = Form::made;
    return;
  }
  switch (column.conversion) {
  case Conversion::text: field.form = is_moment ? Form::date : Form::text; return;
  case Conversion::boolean: field.form = Form::boolean; return;
  case Conversion::timestamptz: field.form = Form::timestamptz; return;
  case Conversion::bytea: field.form = Form::bytea; return;
  case Conversion::json: field.form = Form::json; return;
  case Conversion::array:
    field.form = is_array_type(type) ? Form::array : Form::json_array;
    field.has_moment_elements = type.starts_with("ARRAY<DATE"); // and DATETIME
    field.has_real_elements = type.starts_with("ARRAY<FLOAT");
    return;
  case Conversion::number: break;
  }
  bool const is_bare = type == "TINYINT" || type == "SMALLINT" || type == "INT" || type == "BIGINT";
  field.form = is_bare              ? Form::integer
               : type == "LARGEINT" ? Form::largeint
               : type == "FLOAT"    ? Form::real
                                    : Form::number;
  if (type.starts_with("DECIMAL(")) {
    field.form = Form::decimal;
    field.scale = number_in(type, 1);
    field.integer_digits = number_in(type, 0) - field.scale;
  }
}

void RowEncoder::choose_policy(Field& field, ColumnPlan const& column,
                               ChangedValues* changed) const {
  field.policy = column.policy;
  field.is_cuttable = column.is_cuttable;
  if (field.form == Form::bytea)
    field.most_bytes = 2 + 2 * kMostBinaryBytes;
  if (field.form == Form::json)
    field.most_bytes = kMostJsonBytes - 2; // within the brackets of an array
  if (field.policy == ValuePolicy::fail || column.made != MadeColumn::none)
    return;
  if (changed != nullptr)
    field.changed = changed->of(plan_.relation.name, column.name);
  bool const is_string = column.type.starts_with("VARCHAR(") || column.type.starts_with("CHAR(");
  if (field.form == Form::text && is_string)
    field.most_bytes = static_cast<std::size_t>(number_in(column.type, 0));
}

// CSV takes JSON text straight into a JSON column. In a JSON body the document null would become
// SQL NULL and a malformed one would end the body, so there it travels as a string. parse_json()
// makes a JSON string of 1, true and null: such a document travels as the one element of an array.
void RowEncoder::name_field(Field& field, ColumnPlan const& column, std::size_t position) const {
  bool const is_json =
      field.form == Form::json || (field.form == Form::json_array && column.type == "JSON");
  field.load_name = column.name;
  field.json_load_name = column.name;
  if (field.form == Form::bytea) {
    field.load_name = temporary_name(plan_, "hex", position);
    field.json_load_name = field.load_name;
    field.expression =
        quote_starrocks(column.name) + "=unhex(" + quote_starrocks(field.load_name) + ")";
    field.json_expression = field.expression;
  } else if (is_json) {
    field.json_load_name = temporary_name(plan_, "json", position);
    std::string const parsed = "parse_json(" + quote_starrocks(field.json_load_name) + ")";
    field.json_expression = quote_starrocks(column.name) + "=" +
                            (field.form == Form::json ? first_element(parsed) : parsed);
  }
  append_json_string(field.json_load_name, field.json_key);
  field.json_key += ':';
}

// A delete carries its key only; everything behind it is the same for all deletes.
void RowEncoder::prepare_delete_tail() {
  for (std::size_t i = static_cast<std::size_t>(plan_.key_count); i < fields_.size(); ++i) {
    Field const& field = fields_[i];
    ColumnPlan const& column = plan_.columns[i];
    bool const is_bare = field.form == Form::integer || field.form == Form::array;
    csv_delete_tail_ += column.is_nullable ? "\\N" : column.zero;
    csv_delete_tail_ += kColumnSeparator;
    json_delete_tail_ += field.json_key;
    if (column.is_nullable)
      json_delete_tail_ += "null";
    else if (field.form == Form::json)
      append_json_string("[" + column.zero + "]", json_delete_tail_);
    else if (is_bare)
      json_delete_tail_ += column.zero;
    else
      append_json_string(column.zero, json_delete_tail_);
    json_delete_tail_ += ',';
  }
  csv_delete_tail_ += '1';
  csv_delete_tail_ += kRowDelimiter;
  json_delete_tail_ += "\"__op\":1}";
}

ColumnSet RowEncoder::absent_of(Row row) const {
  ColumnSet absent;
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (cell(fields_[i], row).is_unchanged_toast())
      absent.add(i);
  return absent;
}

LoadSpec RowEncoder::spec_for(LoadFormat format, ColumnSet const& absent) const {
  bool const is_json = format == LoadFormat::json;
  LoadSpec spec{plan_.target, format, {}, !absent.empty()};
  std::string expressions;
  auto const add = [&](std::string const& name) {
    spec.columns += (spec.columns.empty() ? "" : ",") + quote_starrocks(name);
  };
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (absent.has(i))
      continue;
    add(is_json ? fields_[i].json_load_name : fields_[i].load_name);
    spec.fields.push_back({plan_.columns[i].name, plan_.columns[i].type});
    std::string const& expression = is_json ? fields_[i].json_expression : fields_[i].expression;
    if (!expression.empty())
      expressions += "," + expression;
  }
  for (int i = 0; i < plan_.key_count; ++i)
    spec.key.push_back(plan_.columns[static_cast<std::size_t>(i)].name);
  if (has_op_)
    add(kOpColumn);
  spec.columns += expressions;
  return spec;
}

void RowEncoder::check_row(Row row) const {
  if (row.size() != row_size_)
    throw ProtocolViolation("a row of " + to_string(plan_.relation.name) + " has " +
                            std::to_string(row.size()) + " columns, its relation has " +
                            std::to_string(row_size_));
}

// Only value columns can be left to a partial update.
void RowEncoder::check_absent(Field const& field) const {
  if (field.is_key)
    refuse(field, "",
           "is a key that was stored out of line and not sent: it is longer than "
           "StarRocks allows a key to be");
  if (!has_op_)
    throw ProtocolViolation("a row inserted into " + to_string(plan_.relation.name) +
                            " leaves out column " + name_of(field));
}

bool RowEncoder::append_field(Field const& field, std::string_view text, std::string& out) const {
  if (!holds_text(field, text)) [[unlikely]]
    return false;
  switch (field.form) {
  case Form::text:
  case Form::number: out.append(text); return true;
  case Form::json: out.append(text); return holds_json(field, text);
  case Form::real: append_real(text, out); return true;
  case Form::integer:
  case Form::largeint: out.append(text); return is_whole(text);
  case Form::boolean: out += text == "t" ? '1' : '0'; return text == "t" || text == "f";
  case Form::decimal: out.append(text); return is_decimal(text, field.integer_digits, field.scale);
  case Form::date: out.append(text); return is_known_moment(text);
  case Form::timestamptz:
    if (!is_known_moment(text) || !is_in_zone(text, plan_.is_utc))
      return false;
    out.append(without_zone(text));
    return true;
  case Form::bytea:
    if (!text.starts_with("\\x"))
      return false;
    out.append(text.substr(2));
    return true;
  case Form::json_array: return append_array_field(field, text, ArrayStyle::json, out);
  case Form::array: return append_array_field(field, text, ArrayStyle::starrocks, out);
  case Form::made: break;
  }
  WALROCK_ASSERT(false, "columns of walrock's own have no cell");
}

bool RowEncoder::holds_json(Field const& field, std::string_view text) {
  return holds_json_numbers(text, field.is_plain_json) &&
         (!field.is_plain_json || holds_json_strings(text));
}

bool RowEncoder::append_array_field(Field const& field, std::string_view text, ArrayStyle style,
                                    std::string& out) const {
  int const most_dimensions = field.form == Form::array ? 1 : 6;
  return append_array(
      text,
      {style, field.element, field.has_moment_elements, field.has_real_elements, most_dimensions},
      out);
}

// ---------------------------------------------------------------- values that are not held

Value RowEncoder::substitute(Field const& field, std::string_view text, Changed& changed,
                             std::string& kept) const {
  if (field.policy == ValuePolicy::fail)
    refuse(field, text, why_unsupported(field, text));
  if (field.changed != nullptr)
    changed.push_back(field.changed.get());
  if (field.policy == ValuePolicy::clamp)
    if (auto near = nearest(field, text)) {
      kept = std::move(*near);
      std::string encoded;
      if (append_field(field, kept, encoded))
        return Value::of(kept);
    }
  if (!column_of(field).is_nullable)
    refuse(field, text, why_unsupported(field, text));
  return Value::null();
}

std::optional<std::string> RowEncoder::nearest(Field const& field, std::string_view text) const {
  std::string valid;
  if (plan_.is_unencoded && !is_utf8(text))
    text = valid = replace_invalid_utf8(text);
  switch (field.form) {
  case Form::date:
    return nearest_moment(text, column_of(field).type == "DATE" ? MomentKind::date
                                                                : MomentKind::timestamp);
  case Form::timestamptz: return nearest_moment(text, MomentKind::timestamptz);
  case Form::decimal: return nearest_decimal(text, field.integer_digits + field.scale, field.scale);
  case Form::json_array:
  case Form::array: return std::string(without_bounds(text));
  case Form::bytea: return std::string(text.substr(0, field.most_bytes));
  case Form::text:
    if (text.size() > field.most_bytes && !field.is_cuttable)
      return std::nullopt;
    return std::string(utf8_prefix(text, field.most_bytes));
  case Form::json: return nearest_json_numbers(text);
  default: return std::nullopt;
  }
}

std::string_view RowEncoder::why_unsupported(Field const& field, std::string_view text) const {
  if (plan_.is_unencoded && !is_utf8(text))
    return "is not valid UTF-8 (the database's encoding is SQL_ASCII)";
  switch (field.form) {
  case Form::boolean: return "is not a boolean";
  case Form::integer:
  case Form::largeint: return "is not a whole number";
  case Form::decimal: return "has more digits than the target keeps, or is no number";
  case Form::timestamptz:
    if (is_known_moment(text))
      return "is not in the session's TimeZone";
    [[fallthrough]];
  case Form::date: return "lies outside the years 0001 to 9999 that StarRocks knows";
  case Form::bytea:
    return text.starts_with("\\x") ? "has more than 524288 bytes"
                                   : "is not in hex form (the session's bytea_output must be hex)";
  case Form::json:
    return text.size() > field.most_bytes
               ? "has more than 16 MiB"
               : "has a number that neither a 64-bit integer nor a double holds, or half a "
                 "surrogate pair";
  case Form::json_array:
  case Form::array: return "is an array that the target's type cannot hold";
  default: return "is too long";
  }
}

void RowEncoder::refuse(Field const& field, std::string_view text, std::string_view why) const {
  throw Error(ErrorCode::value_unsupported, "column " + name_of(field) + " of " +
                                                to_string(plan_.relation.name) + ": the value " +
                                                shown(text) + " " + std::string(why) +
                                                " (target type " + column_of(field).type + ")");
}

// An error about one value says which row it is.
void RowEncoder::name_row(Row row, Error& error) const {
  if (error.code() != ErrorCode::value_unsupported || plan_.key_count == 0)
    return;
  std::string key;
  for (std::size_t i = 0; i < static_cast<std::size_t>(plan_.key_count); ++i) {
    if (fields_[i].made != MadeColumn::none)
      return; // nobody knows a row by its hash
    Value const value = cell(fields_[i], row);
    key += (i == 0 ? "row " : ", ") + plan_.columns[i].name + "=";
    key += value.is_text() ? shown(value.text) : "?";
  }
  error.add_context(std::move(key));
}

ColumnPlan const& RowEncoder::column_of(Field const& field) const {
  return plan_.columns[static_cast<std::size_t>(&field - fields_.data())];
}

std::string const& RowEncoder::name_of(Field const& field) const {
  return column_of(field).name;
}

} // namespace walrock
