// Rows that StarRocks refuses and that the job keeps aside (bad-rows: quarantine): the table they
// are in, and what identifies them. docs/design/bad-rows.md has the rules. Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "model/names.h"
#include "model/target_table.h"

namespace walrock {

inline constexpr char kQuarantineTable[] = "_walrock_quarantine";

// 32 hex digits: a key of StarRocks is at most 128 bytes, the key of a refused row may be longer.
using KeyHash = std::string;
// How many rows of a key are in quarantine. In the order of the hashes, so that the same changes
// always give the same bytes.
using QuarantinedKeys = std::map<KeyHash, std::uint32_t>;

[[nodiscard]] std::uint64_t total_of(QuarantinedKeys const& keys);

// key: as RowEncoder::append_key() writes it. Stable: it is in the table.
[[nodiscard]] KeyHash key_hash(TargetName const& target, std::string_view key);
// Of a row as it was sent, without the delimiter of CSV. The same bytes in another column list are
// another row. Never 0; not stable over builds.
[[nodiscard]] std::uint64_t row_hash(LoadSpec const& spec, std::string_view row);

// As it is created.
[[nodiscard]] TargetTable quarantine_table(std::string const& database);
// It has what walrock needs.
[[nodiscard]] bool is_quarantine_table(TargetTable const& existing);
// Of its loads: CSV, all columns.
[[nodiscard]] LoadSpec quarantine_spec(std::string const& database);

[[nodiscard]] inline bool is_quarantine(LoadSpec const& spec) {
  return spec.target.table == kQuarantineTable;
}

// The rows of a body, in order: views into it, without the delimiters of CSV and the commas and
// brackets of JSON.
[[nodiscard]] std::vector<std::string_view> rows_of_body(std::string_view body, LoadFormat format);

} // namespace walrock
