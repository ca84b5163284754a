// What `walrock check` has to say. A value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace walrock {

enum class Severity {
  error,   // the job, or this table, would fail
  warning, // it runs, but something may be missing or go wrong later
  note,    // worth knowing
};
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  Severity severity = Severity::error;
  std::string where; // "source", "public.users", "demo.users", "10.0.0.5:8040"
  std::string what;  // one sentence, lower case
  std::string fix;   // exact SQL or setting; empty: nothing to do
  std::string code;  // the word of the error that walrock run would give; may be empty
};

// Collects; the order is that of the checks.
class Findings {
public:
  void add(Severity severity, std::string where, std::string what, std::string fix = {},
           std::string_view code = {});
  void add(std::string where, Error const& error);
  [[nodiscard]] std::vector<Finding> take() { return std::exchange(found_, {}); }

private:
  std::vector<Finding> found_;
};

[[nodiscard]] bool has_errors(std::vector<Finding> const& findings);

} // namespace walrock
