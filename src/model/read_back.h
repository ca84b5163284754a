// Fills the empty fields of CSV bodies with values that only the target has. Pure: the target is
// asked by the caller. See docs/design/reading-back.md.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"

namespace walrock {

// The most rows whose fields are asked for at once.
inline constexpr std::size_t kRowsReadBack = 16;

// The row of one key, and which of its fields are wanted.
struct WantedRow {
  std::vector<std::string> const* key = nullptr;
  std::vector<std::size_t> fields; // ascending
};

// The values of the wanted fields, row by row, as they are loaded (bytes as hexadecimal digits);
// nothing: NULL.
using FieldValues = std::vector<std::vector<std::optional<std::string>>>;
// Nothing: the answer would be too large, fewer rows are to be asked for. One row is always
// answered.
using ReadFields = std::function<std::optional<FieldValues>(std::span<WantedRow const>)>;

// The body with its references filled, in pieces that are bodies of their own (whole rows), each of
// which is given to `take` before the next is read, as long as it wants more. Throws what `read`
// and `take` throw, and Error value_unsupported for a value that CSV cannot say.
void fill_references(std::string_view bytes, std::span<FieldReference const> references,
                     ReadFields const& read, std::function<bool(std::string_view)> const& take);

} // namespace walrock
