// CSV rows of a RowEncoder. The hot path of walrock: no allocation but for the growth of `out`,
// each byte of a value copied once and looked at once more.
#include "encode/row_encoder.h"

#include <charconv>

#include "base/error.h"
#include "encode/key_cell.h"
#include "encode/separators.h"
#include "encode/torn_row.h"
#include "model/json_scalar.h"

namespace walrock {

namespace {

void append_number(std::uint64_t number, std::string& out) {
  char digits[20];
  auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

} // namespace

bool RowEncoder::encode_csv(Row row, Op op, RowOrigin origin, std::string& out) const try {
  check_row(row);
  TornRow torn(out);
  Changed changed;
  std::size_t field_count = 0;
  for (Field const& field : fields_) {
    if (op == Op::delete_ && !field.is_key)
      break;
    Value const value = cell(field, row);
    if (value.is_unchanged_toast()) {
      check_absent(field);
      continue;
    }
    if (field.made != MadeColumn::none)
      append_made_cell(field, row, origin, out);
    else if (!append_csv_cell(field, value, changed, out))
      return false;
    ++field_count;
  }
  if (!close_csv_row(torn.start(), field_count, op, out))
    return false;
  torn.keep();
  count(changed);
  return true;
} catch (Error& error) {
  name_row(row, error);
  throw;
}

// Appends the field and its separator. False when the text is the mark of NULL.
bool RowEncoder::append_csv_cell(Field const& field, Value value, Changed& changed,
                                 std::string& out) const {
  if (value.is_null()) {
    out.append("\\N", 2);
  } else {
    if (field.form == Form::text && is_null_mark(value.text))
      return false;
    if (field.form == Form::json && is_json_scalar(value.text))
      return false;
    std::size_t const start = out.size();
    if (!append_field(field, value.text, out)) [[unlikely]] {
      out.resize(start);
      std::string kept;
      return append_csv_cell(field, substitute(field, value.text, changed, kept), changed, out);
    }
  }
  out += kColumnSeparator;
  return true;
}

void RowEncoder::append_made_cell(Field const& field, Row row, RowOrigin origin,
                                  std::string& out) const {
  if (field.made == MadeColumn::lsn && origin.rank == 0)
    append_number(origin.commit_lsn.value, out);
  else if (field.made == MadeColumn::index && origin.rank == 0)
    append_number(origin.index, out);
  else
    out += made_value(field.made, row, origin, plan_.relation).value_or("\\N");
  out += kColumnSeparator;
}

// Each field ended with a separator. Any more of them came from values; a row of nothing would be
// skipped as a blank line.
bool RowEncoder::close_csv_row(std::size_t start, std::size_t field_count, Op op,
                               std::string& out) const {
  WALROCK_ASSERT(has_op_ || op == Op::upsert, "an append-only table has no deletes");
  if (count_separators(std::string_view(out).substr(start)) != field_count)
    return false;
  if (!has_op_) {
    out.back() = kRowDelimiter;
    return out.size() - start > 1;
  }
  if (op == Op::delete_) {
    out += csv_delete_tail_;
  } else {
    out += '0';
    out += kRowDelimiter;
  }
  return true;
}

void RowEncoder::append_key(Row row, std::string& out, RowOrigin origin) const try {
  check_row(row);
  TornRow torn(out);
  for (std::size_t i = 0; i < static_cast<std::size_t>(plan_.key_count); ++i)
    if (fields_[i].made != MadeColumn::none)
      append_made_cell(fields_[i], row, origin, out);
    else
      append_key_cell(fields_[i], cell(fields_[i], row), out);
  torn.keep();
} catch (Error& error) {
  name_row(row, error);
  throw;
}

void RowEncoder::append_key_cell(Field const& field, Value value, std::string& out) const {
  std::size_t const start = out.size();
  if (value.is_unchanged_toast())
    check_absent(field);
  if (value.is_null())
    out.append("\\N", 2);
  else if (!append_field(field, value.text, out))
    refuse(field, value.text, why_unsupported(field, value.text));
  close_key_cell(start, value.is_null(), out);
}

std::string_view RowEncoder::csv_key(std::string_view csv_row) const {
  return first_fields(csv_row, static_cast<std::size_t>(plan_.key_count));
}

std::vector<std::string> RowEncoder::key_fields(Row row) const {
  std::vector<std::string> out(static_cast<std::size_t>(plan_.key_count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    append_key_cell(fields_[i], cell(fields_[i], row), out[i]);
    out[i].pop_back(); // the separator
  }
  return out;
}

bool RowEncoder::encode_csv_with_gaps(Row row, RowOrigin origin, std::string& out,
                                      std::vector<AbsentField>& absent) const {
  ColumnSet all;
  for (std::size_t i = 0; i < fields_.size(); ++i)
    all.add(i);
  return merge_csv(row, "0", all, origin, out, absent);
}

bool RowEncoder::merge_csv(Row row, std::string_view before, ColumnSet const& left_out,
                           RowOrigin origin, std::string& out,
                           std::vector<AbsentField>& absent) const try {
  check_row(row);
  WALROCK_ASSERT(has_op_, "an append-only table has no updates");
  TornRow torn(out);
  Changed changed;
  absent.clear();
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    Field const& field = fields_[i];
    bool const is_left_out = left_out.has(i);
    std::string_view const field_before = is_left_out ? "" : first_fields(before, 1);
    before.remove_prefix(field_before.size());
    Value const value = cell(field, row);
    if (field.made != MadeColumn::none) {
      append_made_cell(field, row, origin, out);
      continue;
    }
    if (!value.is_unchanged_toast()) {
      if (!append_csv_cell(field, value, changed, out))
        return false;
      continue;
    }
    check_absent(field);
    absent.push_back({i, out.size(), is_left_out});
    if (is_left_out)
      out += kColumnSeparator;
    out.append(field_before);
  }
  WALROCK_ASSERT(before.starts_with('0'), "the row before is an upsert with these fields");
  if (!close_csv_row(torn.start(), fields_.size(), Op::upsert, out))
    return false;
  torn.keep();
  count(changed);
  return true;
} catch (Error& error) {
  name_row(row, error);
  throw;
}

} // namespace walrock
