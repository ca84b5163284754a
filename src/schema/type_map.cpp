#include "schema/type_map.h"

#include <algorithm>

#include "schema/source_types.h"
#include "schema/value_policy.h"

namespace walrock {

namespace {

using Kind = TargetType::Kind;

TargetType of_kind(Kind kind) {
  TargetType type;
  type.kind = kind;
  return type;
}

TargetType varchar(int most_bytes) {
  TargetType type = of_kind(Kind::varchar);
  type.length = most_bytes == 0 ? kMaxVarcharBytes : std::min(most_bytes, kMaxVarcharBytes);
  return type;
}

TargetType decimal(NumericShape shape) {
  TargetType type = of_kind(Kind::decimal);
  type.precision = std::max(shape.precision(), 1);
  type.scale = shape.scale;
  return type;
}

TargetType integer_of_width(int bytes) {
  switch (bytes) {
  case 2: return of_kind(Kind::smallint);
  case 4: return of_kind(Kind::int_);
  case 8: return of_kind(Kind::bigint);
  default: return of_kind(Kind::largeint);
  }
}

TypeMapping as_text(SourceColumn const& column) {
  return {varchar(text_width(column).most_bytes), Conversion::text};
}

ArrayElement element_of(Family family) {
  switch (family) {
  case Family::boolean: return ArrayElement::boolean;
  case Family::integer:
  case Family::float4:
  case Family::float8:
  case Family::numeric: return ArrayElement::number;
  case Family::json: return ArrayElement::json;
  default: return ArrayElement::text;
  }
}

// Numbers of JSON are 64-bit integers or doubles in StarRocks.
bool is_exact_in_json(SourceType const& element) {
  return element.family != Family::numeric &&
         !(element.family == Family::integer && element.width > 8);
}

TypeMapping map_array(SourceColumn const& column) {
  SourceType const* element = element_type_of(column);
  if (element == nullptr || !is_exact_in_json(*element))
    return as_text(column);
  return {of_kind(Kind::json), Conversion::array, element_of(element->family)};
}

} // namespace

TypeMapping map_type(SourceColumn const& column) {
  switch (family_of(column)) {
  case Family::boolean: return {of_kind(Kind::boolean), Conversion::boolean};
  case Family::integer:
    return {integer_of_width(find_source_type(column.type_oid)->width), Conversion::number};
  case Family::float4: return {of_kind(Kind::float_), Conversion::number};
  case Family::float8: return {of_kind(Kind::double_), Conversion::number};
  case Family::numeric:
    if (auto const shape = numeric_shape(column.typmod);
        shape && shape->precision() <= kMaxDecimalDigits)
      return {decimal(*shape), Conversion::number};
    return as_text(column);
  case Family::date: return {of_kind(Kind::date), Conversion::text};
  case Family::timestamp: return {of_kind(Kind::datetime), Conversion::text};
  case Family::timestamptz: return {of_kind(Kind::datetime), Conversion::timestamptz};
  case Family::bytea: return {of_kind(Kind::varbinary), Conversion::bytea};
  case Family::json: return {of_kind(Kind::json), Conversion::json};
  case Family::array: return map_array(column);
  case Family::characters:
  case Family::bits:
  case Family::text: break;
  }
  return as_text(column);
}

TypeMapping map_key_type(SourceColumn const& column) {
  if (family_of(column) == Family::numeric)
    if (auto const shape = numeric_shape(column.typmod);
        shape && shape->scale == 0 && shape->precision() <= kMaxDecimalDigits)
      return {of_kind(Kind::largeint), Conversion::number};
  TypeMapping const mapping = map_type(column);
  return is_allowed_as_primary_key(mapping.type) ? mapping : as_text(column);
}

TargetType default_type(SourceColumn const& column, TableOptions const& options, bool is_key) {
  bool const may_coincide = is_key && family_of(column) == Family::timestamptz && !options.is_utc();
  if (may_coincide || policy_of(column, options) == ValuePolicy::text)
    return as_text(column).type;
  return is_key ? map_key_type(column).type : map_type(column).type;
}

std::string fallback_sentence(SourceColumn const& column) {
  bool const is_known = find_source_type(column.type_oid) != nullptr ||
                        find_element_type(column.type_oid) != nullptr ||
                        column.type_kind == TypeKind::enum_;
  if (is_known)
    return "";
  return "walrock has no mapping of its own for " + column.declared_type + ": it becomes " +
         to_string(map_type(column).type) + ", as PostgreSQL prints it";
}

namespace {

Fit exact(Conversion conversion, ArrayElement element = ArrayElement::text) {
  return {Fit::Kind::exact, {}, conversion, element};
}
Fit risky(std::string why, Conversion conversion, ArrayElement element = ArrayElement::text) {
  return {Fit::Kind::risky, std::move(why), conversion, element};
}
Fit refused(std::string why) {
  return {Fit::Kind::refused, std::move(why)};
}

Fit refused_type(TargetType const& target) {
  return refused(to_string(target) + " cannot hold these values");
}

// Every type has a text. StarRocks refuses texts that are too long (strict mode), it does not cut.
Fit fit_string(SourceColumn const& column, TargetType const& target) {
  constexpr int kLongEnough = 65533; // STRING: too long for a warning to be of use
  TextWidth const width = text_width(column);
  bool const holds_all = width.most_bytes == 0
                             ? target.length >= kLongEnough
                             : target.length >= std::min(width.most_bytes, kLongEnough);
  if (holds_all)
    return exact(Conversion::text);
  std::string const limit = std::to_string(target.length) + " bytes";
  if (target.length < width.least_bytes)
    return refused("texts of up to " + std::to_string(width.least_bytes) +
                   " characters do not fit into " + limit);
  return risky("texts longer than " + limit + " (UTF-8) are refused", Conversion::text);
}

int integer_width(Kind kind) {
  switch (kind) {
  case Kind::tinyint: return 1;
  case Kind::smallint: return 2;
  case Kind::int_: return 4;
  case Kind::bigint: return 8;
  case Kind::largeint: return 16;
  default: return 0;
  }
}

// Decimal digits that every value of an integer type of this width may have.
int digits_of_width(int bytes) {
  switch (bytes) {
  case 1: return 3;
  case 2: return 5;
  case 4: return 10;
  case 8: return 19;
  default: return 39;
  }
}

Fit fit_integer(int width, TargetType const& target) {
  if (target.is_integer()) {
    if (integer_width(target.kind) >= width)
      return exact(Conversion::number);
    return refused("larger numbers do not fit into " + to_string(target));
  }
  if (target.kind == Kind::decimal && target.precision - target.scale >= digits_of_width(width))
    return exact(Conversion::number);
  if ((target.kind == Kind::double_ && width <= 4) || (target.kind == Kind::float_ && width <= 2))
    return exact(Conversion::number);
  return refused_type(target);
}

Fit fit_numeric(SourceColumn const& column, TargetType const& target) {
  auto const shape = numeric_shape(column.typmod);
  if (target.kind == Kind::decimal) {
    int const integer_digits = target.precision - target.scale;
    if (!shape)
      return risky("numbers with more than " + std::to_string(integer_digits) +
                       " digits before or " + std::to_string(target.scale) +
                       " after the point, and NaN, are refused",
                   Conversion::number);
    if (integer_digits >= shape->integer_digits && target.scale >= shape->scale)
      return exact(Conversion::number);
    return refused("numbers with " + std::to_string(shape->integer_digits) + " digits before and " +
                   std::to_string(shape->scale) + " after the point do not fit");
  }
  bool const is_whole = shape && shape->scale == 0;
  if (is_whole && target.is_integer() &&
      shape->integer_digits < digits_of_width(integer_width(target.kind)))
    return exact(Conversion::number);
  return refused_type(target);
}

// An ARRAY column takes one dimension only, and PostgreSQL's types do not say how many there are.
Fit fit_array(SourceColumn const& column, TargetType const& target) {
  SourceType const* element = element_type_of(column);
  if (element == nullptr)
    return refused("walrock does not know how the elements are separated; use VARCHAR");
  if (target.kind == Kind::json) {
    ArrayElement const form = element_of(element->family);
    if (is_exact_in_json(*element))
      return exact(Conversion::array, form);
    return refused("StarRocks would round numbers within JSON; use VARCHAR");
  }
  if (target.kind != Kind::array)
    return refused_type(target);
  SourceColumn one = column;
  one.type_oid = element->oid;
  one.type_kind = TypeKind::base;
  TargetType const element_type = parse_target_type(target.element);
  Fit const inner = fit(one, element_type);
  bool const is_sayable = inner.conversion != Conversion::bytea &&
                          element_type.kind != Kind::array && element_type.kind != Kind::json;
  if (inner.kind == Fit::Kind::refused || !is_sayable ||
      (inner.kind == Fit::Kind::risky && element_type.kind == Kind::decimal))
    return refused("its elements do not fit into " + to_string(element_type));
  bool const is_quoted = element_type.is_string() || inner.conversion == Conversion::timestamptz;
  return risky("arrays of more than one dimension are refused", Conversion::array,
               is_quoted ? ArrayElement::text : element_of(element->family));
}

} // namespace

Fit fit(SourceColumn const& column, TargetType const& target) {
  if (target.kind == Kind::other)
    return refused("walrock does not load columns of this type");
  if (target.is_string())
    return fit_string(column, target);
  switch (family_of(column)) {
  case Family::boolean:
    if (target.kind == Kind::boolean || target.is_integer())
      return exact(Conversion::boolean);
    return refused_type(target);
  case Family::integer: return fit_integer(find_source_type(column.type_oid)->width, target);
  case Family::float4:
    if (target.kind == Kind::float_)
      return exact(Conversion::number);
    [[fallthrough]];
  case Family::float8:
    return target.kind == Kind::double_ ? exact(Conversion::number) : refused_type(target);
  case Family::numeric: return fit_numeric(column, target);
  case Family::date:
    if (target.kind == Kind::date || target.kind == Kind::datetime)
      return exact(Conversion::text);
    return refused_type(target);
  case Family::timestamp:
    return target.kind == Kind::datetime ? exact(Conversion::text) : refused_type(target);
  case Family::timestamptz:
    return target.kind == Kind::datetime ? exact(Conversion::timestamptz) : refused_type(target);
  case Family::bytea:
    return target.kind == Kind::varbinary ? exact(Conversion::bytea) : refused_type(target);
  case Family::json:
    return target.kind == Kind::json ? exact(Conversion::json) : refused_type(target);
  case Family::array: return fit_array(column, target);
  case Family::characters:
  case Family::bits:
  case Family::text: break;
  }
  return refused_type(target);
}

SourceColumn describe_column(RelationColumn const& column) {
  SourceColumn out;
  out.name = column.name;
  out.type_oid = out.wire_type_oid = column.type_oid;
  out.typmod = out.wire_typmod = column.typmod;
  out.type_namespace = "pg_catalog";
  if (SourceType const* type = find_source_type(column.type_oid)) {
    out.type_name = type->name;
    out.declared_type = type->declared;
  } else if (SourceType const* element = find_element_type(column.type_oid)) {
    out.type_name = "_" + std::string(element->name);
    out.declared_type = std::string(element->declared) + "[]";
    out.type_kind = TypeKind::array;
    return out;
  } else {
    out.declared_type = "type " + std::to_string(column.type_oid);
    return out;
  }
  Family const family = family_of(out);
  if (family == Family::numeric)
    if (auto const shape = numeric_shape(column.typmod))
      out.declared_type +=
          "(" + std::to_string(shape->precision()) + "," + std::to_string(shape->scale) + ")";
  if (family == Family::characters && column.typmod >= 4)
    out.declared_type += "(" + std::to_string(column.typmod - 4) + ")";
  if (family == Family::bits && column.typmod >= 1)
    out.declared_type += "(" + std::to_string(column.typmod) + ")";
  return out;
}

} // namespace walrock
