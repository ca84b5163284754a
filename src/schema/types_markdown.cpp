// docs/guide/types.md, made from the type map itself.
#include <string>

#include "schema/source_types.h"
#include "schema/type_map.h"

namespace walrock {

namespace {

constexpr char kBefore[] = R"(# Types

<!-- Made from src/schema/source_types.cpp: change it there, then run
     WALROCK_UPDATE_GOLDEN=1 schema_test. -->

What a column becomes in a table that walrock creates. Where StarRocks has no type that holds every
value exactly, the text that PostgreSQL prints is kept in a VARCHAR, so the default loses nothing,
with two exceptions: the spelling of `json` and `jsonb` documents (numbers, blanks), and lower bounds
of arrays. Lengths of VARCHAR are bytes, so `varchar(n)` gets four for each character.

The column "as key" is the type in a primary key: StarRocks allows no floating point numbers,
DECIMAL, CHAR, VARBINARY or JSON there. All columns of a key together may take 128 bytes; StarRocks
refuses the rows whose key is longer.

| PostgreSQL | StarRocks | as key | |
|---|---|---|---|
)";

constexpr char kAfter[] = R"(
## Other choices

`column-types` in the job file chooses another type for a column, and a table that exists already may
have other types. walrock takes what holds every value, warns where some values could be refused, and
sets the table aside where values would be changed. VARCHAR holds every type, as PostgreSQL prints
it.

- Wider is fine: BIGINT for `integer`, a longer VARCHAR, a DECIMAL with at least as many digits on
  both sides of the point, DATETIME for `date`.
- `numeric` without a precision can be loaded into a DECIMAL: a number that does not fit sets the
  table aside, it is never rounded.
- Texts that are longer than their VARCHAR are refused by StarRocks, never cut.

## Arrays

PostgreSQL's array types do not say how many dimensions their values have, and any element may be
NULL, so an array becomes JSON, which holds all of that: `{{1,2},{3,NULL}}` becomes
`[[1,2],[3,null]]`. Elements that are not numbers, booleans or JSON become strings, as PostgreSQL
prints them. Lower bounds other than 1 (`[2:3]={7,8}`) are not kept in JSON.

Where JSON could not be exact (`numeric[]`, since StarRocks keeps numbers of JSON as doubles), or
where the elements' separator is not known (arrays of your own types), the array is kept in a VARCHAR
as PostgreSQL prints it: `{1.50,NULL}`.

`column-types` can ask for `ARRAY<...>`: then a value with more than one dimension is refused.

## Empty text and NULL

They stay apart everywhere, as do the JSON document `null` and NULL.
)";

SourceColumn sample(Oid oid, std::int32_t typmod = -1) {
  return describe_column({"c", oid, typmod, false});
}

std::string row(SourceColumn const& column, std::string_view name, std::string_view note) {
  return "| " + std::string(name) + " | " + to_string(map_type(column).type) + " | " +
         to_string(map_key_type(column).type) + " | " + std::string(note) + " |\n";
}

std::string row(SourceColumn const& column, std::string_view note) {
  return row(column, column.declared_type, note);
}

std::int32_t numeric_typmod(int precision, int scale) {
  return (precision << 16 | (scale & 0x7FF)) + 4;
}

// The types whose mapping depends on what is declared, by example.
std::string sized_rows(SourceType const& type) {
  switch (type.family) {
  case Family::numeric:
    return row(sample(type.oid, numeric_typmod(10, 2)), "NaN sets the table aside") +
           row(sample(type.oid, numeric_typmod(18, 0)), "NaN sets the table aside") +
           row(sample(type.oid, numeric_typmod(50, 10)), "more than 38 digits: the exact text");
  case Family::characters:
    return row(sample(type.oid, 100 + 4),
               type.name == "bpchar" ? "char(100), with its blanks" : "");
  case Family::bits: return row(sample(type.oid, 8), "text of 0 and 1");
  default: return {};
  }
}

// A plain bit is bit(1).
bool is_always_sized(SourceType const& type) {
  return type.name == "bit";
}

std::string array_rows() {
  std::string out;
  for (Oid const oid : {1007u, 1009u, 1231u})
    out += row(sample(oid), oid == 1231u ? "as printed" : "see Arrays");
  return out;
}

std::string fallback_rows() {
  SourceColumn unknown;
  SourceColumn label;
  label.type_kind = TypeKind::enum_;
  return row(label, "enum types", "the label") + "| domains | as their base type | | |\n" +
         row(unknown, "composite types, other ranges, multiranges", "as printed") +
         row(unknown, "every other type (citext, hstore, ltree, geometry, vector...)",
             "as printed");
}

} // namespace

std::string types_markdown() {
  std::string out = kBefore;
  for (SourceType const& type : source_types())
    out += sized_rows(type) + (is_always_sized(type) ? "" : row(sample(type.oid), type.note));
  return out + array_rows() + fallback_rows() + kAfter;
}

} // namespace walrock
