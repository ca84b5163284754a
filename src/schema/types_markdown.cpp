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
value exactly, the text that PostgreSQL prints is kept in a VARCHAR, so the default loses nothing but
the spelling of `json` and `jsonb` documents (`1.50`, `1e3`, blanks). A type that is not in the list (of an
extension, or your own) is carried as text too, with one warning for the column: no table fails
because of a type. The values are the same whatever `ALTER ROLE ... SET`, `ALTER DATABASE ... SET` and
postgresql.conf say of DateStyle, TimeZone and the like, by copy and by stream. Lengths of VARCHAR are bytes, so `varchar(n)` gets four for each character.

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
- `numeric` without a precision can be loaded into a DECIMAL: a number that does not fit is refused,
  it is never rounded without your word.
- Texts that are longer than their VARCHAR are refused by StarRocks, never cut without your word.

## Values that a column cannot hold

`unsupported-values` in the job file says by type what becomes of them, `column-unsupported-values` by
column: under `sink.starrocks` for all tables, under `tables` for some. What is said of a column comes
first, then of its type, then of `all`; else `fail`.

    sink:
      starrocks:
        unsupported-values: {date: clamp, timestamptz: clamp, numeric: "null"}
    tables:
      public.orders:
        column-unsupported-values: {shipped_at: text}

| policy | what becomes of the value |
|---|---|
| `fail` | the default: its row is refused. The table is set aside with the row's key, the column and the ways out, or the row is kept aside (`bad-rows: quarantine`); the other tables go on |
| `null` | NULL |
| `clamp` | the nearest value that the column holds; NULL where none is near |
| `text` | the column becomes a VARCHAR when walrock creates the table, and holds every value |

| type | values that are not held | nearest |
|---|---|---|
| `date`, `timestamp`, `timestamptz` | infinity, BC, years after 9999 | 0001-01-01, 9999-12-31, at 00:00:00 and 23:59:59.999999 |
| `numeric` | NaN, infinity; in a DECIMAL that you chose more digits before or behind the point than it has | the greatest or least number; a fraction rounded half away from zero, as PostgreSQL does; none to NaN |
| `text` (all that becomes a VARCHAR) | more bytes than the VARCHAR has | of text, varchar, char and name the beginning, cut at the end of a character; none to others |
| `bytea` | more than 524288 bytes (a VARCHAR holds its hexadecimal text, up to 524287) | the beginning |
| `json` | a number that is neither a 64-bit integer (signed or not) nor the shortest decimal form of a double, such as `12345678901234567890.5`, `0.12345678901234567890` or `1e400` | the document with the nearest double in its place |
| `json` | half a surrogate pair (`"\ud83d"`), which jsonb has never; more than 16 MiB | none |
| `array` | lower bounds other than 1; of `json[]` and `jsonb[]` the document `null` as an element, which would be an element that is NULL, and numbers as in `json`; in an ARRAY that you chose also more than one dimension, and elements that it does not hold | the array with lower bound 1; none to the others |
| every type, in a database whose encoding is SQL_ASCII | bytes that are not UTF-8 | with U+FFFD in their place |

Whatever is changed is counted: `changed_values` of the table in `walrock status --json`, and a line in
the log for the first value of a column and then at most one a minute. `walrock plan` and `walrock
check` say which policy is in force for which column. Copy and stream do the same. Values of a key are
never changed, since two rows could become one: there `null` and `clamp` mean `fail`; so does `null`
where the column takes no NULL, and `text` where the table was not made by walrock. A policy counts for
rows that come after it was set; to apply it to all, drop the target table and restart.

A `json` or `jsonb` column stays JSON by default, since that is what its queries are written for, and
nearly every document is held as it is: a table with other numbers stops with the row's key, and you
decide whether the column becomes a VARCHAR with the exact text (`json: text`), takes the nearest
double (`clamp`), or keeps the row aside.

Databases in another encoding (LATIN1, EUC_JP...) are converted by PostgreSQL itself. A character that
UTF-8 does not have, which only a few Asian encodings know, makes PostgreSQL refuse to send the row.

## Time zones

A DATETIME has no zone. `sink.starrocks.time-zone` (UTC by default) names the one that `timestamptz` is
written in, such as `Europe/Berlin`; PostgreSQL converts by its own tables. In the hour that comes twice
in autumn two moments become the same DATETIME, and one of an hour that is left out in spring does not
occur; UTC has neither. A `timestamptz` in a primary key is therefore a VARCHAR with its offset
(`2026-01-31 12:00:00+01`) when the zone is not UTC, and so is one that `column-types` or `text` makes a
VARCHAR. Times within ranges, composites and arrays of text are printed with their offset. After a
change of `time-zone` tables with `timestamptz` are set aside until they are copied again: drop the
target tables and restart.

## Money

A value of `money` is a whole number of the smallest unit of a currency; which currency, and how many of
the unit are one, only `lc_monetary` says: `$12.34` of `en_US` is `JPY 1,234` of `ja_JP`. walrock reads
the one of the database once when it starts, for copy and stream alike: what `ALTER DATABASE ... SET
lc_monetary` says, else `ALTER ROLE ALL SET`, else postgresql.conf. What `ALTER ROLE ... SET` says for
walrock's own role counts only where it hides postgresql.conf. When money is printed otherwise at a later
start, tables that have some are set aside, with both forms: set lc_monetary back if that is meant, drop
the target tables and restart. A locale that the server does not know is taken for `C`, with a warning.

## Arrays

PostgreSQL's array types do not say how many dimensions their values have, and any element may be
NULL, so an array becomes JSON, which holds all of that: `{{1,2},{3,NULL}}` becomes
`[[1,2],[3,null]]`. Elements that are not numbers, booleans or JSON become strings, as PostgreSQL
prints them. Lower bounds other than 1 (`[2:3]={7,8}`) cannot be said in JSON: see above.

Where JSON could not be exact (`numeric[]`, since StarRocks keeps numbers of JSON as doubles), or
where the elements' separator is not known (arrays of your own types), the array is kept in a VARCHAR
as PostgreSQL prints it: `{1.50,NULL}`.

`column-types` can ask for `ARRAY<...>`: then a value with more than one dimension is not held.

## Empty text and NULL

They stay apart everywhere, as do the JSON document `null` and NULL (within an array of documents the
first is not held: see above).
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
    return row(sample(type.oid, numeric_typmod(10, 2)),
               "NaN: see Values that a column cannot hold") +
           row(sample(type.oid, numeric_typmod(18, 0)),
               "NaN: see Values that a column cannot hold") +
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
