// One cell of a row, in PostgreSQL's text output. Three cases, never two.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace walrock {

struct Value {
  enum class Kind : std::uint8_t { null, unchanged_toast, text };

  Kind kind = Kind::null;
  // Only for Kind::text. A view into the message or COPY line it came from, valid until the next
  // one is read; escapes are already undone.
  std::string_view text;

  static Value null() { return {}; }
  static Value unchanged_toast() { return {Kind::unchanged_toast, {}}; }
  static Value of(std::string_view text) { return {Kind::text, text}; }

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_unchanged_toast() const { return kind == Kind::unchanged_toast; }
  [[nodiscard]] bool is_text() const { return kind == Kind::text; }
};

// The cells of one row in the order of its Relation. Owned and reused by whoever made it.
using Row = std::span<Value const>;

} // namespace walrock
