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
  out += out.empty() ? "[{" : ",{";
  append_json_fields(row, op, origin, out);
  torn.keep();
} catch (Error& error) {
  name_row(row, error);
  throw;
}

void RowEncoder::append_json_fields(Row row, Op op, RowOrigin origin, std::string& out) const {
  for (Field const& field : fields_) {
    if (op == Op::delete_ && !field.is_key)
      break;
    Value const value = cell(field, row);
    if (value.is_unchanged_toast()) {
      check_absent(field);
      continue;
    }
    out += field.json_key;
    append_json_cell(field, value, origin, out);
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

void RowEncoder::append_json_cell(Field const& field, Value value, RowOrigin origin,
                                  std::string& out) const {
  if (field.source_index < 0) {
    out += std::to_string(field.form == Form::lsn ? origin.commit_lsn.value : origin.index);
    return;
  }
  if (value.is_null()) {
    out += "null";
    return;
  }
  switch (field.form) {
  case Form::text:
  case Form::json: append_json_string(value.text, out); return;
  case Form::integer: append_field(field, value.text, out); return;
  case Form::boolean: append_json_boolean(field, value.text, out); return;
  case Form::array: append_array_field(field, value.text, ArrayStyle::json, out); return;
  case Form::json_array: append_json_array_text(field, value.text, out); return;
  case Form::number:
  case Form::decimal:
  case Form::date:
  case Form::timestamptz:
  case Form::bytea: // texts without a byte that JSON escapes
    out += '"';
    append_field(field, value.text, out);
    out += '"';
    return;
  case Form::lsn:
  case Form::index: return;
  }
}

void RowEncoder::append_json_boolean(Field const& field, std::string_view text,
                                     std::string& out) const {
  if (!field.is_boolean_target)
    return append_field(field, text, out);
  if (text != "t" && text != "f")
    refuse(field, text, "is not a boolean");
  out += text == "t" ? "true" : "false";
}

void RowEncoder::append_json_array_text(Field const& field, std::string_view text,
                                        std::string& out) const {
  std::string document; // rare enough for a string of its own
  append_array_field(field, text, ArrayStyle::json, document);
  append_json_string(document, out);
}

} // namespace walrock
