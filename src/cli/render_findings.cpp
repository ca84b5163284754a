#include "cli/render_findings.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walrock {

namespace {

using Json = nlohmann::ordered_json;

// "2 errors", nothing for none.
std::string counted(std::vector<Finding> const& findings, Severity severity) {
  auto const count = std::count_if(findings.begin(), findings.end(), [&](Finding const& finding) {
    return finding.severity == severity;
  });
  return count == 0 ? ""
                    : fmt::format("{} {}{}", count, to_string(severity), count == 1 ? "" : "s");
}

std::string indented(std::string const& text, std::string const& indent) {
  std::string out;
  for (char const c : text) {
    out += c;
    if (c == '\n')
      out += indent;
  }
  return out;
}

} // namespace

std::string findings_text(std::vector<Finding> const& findings) {
  std::string out;
  std::string const indent(9, ' ');
  for (Severity const severity : {Severity::error, Severity::warning, Severity::note})
    for (Finding const& finding : findings) {
      if (finding.severity != severity)
        continue;
      out += fmt::format("{:<8} {}: {}\n", to_string(severity), finding.where,
                         indented(finding.what, indent));
      if (!finding.fix.empty())
        out += fmt::format("{}fix: {}\n", indent, indented(finding.fix, indent + "     "));
    }
  std::string summary;
  for (Severity const severity : {Severity::error, Severity::warning, Severity::note})
    if (std::string const part = counted(findings, severity); !part.empty())
      summary += (summary.empty() ? "" : ", ") + part;
  return out + (summary.empty()         ? "ok: nothing stands in the way\n"
                : !has_errors(findings) ? fmt::format("ok: {}\n", summary)
                                        : summary + "\n");
}

std::string findings_json(std::vector<Finding> const& findings) {
  Json out;
  out["ok"] = !has_errors(findings);
  out["findings"] = Json::array();
  for (Finding const& finding : findings)
    out["findings"].push_back({{"severity", to_string(finding.severity)},
                               {"code", finding.code},
                               {"where", finding.where},
                               {"what", finding.what},
                               {"fix", finding.fix}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace walrock
