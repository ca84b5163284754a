// The text behind an ErrorURL: which rows of a load were refused, and why. Pure.
//
//   Error: <reason>. Row: <row>\n        about 50 of them
//
// A row is printed in one of three ways:
//   the fields as they were sent       1 \x01 a \x01 0         a field that could not be read
//   the object as it was sent          {"id":1,"name":"a"}     the same, of a JSON body
//   the columns, separated by ", "     [1, NULL, 0]            refused by the table's own rules
// A value may hold line breaks and anything else that separates.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "model/refused_row.h"

namespace walrock {

// It holds no more lines, and no more bytes of it are read.
inline constexpr std::size_t kErrorLogLines = 50;
inline constexpr std::size_t kErrorLogBytes = 256 << 10;

struct ErrorLogEntry {
  std::string_view reason;
  std::string_view row; // empty when the line has none
};

// Views into text.
[[nodiscard]] std::vector<ErrorLogEntry> parse_error_log(std::string_view text);

// The column that a reason is about, as StarRocks names it; empty when it names none.
[[nodiscard]] std::string_view column_of_reason(std::string_view reason);

// The entries as rows of the batch that was sent. The batch is read to tell the key of a row that
// was printed as columns. Reads back what is spooled; throws Error spool_failed.
[[nodiscard]] std::vector<RefusedRow> refused_rows(std::vector<ErrorLogEntry> const& entries,
                                                   Batch const& batch);
// Tells the hashes of the rows of these entries: that of the row that was printed as it was sent,
// or of the only row with its key. The whole batch is read, as above.
void find_hashes(std::vector<ErrorLogEntry> const& entries, Batch const& batch,
                 std::vector<RefusedRow>& rows);

// A row as it was sent, of which nothing is known but that it was refused.
[[nodiscard]] RefusedRow row_of(std::string_view row, LoadSpec const& spec);

} // namespace walrock
