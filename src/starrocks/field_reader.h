// Reads fields of rows back from a target table: docs/design/reading-back.md,
// docs/design/rows-without-key.md. The leader is asked: it knows of every commit that is visible.
#pragma once

#include <span>
#include <vector>

#include "model/batch.h"
#include "model/ranked_rows.h"
#include "model/read_back.h"
#include "starrocks/sql_connection.h"

namespace walrock {

// The wanted fields of rows of spec.target, whose fields and key `spec` names. Throws as
// SqlConnection::query does, and copy_needed when a row is not there.
[[nodiscard]] FieldValues read_fields(SqlConnection& sql, LoadSpec const& spec,
                                      std::span<WantedRow const> wanted);

// Where the wanted rows of spec.target stand, of which spec.key is hash, lsn and index. Throws as
// read_fields.
[[nodiscard]] std::vector<RowPlace> read_places(SqlConnection& sql, LoadSpec const& spec,
                                                std::span<RankedRow const> wanted);

} // namespace walrock
