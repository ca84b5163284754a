// What walrock knows of PostgreSQL's own types: the rows of the type map. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/source_table.h"

namespace walrock {

// Types of one family are carried in the same way.
enum class Family : std::uint8_t {
  boolean,
  integer, // width: bytes of the StarRocks integer that holds it
  float4,
  float8,
  numeric,    // by its typmod
  characters, // varchar(n), char(n): n characters, by its typmod
  bits,       // bit(n), varbit(n): n characters 0 and 1
  text,       // carried as printed; width: most bytes of its text, 0: no bound
  date,
  timestamp,
  timestamptz,
  bytea,
  json,
  array,
};

struct SourceType {
  std::string_view name; // pg_type.typname
  Oid oid = 0;
  Oid array_oid = 0;
  Family family = Family::text;
  int width = 0;
  std::string_view declared; // as a person writes it
  std::string_view note;     // for docs/guide/types.md
};

[[nodiscard]] std::span<SourceType const> source_types();
// The row of this oid, or of this array's element; the text fallback for oids that are not ours.
[[nodiscard]] SourceType const* find_source_type(Oid oid);
[[nodiscard]] SourceType const* find_element_type(Oid array_oid);

[[nodiscard]] Family family_of(SourceColumn const& column);
// For arrays: the row of the elements' type when walrock knows how PostgreSQL separates them.
[[nodiscard]] SourceType const* element_type_of(SourceColumn const& column);

// Is a moment with a zone printed in it, in the session's: also within a range or an array, and
// perhaps within a type that walrock does not know?
[[nodiscard]] bool may_show_zone(SourceColumn const& column);
// Values of the type may print money, by themselves or within.
[[nodiscard]] bool may_show_money(SourceColumn const& column);

struct NumericShape {
  int integer_digits = 0;
  int scale = 0;
  [[nodiscard]] int precision() const { return integer_digits + scale; }
};
// What numeric(p,s) can hold; nothing for numeric without a precision.
[[nodiscard]] std::optional<NumericShape> numeric_shape(std::int32_t typmod);

// Most bytes of the text of a value, and the least that a VARCHAR for it must have to be of use
// (the number of characters); 0: no bound.
struct TextWidth {
  int most_bytes = 0;
  int least_bytes = 0;
};
[[nodiscard]] TextWidth text_width(SourceColumn const& column);

} // namespace walrock
