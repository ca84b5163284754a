#include "config/table_matcher.h"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/error.h"
#include "config/nearest.h"

namespace walrock {

struct TableMatcher::Compiled {
  TablePattern pattern;
  std::unique_ptr<RE2> regex; // not for plain names: these may contain dots

  [[nodiscard]] bool matches(TableName const& name) const {
    if (pattern.plain)
      return *pattern.plain == name;
    return RE2::FullMatch(to_string(name), *regex);
  }
};

TableMatcher::TableMatcher(std::vector<TablePattern> const& included,
                           std::vector<TablePattern> const& excluded) {
  auto const compile = [](std::vector<TablePattern> const& patterns) {
    std::vector<Compiled> compiled;
    for (TablePattern const& pattern : patterns) {
      auto regex = pattern.plain ? nullptr : std::make_unique<RE2>(pattern.regex, RE2::Quiet);
      WALROCK_ASSERT(!regex || regex->ok(), "a pattern was not made by parse_pattern");
      compiled.push_back({pattern, std::move(regex)});
    }
    return compiled;
  };
  included_ = compile(included);
  excluded_ = compile(excluded);
}

TableMatcher::~TableMatcher() = default;
TableMatcher::TableMatcher(TableMatcher&&) noexcept = default;
TableMatcher& TableMatcher::operator=(TableMatcher&&) noexcept = default;

bool TableMatcher::matches(TableName const& name) const {
  auto const does = [&](Compiled const& compiled) { return compiled.matches(name); };
  return std::any_of(included_.begin(), included_.end(), does) &&
         std::none_of(excluded_.begin(), excluded_.end(), does);
}

std::vector<TableName> TableMatcher::select(std::vector<TableName> const& existing) const {
  std::vector<TableName> selected;
  for (TableName const& name : existing)
    if (matches(name))
      selected.push_back(name);
  return selected;
}

std::vector<std::string> TableMatcher::validate(std::vector<TableName> const& existing) const {
  std::vector<std::string> names;
  for (TableName const& name : existing)
    names.push_back(to_string(name));
  std::vector<std::string> complaints;
  for (Compiled const& compiled : included_) {
    TablePattern const& pattern = compiled.pattern;
    auto const does = [&](TableName const& name) { return compiled.matches(name); };
    if (std::any_of(existing.begin(), existing.end(), does))
      continue;
    std::string const near = nearest(pattern.text, names);
    std::string const found =
        pattern.plain ? "there is no table" : "there is no table that matches";
    complaints.push_back(fmt::format(
        "{}{}{} \"{}\" in the database{}", pattern.place, pattern.place.empty() ? "" : ": ", found,
        pattern.text, near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  return complaints;
}

bool pattern_matches(TablePattern const& pattern, TableName const& name) {
  return TableMatcher({pattern}, {}).matches(name);
}

} // namespace walrock
