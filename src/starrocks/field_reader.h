// Reads fields of rows back from a target table: docs/design/reading-back.md.
#pragma once

#include <span>

#include "model/batch.h"
#include "model/read_back.h"
#include "starrocks/sql_connection.h"

namespace walrock {

// The wanted fields of rows of spec.target, whose fields and key `spec` names. The leader is asked:
// it knows of every commit that is visible. Throws as SqlConnection::query does, and copy_needed
// when a row is not there.
[[nodiscard]] FieldValues read_fields(SqlConnection& sql, LoadSpec const& spec,
                                      std::span<WantedRow const> wanted);

} // namespace walrock
