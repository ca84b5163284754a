// Names of StarRocks types: the catalog's spelling made the one of our TargetColumn. Pure.
#pragma once

#include <string>
#include <string_view>

namespace walrock {

// COLUMN_TYPE of information_schema.columns, or the type of DESC and SHOW CREATE TABLE, as
// StarRocks SQL writes it, upper case and without blanks: "bigint(20) unsigned" -> "LARGEINT",
// "tinyint(1)" -> "BOOLEAN", "decimal64(10, 2)" -> "DECIMAL(10,2)", "int(11)" -> "INT".
// Field names inside STRUCT keep their case: "STRUCT<id INT,Name VARCHAR(10)>".
[[nodiscard]] std::string column_type_from_catalog(std::string_view catalog_type);

} // namespace walrock
