// What check found, for people and for scripts. Pure.
#pragma once

#include <string>
#include <vector>

#include "operate/finding.h"

namespace walrock {

// A line per finding, its fix below it, a summary at the end.
[[nodiscard]] std::string findings_text(std::vector<Finding> const& findings);
// {"ok": bool, "findings": [{"severity", "code", "where", "what", "fix"}]}
[[nodiscard]] std::string findings_json(std::vector<Finding> const& findings);

} // namespace walrock
