// The types of StarRocks: read from any of their spellings, written in one, compared. Pure values.
//
// information_schema, DESC and SHOW CREATE TABLE spell types in their own ways: bigint(20),
// "bigint(20) unsigned" (LARGEINT), tinyint(1) (BOOLEAN), decimal64(10, 2), varchar(65533).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace walrock {

inline constexpr int kMaxVarcharBytes = 1048576;
inline constexpr int kMaxDecimalDigits = 38;
// Encoded bytes of a primary key (backend setting primary_key_limit_size). Strings count with their
// actual length, so a row with a longer key is refused when it is loaded, not before.
inline constexpr int kMaxPrimaryKeyBytes = 128;

struct TargetType {
  enum class Kind : std::uint8_t {
    boolean,
    tinyint,
    smallint,
    int_,
    bigint,
    largeint,
    float_,
    double_,
    decimal,
    char_,
    varchar,
    varbinary,
    date,
    datetime,
    json,
    array,
    other, // MAP, STRUCT, BITMAP, HLL... : walrock does not load these
  };
  Kind kind = Kind::other;
  int length = 0;    // bytes of char_ and varchar
  int precision = 0; // of decimal
  int scale = 0;
  std::string element; // of array: the element's type; of other: the type as it was spelled
  bool operator==(TargetType const&) const = default;

  [[nodiscard]] bool is_integer() const { return kind >= Kind::tinyint && kind <= Kind::largeint; }
  [[nodiscard]] bool is_string() const { return kind == Kind::char_ || kind == Kind::varchar; }
};

// Any spelling; what is not known becomes Kind::other.
[[nodiscard]] TargetType parse_target_type(std::string_view text);
// As StarRocks SQL writes it, upper case without blanks: "DECIMAL(10,2)".
[[nodiscard]] std::string to_string(TargetType const& type);
// One spelling of whatever spelling: to_string(parse_target_type(text)).
[[nodiscard]] std::string normalise_type(std::string_view text);

// May columns of this type be the key of a PRIMARY KEY table? (No floats, DECIMAL, CHAR, ...)
[[nodiscard]] bool is_allowed_as_primary_key(TargetType const& type);
// May columns of this type be the key of a DUPLICATE KEY table?
[[nodiscard]] bool is_allowed_as_duplicate_key(TargetType const& type);
// The value that stands for "nothing" in a NOT NULL column, as a load writes it: 0, '', 1970-01-01.
[[nodiscard]] std::string zero_value(TargetType const& type);
// Does ALTER TABLE ... MODIFY COLUMN take a value column from one type to the other?
[[nodiscard]] bool is_modifiable(TargetType const& from, TargetType const& to);

} // namespace walrock
