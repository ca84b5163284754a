// Reads fields of rows back from a target table: docs/design/reading-back.md,
// docs/design/rows-without-key.md. The leader is asked: it knows of every commit that is visible.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/ranked_rows.h"
#include "model/read_back.h"
#include "starrocks/sql_connection.h"

namespace walrock {

// The wanted fields of rows of spec.target, whose fields and key `spec` names. Nothing: the answer
// of more than one row is too large. Throws as SqlConnection::query does, copy_needed when a row is
// not there or one of its values too large, and what as_loaded throws.
[[nodiscard]] std::optional<FieldValues> read_fields(SqlConnection& sql, LoadSpec const& spec,
                                                     std::span<WantedRow const> wanted);

// A value that StarRocks printed in an answer, as CSV loads it. Throws value_unsupported for one
// that CSV cannot say: a JSON document that is a number, true, false or null.
[[nodiscard]] std::string as_loaded(LoadField const& field, std::string printed);

// Where the wanted rows of spec.target stand, of which spec.key is hash, lsn and index. Throws as
// read_fields.
[[nodiscard]] std::vector<RowPlace> read_places(SqlConnection& sql, LoadSpec const& spec,
                                                std::span<RankedRow const> wanted);

} // namespace walrock
