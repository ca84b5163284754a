#include "encode/quarantine_rows.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "encode/json_text.h"
#include "encode/key_cell.h"
#include "model/pg_time.h"

namespace walrock {

namespace {

using nlohmann::json;

constexpr std::size_t kLongestValue = 64 << 10;
constexpr std::size_t kLongestReason = 4000;

// A text that CSV can say: control bytes are of no use to who reads it.
std::string plain(std::string_view text, std::size_t limit) {
  std::string out = replace_invalid_utf8(utf8_prefix(text, limit));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ')
      c = ' ';
  return out == "\\N" ? "" : out;
}

class JsonObject {
public:
  void add(std::string_view name, std::optional<std::string_view> text) {
    out_ += out_.empty() ? '{' : ',';
    append_json_string(name, out_);
    out_ += ':';
    if (!text) {
      out_ += "null";
      return;
    }
    std::string_view const prefix = utf8_prefix(*text, kLongestValue);
    std::string const kept = replace_invalid_utf8(prefix); // of an SQL_ASCII database
    if (prefix.size() == text->size())
      append_json_string(kept, out_);
    else
      append_json_string(fmt::format("{}... ({} bytes)", kept, text->size()), out_);
  }
  [[nodiscard]] std::string take() { return (out_.empty() ? "{" : std::move(out_)) + "}"; }

private:
  std::string out_;
};

void append_field(std::string_view text, std::string& out) {
  out += text;
  out += kColumnSeparator;
}

std::string moment(std::int64_t microseconds_since_2000) {
  if (microseconds_since_2000 == 0)
    return "\\N";
  std::chrono::sys_seconds const at(kPgEpoch +
                                    std::chrono::seconds(microseconds_since_2000 / 1'000'000));
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", at);
}

} // namespace

void append_quarantined(QuarantinedRow const& row, std::string& out) {
  append_field(row.key, out);
  append_field(std::to_string(row.number), out);
  append_field(plain(row.target.table, 1000), out);
  append_field(plain(to_string(row.source), 1000), out);
  append_field(row.key_json, out);
  append_field(row.column.empty() ? "\\N" : plain(row.column, 1000), out);
  append_field(plain(row.reason, kLongestReason), out);
  append_field(row.row_json, out);
  append_field(row.commit_lsn.is_set() ? std::to_string(row.commit_lsn.value) : "\\N", out);
  append_field(moment(row.seen_at), out);
  append_field("0", out);
  out += '0';
  out += kRowDelimiter;
}

void append_released(KeyHash const& key, std::uint32_t number, std::string& out) {
  append_field(key, out);
  append_field(std::to_string(number), out);
  append_field("-", out); // target_table and source_table are NOT NULL
  append_field("-", out);
  for (int column = 4; column < 11; ++column)
    append_field("\\N", out);
  out += '1';
  out += kRowDelimiter;
}

std::string json_of_row(TablePlan const& plan, Row row, bool key_only) {
  JsonObject object;
  std::size_t const count =
      key_only ? static_cast<std::size_t>(plan.key_count) : plan.columns.size();
  for (std::size_t i = 0; i < count; ++i) {
    ColumnPlan const& column = plan.columns[i];
    if (column.source_index < 0)
      continue;
    Value const value = row[static_cast<std::size_t>(column.source_index)];
    if (value.is_text())
      object.add(column.name, value.text);
    else if (value.is_null())
      object.add(column.name, std::nullopt);
  }
  return object.take();
}

namespace {

// The names of a `columns` header: `a`,`tmp`,`__op`,`b`=unhex(`tmp`) gives a, b, __op: the fields
// of a row in their order, under the names of the columns that they become.
class ColumnNames {
public:
  explicit ColumnNames(std::string_view text) : text_(text) {
    while (at_ < text_.size()) {
      std::string name = quoted();
      if (at_ < text_.size() && text_[at_] == '=')
        rename(std::move(name));
      else
        names_.push_back(std::move(name));
      at_ = text_.find('`', at_);
    }
  }
  [[nodiscard]] std::vector<std::string> const& names() const { return names_; }
  [[nodiscard]] std::string const& renamed(std::string const& field) const {
    auto const found = std::find_if(renamed_.begin(), renamed_.end(),
                                    [&](auto const& pair) { return pair.first == field; });
    return found == renamed_.end() ? field : found->second;
  }
  // [document] -> document
  [[nodiscard]] bool is_wrapped(std::string const& field) const {
    return std::find(wrapped_.begin(), wrapped_.end(), field) != wrapped_.end();
  }

private:
  // At a backtick; ends behind the closing one.
  std::string quoted() {
    std::string name;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '`' && !(at_ + 1 < text_.size() && text_[at_ + 1] == '`'))
        break;
      at_ += text_[at_] == '`' ? 1 : 0;
      name += text_[at_];
    }
    ++at_;
    return name;
  }
  // `column`=function(`field`)
  void rename(std::string column) {
    bool const is_wrapped = text_.substr(at_ + 1).starts_with(kFirstElement);
    at_ = text_.find('`', at_);
    if (at_ == std::string_view::npos)
      return;
    renamed_.emplace_back(quoted(), std::move(column));
    if (is_wrapped)
      wrapped_.push_back(renamed_.back().first);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, std::string>> renamed_;
  std::vector<std::string> wrapped_;
};

struct Cell {
  std::string column;
  std::optional<std::string> text;
};

std::vector<Cell> cells_of_csv(ColumnNames const& columns, std::string_view row) {
  std::vector<Cell> cells;
  for (std::string const& field : columns.names()) {
    std::size_t const end = std::min(row.find(kColumnSeparator), row.size());
    std::string_view const text = row.substr(0, end);
    row.remove_prefix(std::min(end + 1, row.size()));
    cells.push_back(
        {columns.renamed(field), text == "\\N" ? std::nullopt : std::optional(std::string(text))});
  }
  return cells;
}

// As the encoder writes the same value in CSV.
std::optional<std::string> csv_text(json const& value) {
  if (value.is_null())
    return std::nullopt;
  if (value.is_boolean())
    return value.get<bool>() ? "1" : "0";
  if (value.is_string())
    return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<Cell> cells_of_json(ColumnNames const& columns, std::string_view row) {
  std::vector<Cell> cells;
  json const object = json::parse(row, nullptr, false);
  for (std::string const& field : columns.names())
    if (auto const found = object.find(field); found != object.end()) {
      auto text = csv_text(*found);
      if (text && text->size() >= 2 && columns.is_wrapped(field))
        text = text->substr(1, text->size() - 2);
      cells.push_back({columns.renamed(field), std::move(text)});
    }
  return cells;
}

// As RowEncoder::append_key().
void append_key_cell(Cell const& cell, std::string& out) {
  std::size_t const start = out.size();
  out += cell.text.value_or("\\N");
  close_key_cell(start, !cell.text, out);
}

} // namespace

EncodedRow read_encoded(LoadSpec const& spec, std::string_view row) {
  ColumnNames const columns(spec.columns);
  std::vector<Cell> const cells =
      spec.format == LoadFormat::csv ? cells_of_csv(columns, row) : cells_of_json(columns, row);
  EncodedRow out;
  JsonObject key;
  JsonObject whole;
  for (Cell const& cell : cells) {
    if (cell.column == "__op")
      continue;
    bool const is_key = std::find(spec.key.begin(), spec.key.end(), cell.column) != spec.key.end();
    if (is_key) {
      append_key_cell(cell, out.key);
      key.add(cell.column, cell.text);
    }
    whole.add(cell.column, cell.text);
  }
  out.key_json = key.take();
  out.row_json = whole.take();
  return out;
}

} // namespace walrock
