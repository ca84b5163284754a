// The names of table-name: plain names, wildcards and regular expressions.
//
// How a text is understood, in this order:
//   1. regex:EXPRESSION     the expression is matched against schema.table as a whole
//   2. users  public.users  public."Odd.Name"  demo.public.users (demo being the database)
//                           a plain name: letters, digits, _ $ - and anything in double quotes
//   3. public.*  *.users  order_?  at most one dot, and only * and ? beside plain letters:
//                           wildcards; * is any number of characters but the dot, ? is one
//   4. anything else        a regular expression (RE2). A dot behind a plain name separates schema
//                           and table, unless + ? { or \d-like follows; "\." always does
// Without a schema the default one (schema-name) is meant. Names are matched as a whole and as they
// are written: PostgreSQL stores them in lower case unless they were created in quotes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/job_spec.h"

namespace walrock {

struct PatternContext {
  std::string default_namespace;
  std::string database;
};

// Nothing, and why in `problem`, when it is none of these. `place` of the result is left empty.
[[nodiscard]] std::optional<TablePattern>
parse_pattern(std::string_view text, PatternContext const& context, std::string& problem);

} // namespace walrock
