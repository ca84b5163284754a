// PostgreSQL type -> StarRocks type: the one table of truth, and what other targets hold its
// values. docs/guide/types.md is made from it.
//
// The default mapping loses nothing: where StarRocks has no type that holds every value exactly,
// the text that PostgreSQL prints becomes a VARCHAR. Every type has a mapping, by that rule.
#pragma once

#include <string>
#include <string_view>

#include "model/source_table.h"
#include "model/table_options.h"
#include "model/table_plan.h"
#include "schema/target_type.h"

namespace walrock {

struct TypeMapping {
  TargetType type;
  Conversion conversion = Conversion::text;
  ArrayElement element = ArrayElement::text;
};

// The default type of a value column.
[[nodiscard]] TypeMapping map_type(SourceColumn const& column);
// The default type of a column of a primary key: where StarRocks refuses the type above as a key,
// the exact text in a VARCHAR, or LARGEINT for whole numbers.
[[nodiscard]] TypeMapping map_key_type(SourceColumn const& column);

// The type that walrock gives a column of its own choice: one of the two above, or the exact text
// where unsupported-values says so, and for moments of a key in a zone of which an hour comes
// twice.
[[nodiscard]] TargetType default_type(SourceColumn const& column, TableOptions const& options,
                                      bool is_key);
// Types that walrock has no row for are carried as text: a sentence that says so; empty for others.
[[nodiscard]] std::string fallback_sentence(SourceColumn const& column);

// How well a column of StarRocks holds the values of a column of PostgreSQL.
struct Fit {
  enum class Kind : std::uint8_t {
    exact,   // every value
    risky,   // most values; the others are refused loudly when they come, never changed
    refused, // values would be changed or never load
  };
  Kind kind = Kind::refused;
  std::string why; // for risky and refused: one clause
  Conversion conversion = Conversion::text;
  ArrayElement element = ArrayElement::text;
};
[[nodiscard]] Fit fit(SourceColumn const& column, TargetType const& target);

// What is known of a column from a Relation message alone: the built-in types by their oid. Unknown
// oids become a type that is carried as text.
[[nodiscard]] SourceColumn describe_column(RelationColumn const& column);

// docs/guide/types.md.
[[nodiscard]] std::string types_markdown();

} // namespace walrock
