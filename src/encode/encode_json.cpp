// JSON rows of a RowEncoder, for what CSV cannot say. Values travel as strings, which StarRocks
// reads as it reads CSV fields; only where a bare value is just as exact it is written bare.
#include "encode/row_encoder.h"

#include "base/error.h"
#include "encode/json_text.h"
#include "encode/torn_row.h"

namespace walrock {

void RowEncoder::encode_json(Row row, Op op, RowOrigin origin, std::string& out) const try {
  check_row(row);
  WALROCK_ASSERT(has_op_ || op == Op::upsert, "an append-only table has no deletes");
  TornRow torn(out);
  Changed changed;
  out += out.empty() ? "[{" : ",{";
  append_json_fields(row, op, origin, changed, out);
  torn.keep();
  count(changed);
} catch (Error& error) {
  name_row(row, error);
  throw;
}

void RowEncoder::append_json_fields(Row row, Op op, RowOrigin origin, Changed& changed,
                                    std::string& out) const {
  for (Field const& field : fields_) {
    if (op == Op::delete_ && !field.is_key)
      break;
    Value const value = cell(field, row);
    if (value.is_unchanged_toast()) {
      check_absent(field);
      continue;
    }
    out += field.json_key;
    if (field.made != MadeColumn::none)
      append_made_json(field, row, origin, out);
    else
      append_json_cell(field, value, changed, out);
    out += ',';
  }
  if (op == Op::delete_)
    out += json_delete_tail_;
  else if (has_op_)
    out += "\"__op\":0}";
  else
    out.back() = '}';
}

void RowEncoder::finish_json(std::string& out) {
  out += out.empty() ? "[]" : "]";
}

// Numbers that a double holds stand bare.
void RowEncoder::append_made_json(Field const& field, Row row, RowOrigin origin,
                                  std::string& out) const {
  auto const value = made_value(field.made, row, origin, plan_.relation);
  bool const is_bare = field.made == MadeColumn::lsn || field.made == MadeColumn::index;
  if (!value)
    out += "null";
  else if (is_bare)
    out += *value;
  else
    append_json_string(*value, out);
}

void RowEncoder::append_json_cell(Field const& field, Value value, Changed& changed,
                                  std::string& out) const {
  if (value.is_null()) {
    out += "null";
    return;
  }
  std::size_t const start = out.size();
  if (append_json_text(field, value.text, out))
    return;
  out.resize(start);
  std::string kept;
  append_json_cell(field, substitute(field, value.text, changed, kept), changed, out);
}

bool RowEncoder::append_json_text(Field const& field, std::string_view text,
                                  std::string& out) const {
  switch (field.form) {
  case Form::text: append_json_string(text, out); return holds_text(field, text);
  case Form::json:
    out += "\"[";
    append_json_escaped(text, out);
    out += "]\"";
    return holds_text(field, text) && holds_json(field, text);
  case Form::integer: return append_field(field, text, out);
  case Form::boolean: return append_json_boolean(field, text, out);
  case Form::array:
    return holds_text(field, text) && append_array_field(field, text, ArrayStyle::json, out);
  case Form::json_array: return append_json_array_text(field, text, out);
  case Form::number:
  case Form::real:
  case Form::largeint:
  case Form::decimal:
  case Form::date:
  case Form::timestamptz:
  case Form::bytea: { // texts without a byte that JSON escapes
    out += '"';
    bool const is_held = append_field(field, text, out);
    out += '"';
    return is_held;
  }
  case Form::made: break;
  }
  return true;
}

bool RowEncoder::append_json_boolean(Field const& field, std::string_view text,
                                     std::string& out) const {
  if (!field.is_boolean_target)
    return append_field(field, text, out);
  out += text == "t" ? "true" : "false";
  return text == "t" || text == "f";
}

bool RowEncoder::append_json_array_text(Field const& field, std::string_view text,
                                        std::string& out) const {
  std::string document; // rare enough for a string of its own
  bool const is_held =
      holds_text(field, text) && append_array_field(field, text, ArrayStyle::json, document);
  append_json_string(document, out);
  return is_held;
}

} // namespace walrock
