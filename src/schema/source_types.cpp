#include "schema/source_types.h"

#include <algorithm>
#include <limits>

namespace walrock {

namespace {

using enum Family;

constexpr Oid kNameOid = 19;
constexpr int kNameBytes = 63; // NAMEDATALEN - 1

constexpr SourceType kTypes[] = {
    {"bool", 16, 1000, boolean, 1, "boolean", ""},
    {"int2", 21, 1005, integer, 2, "smallint", ""},
    {"int4", 23, 1007, integer, 4, "integer", ""},
    {"int8", 20, 1016, integer, 8, "bigint", ""},
    {"oid", 26, 1028, integer, 8, "oid", "unsigned"},
    {"xid", 28, 1011, integer, 8, "xid", "unsigned"},
    {"cid", 29, 1012, integer, 8, "cid", "unsigned"},
    {"xid8", 5069, 271, integer, 16, "xid8", "unsigned"},
    {"float4", 700, 1021, float4, 0, "real", "NaN and infinities are kept"},
    {"float8", 701, 1022, float8, 0, "double precision", "NaN and infinities are kept"},
    {"numeric", 1700, 1231, numeric, 0, "numeric",
     "the exact text: no type of StarRocks holds every value"},
    {"money", 790, 791, text, 128, "money",
     "as printed under the lc_monetary of the database, with currency sign: see Money"},
    {"text", 25, 1009, text, 0, "text", ""},
    {"varchar", 1043, 1015, characters, 0, "varchar", "without a length"},
    {"bpchar", 1042, 1014, characters, 0, "bpchar", "without a length"},
    {"char", 18, 1002, text, 4, "\"char\"", ""},
    {"name", 19, 1003, text, 252, "name", "63 bytes in the encoding of its database"},
    {"bytea", 17, 1001, bytea, 0, "bytea", "up to 512 KiB; as a key the hexadecimal text"},
    {"bit", 1560, 1561, bits, 0, "bit", "text of 0 and 1"},
    {"varbit", 1562, 1563, bits, 0, "bit varying", "text of 0 and 1"},
    {"date", 1082, 1182, date, 0, "date",
     "years 0001 to 9999; other years and infinity: see Values that a column cannot hold"},
    {"timestamp", 1114, 1115, timestamp, 0, "timestamp", "microseconds; years as date"},
    {"timestamptz", 1184, 1185, timestamptz, 0, "timestamptz",
     "in UTC or the job's time-zone; microseconds; years as date"},
    {"time", 1083, 1183, text, 15, "time", "as printed; StarRocks does not store TIME"},
    {"timetz", 1266, 1270, text, 24, "timetz", "as printed, with its offset"},
    {"interval", 1186, 1187, text, 64, "interval", "ISO 8601: P1Y2M3DT4H5M6.5S"},
    {"json", 114, 199, json, 0, "json",
     "one of duplicate keys; numbers: see Values that a column cannot hold; VARCHAR keeps the "
     "text"},
    {"jsonb", 3802, 3807, json, 0, "jsonb",
     "numbers: see Values that a column cannot hold; VARCHAR keeps the text"},
    {"jsonpath", 4072, 4073, text, 0, "jsonpath", ""},
    {"xml", 142, 143, text, 0, "xml", ""},
    {"uuid", 2950, 2951, text, 36, "uuid", ""},
    {"inet", 869, 1041, text, 49, "inet", ""},
    {"cidr", 650, 651, text, 49, "cidr", ""},
    {"macaddr", 829, 1040, text, 17, "macaddr", ""},
    {"macaddr8", 774, 775, text, 23, "macaddr8", ""},
    {"tsvector", 3614, 3643, text, 0, "tsvector", ""},
    {"tsquery", 3615, 3645, text, 0, "tsquery", ""},
    {"point", 600, 1017, text, 128, "point", "as printed"},
    {"lseg", 601, 1018, text, 128, "lseg", "as printed"},
    {"path", 602, 1019, text, 0, "path", "as printed"},
    {"box", 603, 1020, text, 128, "box", "as printed"},
    {"polygon", 604, 1027, text, 0, "polygon", "as printed"},
    {"line", 628, 629, text, 128, "line", "as printed"},
    {"circle", 718, 719, text, 128, "circle", "as printed"},
    {"int4range", 3904, 3905, text, 0, "int4range", "as printed"},
    {"int8range", 3926, 3927, text, 0, "int8range", "as printed"},
    {"numrange", 3906, 3907, text, 0, "numrange", "as printed"},
    {"tsrange", 3908, 3909, text, 0, "tsrange", "as printed"},
    {"tstzrange", 3910, 3911, text, 0, "tstzrange", "as printed, in the job's time-zone"},
    {"daterange", 3912, 3913, text, 0, "daterange", "as printed"},
    {"pg_lsn", 3220, 3221, text, 17, "pg_lsn", ""},
    {"tid", 27, 1010, text, 32, "tid", ""},
    {"pg_snapshot", 5038, 5039, text, 0, "pg_snapshot", ""},
    {"txid_snapshot", 2970, 2949, text, 0, "txid_snapshot", ""},
};

constexpr Oid kBox = 603; // the one core type whose arrays are separated by ';'
constexpr int kEnumBytes = 255;

int digits_width(int bytes) {
  switch (bytes) {
  case 2: return 6;
  case 4: return 11;
  case 8: return 20;
  default: return 40;
  }
}

// typmod of varchar(n), char(n) is n + 4; of bit(n) it is n.
int bounded_product(std::int64_t n, int factor) {
  return static_cast<int>(std::min<std::int64_t>(n * factor, std::numeric_limits<int>::max()));
}

} // namespace

std::span<SourceType const> source_types() {
  return kTypes;
}

SourceType const* find_source_type(Oid oid) {
  auto const* const found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                         [&](SourceType const& t) { return t.oid == oid; });
  return found == std::end(kTypes) ? nullptr : found;
}

SourceType const* find_element_type(Oid array_oid) {
  auto const* const found =
      std::find_if(std::begin(kTypes), std::end(kTypes),
                   [&](SourceType const& t) { return t.array_oid == array_oid; });
  return found == std::end(kTypes) ? nullptr : found;
}

Family family_of(SourceColumn const& column) {
  if (SourceType const* type = find_source_type(column.type_oid))
    return type->family;
  return find_element_type(column.type_oid) != nullptr ? array : text;
}

SourceType const* element_type_of(SourceColumn const& column) {
  SourceType const* element = find_element_type(column.type_oid);
  return element != nullptr && element->oid != kBox ? element : nullptr;
}

bool may_show_zone(SourceColumn const& column) {
  SourceType const* type = find_source_type(column.type_oid);
  if (type == nullptr)
    type = find_element_type(column.type_oid);
  if (type == nullptr)
    return column.type_kind != TypeKind::enum_;
  constexpr Oid kTstzrange = 3910;
  return type->family == timestamptz || type->oid == kTstzrange;
}

bool may_show_money(SourceColumn const& column) {
  constexpr Oid kMoney = 790;
  constexpr Oid kMoneyArray = 791;
  return column.type_oid == kMoney || column.type_oid == kMoneyArray ||
         column.type_kind == TypeKind::composite || column.type_kind == TypeKind::range ||
         (column.type_kind == TypeKind::array && find_element_type(column.type_oid) == nullptr);
}

// typmod - 4 holds the precision in its upper half and the scale, signed, in its lowest 11 bits.
std::optional<NumericShape> numeric_shape(std::int32_t typmod) {
  if (typmod < 4)
    return std::nullopt;
  int const precision = ((typmod - 4) >> 16) & 0xFFFF;
  int const scale = (((typmod - 4) & 0x7FF) ^ 0x400) - 0x400;
  return NumericShape{std::max(precision - scale, 0), std::max(scale, 0)};
}

TextWidth text_width(SourceColumn const& column) {
  SourceType const* type = find_source_type(column.type_oid);
  if (type == nullptr)
    return column.type_kind == TypeKind::enum_ ? TextWidth{kEnumBytes, 1} : TextWidth{};
  auto const exactly = [](int bytes) { return TextWidth{bytes, bytes}; };
  switch (type->family) {
  case boolean: return exactly(1);
  case integer: return exactly(digits_width(type->width));
  case float4: return exactly(15);
  case float8: return exactly(24);
  case date: return TextWidth{16, 10};
  case timestamp: return TextWidth{32, 26};
  case timestamptz: return TextWidth{38, 29}; // 0044-03-15 12:34:56.789012+00:53:28 BC
  case text: // a name has fewer characters than bytes only where its database is not in UTF-8
    return {type->width, type->oid == kNameOid ? kNameBytes : type->width};
  case characters:
    if (column.typmod < 4)
      return {};
    return {bounded_product(column.typmod - 4, 4), column.typmod - 4};
  case bits: return column.typmod < 1 ? TextWidth{} : exactly(column.typmod);
  case numeric:
    if (auto const shape = numeric_shape(column.typmod))   // sign, point, a zero before the point
      return exactly(std::max(shape->precision() + 3, 9)); // "-Infinity"
    return {};
  case bytea:
  case json:
  case array: return {};
  }
  return {};
}

} // namespace walrock
