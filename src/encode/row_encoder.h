// ENCODE: rows of one table in PostgreSQL's text output -> bytes of a load body.
//
//   CSV   field \x01 field \x01 ... [__op] \x02     NULL is \N; no quoting, no escaping
//   JSON  [{"column":value,...,"__op":0},...]       NULL is null
//
// The fields of a row stand in the order of the plan's columns; those of absent cells are left out.
// A text that CSV cannot say is told by the return value, never changed.
//
// A value that the target cannot hold (a date BC, more fraction digits than a DECIMAL keeps) is for
// the user to decide: the column's policy makes it NULL or the nearest value, and counts it, or
// Error value_unsupported is thrown, which names the row's key. `out` is then as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "encode/array_text.h"
#include "encode/column_set.h"
#include "encode/made_field.h"
#include "model/batch.h"
#include "model/changed_values.h"
#include "model/table_plan.h"
#include "model/value.h"

namespace walrock {

enum class Op : std::uint8_t { upsert, delete_ };

// A field of which the row itself does not say the value.
struct AbsentField {
  std::size_t field = 0; // its place in the row
  std::size_t at = 0;    // its offset
  bool is_gap = false;   // it is empty: no earlier row said it either
};

// One per TablePlan. Immutable; any thread.
class RowEncoder {
public:
  // changed: where values are counted that a policy changes.
  explicit RowEncoder(TablePlan plan, ChangedValues* changed = nullptr);

  [[nodiscard]] TablePlan const& plan() const { return plan_; }

  // Appends one CSV row. With Op::delete_ the row is the key row or the old row: only its key
  // cells are read. Returns false and leaves `out` as it was when CSV cannot say the row: a text
  // holds a separator byte or is exactly \N, a JSON document is a number, true, false or null, or
  // the whole row would be a blank line.
  [[nodiscard]] bool encode_csv(Row row, Op op, RowOrigin origin, std::string& out) const;

  // Appends one object to the array body that `out` is or becomes: "[" before the first, "," before
  // the others. finish_json closes the body.
  void encode_json(Row row, Op op, RowOrigin origin, std::string& out) const;
  static void finish_json(std::string& out);

  // The plan columns whose cells are unchanged_toast; empty for a full row.
  [[nodiscard]] ColumnSet absent_of(Row row) const;

  // What StarRocks must be told about bodies of such rows. Rows of one label share one spec.
  [[nodiscard]] LoadSpec spec_for(LoadFormat format, ColumnSet const& absent) const;

  // Appends the key of a row as it stands at the start of its CSV row: each key field followed by
  // kColumnSeparator. Two rows have one key exactly when these texts are equal, whatever the fields
  // hold. For tables without a key (key_count 0) nothing. The origin counts where walrock makes the
  // key.
  void append_key(Row row, std::string& out, RowOrigin origin = {}) const;
  // The key of an encoded CSV row, in the same form; a view into it.
  [[nodiscard]] std::string_view csv_key(std::string_view csv_row) const;

  // The fields of a key that the source has, as they are loaded.
  [[nodiscard]] std::vector<std::string> key_fields(Row row) const;

  // Of a row with absent cells: a full upsert row in which their fields are empty. False as
  // encode_csv. absent: these fields, by their place in the row and their offset in `out`.
  [[nodiscard]] bool encode_csv_with_gaps(Row row, RowOrigin origin, std::string& out,
                                          std::vector<AbsentField>& absent) const;

  // Appends the full upsert row that results when `row`, which has absent cells, follows `before`,
  // a CSV upsert row that leaves out the fields `left_out`: absent cells take their fields from it;
  // what is in neither is empty. False as encode_csv; absent: as above, all absent cells.
  [[nodiscard]] bool merge_csv(Row row, std::string_view before, ColumnSet const& left_out,
                               RowOrigin origin, std::string& out,
                               std::vector<AbsentField>& absent) const;

private:
  // How the text of one column is written; chosen once from Conversion and the target's type.
  enum class Form : std::uint8_t {
    made,        // not from the source, see MadeColumn
    text,        // as it is
    boolean,     // 1, 0
    number,      // digits; in JSON a string, so that StarRocks reads it as in CSV
    real,        // as number, of a FLOAT
    integer,     // digits, bare in JSON; NaN is none
    largeint,    // as integer, but a string in JSON
    decimal,     // as number; its digits must fit
    date,        // checked to lie within the years StarRocks knows
    timestamptz, // as date; the zone is cut off
    bytea,       // hex digits
    json,        // JSON text
    json_array,  // {1,2} -> JSON text
    array,       // {1,2} -> StarRocks' array form
  };

  struct Field {
    int source_index = -1;
    MadeColumn made = MadeColumn::none;
    Form form = Form::text;
    ArrayElement element = ArrayElement::text;
    bool is_key = false;
    bool is_boolean_target = false;
    bool has_moment_elements = false;
    bool has_real_elements = false;
    bool is_cuttable = false;
    bool is_plain_json = false; // not jsonb: any number and escape may be in a document
    ValuePolicy policy = ValuePolicy::fail;
    std::shared_ptr<ChangedValues::Counter> changed; // with a policy that changes values
    // The longest text, in bytes as PostgreSQL prints it. With the policy fail StarRocks looks.
    std::size_t most_bytes = SIZE_MAX;
    int integer_digits = 0;     // of a decimal
    int scale = 0;              // of a decimal
    std::string json_key;       // "name": with quotes, escapes and colon
    std::string load_name;      // in the columns list: the column, or a temporary field...
    std::string expression;     // ...that this computes the column from: `b`=unhex(`tmp`)
    std::string json_load_name; // the same for JSON bodies
    std::string json_expression;
  };

  void choose_form(Field& field, ColumnPlan const& column) const;
  void choose_policy(Field& field, ColumnPlan const& column, ChangedValues* changed) const;
  void name_field(Field& field, ColumnPlan const& column, std::size_t position) const;
  void prepare_delete_tail();

  void check_row(Row row) const;
  void check_absent(Field const& field) const;
  [[nodiscard]] static Value cell(Field const& field, Row row) {
    return field.source_index < 0 ? Value::null()
                                  : row[static_cast<std::size_t>(field.source_index)];
  }
  // Appends the field of a cell that is text. False, with a torn end, when the target cannot hold
  // the value.
  [[nodiscard]] bool append_field(Field const& field, std::string_view text,
                                  std::string& out) const;
  [[nodiscard]] bool append_array_field(Field const& field, std::string_view text, ArrayStyle style,
                                        std::string& out) const;
  [[nodiscard]] static bool holds_json(Field const& field, std::string_view text);
  [[nodiscard]] bool holds_text(Field const& field, std::string_view text) const {
    return text.size() <= field.most_bytes && (!plan_.is_unencoded || is_utf8(text));
  }
  // The counters of the values that were changed in a row; they count when the row is kept.
  using Changed = std::vector<ChangedValues::Counter*>;
  static void count(Changed const& changed) {
    for (ChangedValues::Counter* const counter : changed)
      counter->fetch_add(1, std::memory_order_relaxed);
  }
  // What takes the place of a value that the target cannot hold: NULL, or a text that it can, kept
  // in `kept`. Throws value_unsupported where the user decided nothing else.
  [[nodiscard]] Value substitute(Field const& field, std::string_view text, Changed& changed,
                                 std::string& kept) const;
  [[nodiscard]] std::optional<std::string> nearest(Field const& field, std::string_view text) const;
  [[nodiscard]] std::string_view why_unsupported(Field const& field, std::string_view text) const;
  [[nodiscard]] ColumnPlan const& column_of(Field const& field) const;
  [[nodiscard]] std::string const& name_of(Field const& field) const;
  void name_row(Row row, Error& error) const;
  [[noreturn]] void refuse(Field const& field, std::string_view text, std::string_view why) const;

  [[nodiscard]] bool append_csv_cell(Field const& field, Value value, Changed& changed,
                                     std::string& out) const;
  [[nodiscard]] bool close_csv_row(std::size_t start, std::size_t field_count, Op op,
                                   std::string& out) const;
  void append_made_cell(Field const& field, Row row, RowOrigin origin, std::string& out) const;
  void append_made_json(Field const& field, Row row, RowOrigin origin, std::string& out) const;
  void append_key_cell(Field const& field, Value value, std::string& out) const;
  void append_json_fields(Row row, Op op, RowOrigin origin, Changed& changed,
                          std::string& out) const;
  void append_json_cell(Field const& field, Value value, Changed& changed, std::string& out) const;
  [[nodiscard]] bool append_json_text(Field const& field, std::string_view text,
                                      std::string& out) const;
  [[nodiscard]] bool append_json_boolean(Field const& field, std::string_view text,
                                         std::string& out) const;
  [[nodiscard]] bool append_json_array_text(Field const& field, std::string_view text,
                                            std::string& out) const;

  TablePlan plan_;
  std::vector<Field> fields_;
  std::size_t row_size_ = 0;    // cells of a row of this layout
  std::string csv_delete_tail_; // everything of a delete row after its key
  std::string json_delete_tail_;
  bool has_op_ = false;
};

} // namespace walrock
