#include "operate/finding.h"

#include <algorithm>
#include <utility>

namespace walrock {

std::string_view to_string(Severity severity) {
  switch (severity) {
  case Severity::error: return "error";
  case Severity::warning: return "warning";
  case Severity::note: return "note";
  }
  return "";
}

void Findings::add(Severity severity, std::string where, std::string what, std::string fix,
                   std::string_view code) {
  found_.push_back(
      {severity, std::move(where), std::move(what), std::move(fix), std::string(code)});
}

void Findings::add(std::string where, Error const& error) {
  add(Severity::error, std::move(where), error.what(), std::string(error.advice()), error.word());
}

bool has_errors(std::vector<Finding> const& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](Finding const& finding) { return finding.severity == Severity::error; });
}

} // namespace walrock
