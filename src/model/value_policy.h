// What becomes of a value that its column in StarRocks cannot hold: an infinite date, a number with
// too many digits, a text that is too long. Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace walrock {

enum class ValuePolicy : std::uint8_t {
  fail,  // the row is refused: bad-rows says what becomes of it
  null,  // NULL
  clamp, // the nearest value that the column holds; NULL where none is near
  text,  // walrock makes the column a VARCHAR, which holds every value
};

[[nodiscard]] constexpr std::string_view to_string(ValuePolicy policy) {
  switch (policy) {
  case ValuePolicy::fail: return "fail";
  case ValuePolicy::null: return "null";
  case ValuePolicy::clamp: return "clamp";
  case ValuePolicy::text: return "text";
  }
  return "";
}

// The names of types that a policy can be given for; `all` is every type without one of its own.
inline constexpr std::string_view kPolicyTypes[] = {
    "date", "timestamp", "timestamptz", "numeric", "text", "bytea", "array", "json", "all"};

using ValuePolicies = std::map<std::string, ValuePolicy>;

} // namespace walrock
