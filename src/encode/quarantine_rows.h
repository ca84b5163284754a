// ENCODE of rows that are kept aside: rows of the quarantine table, as CSV. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/lsn.h"
#include "model/quarantine.h"
#include "model/refused_row.h"
#include "model/table_plan.h"
#include "model/value.h"

namespace walrock {

struct QuarantinedRow {
  KeyHash key;
  std::uint32_t number = 0; // in the order of the rows of one key
  TargetName target;
  TableName source;
  std::string key_json; // {"id":"5"}
  std::string column;   // empty: not known
  std::string reason;
  std::string row_json;
  Lsn commit_lsn;
  std::int64_t seen_at = 0; // microseconds since 2000; 0: not known
};

void append_quarantined(QuarantinedRow const& row, std::string& out);
// Removes the row of that number.
void append_released(KeyHash const& key, std::uint32_t number, std::string& out);

// {"column":"text",...} as PostgreSQL wrote the values; absent cells are left out, and a value that
// is very long is cut. key_only: the columns of the key alone.
[[nodiscard]] std::string json_of_row(TablePlan const& plan, Row row, bool key_only);

// The same of a row as it was encoded for a label with this spec.
struct EncodedRow {
  std::string key; // as RowEncoder::append_key() writes it
  std::string key_json;
  std::string row_json;
};
[[nodiscard]] EncodedRow read_encoded(LoadSpec const& spec, std::string_view row);

} // namespace walrock
