#include "config/table_pattern.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

namespace walrock {

namespace {

bool is_name_character(char c) {
  auto const byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '$' || c == '-' || c == ' ';
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_name_character);
}

// The dotted parts of a plain name, quotes undone; nothing when it is not plain.
std::optional<std::vector<std::string>> plain_parts(std::string_view text) {
  std::vector<std::string> parts(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (c == '"' && is_quoted && i + 1 < text.size() && text[i + 1] == '"')
      parts.back() += text[++i];
    else if (c == '"')
      is_quoted = !is_quoted;
    else if (c == '\\' && !is_quoted && i + 1 < text.size() && text[i + 1] == '.')
      continue; // public\.users, as in a regular expression
    else if (c == '.' && !is_quoted)
      parts.emplace_back();
    else if (is_quoted || is_name_character(c))
      parts.back() += c;
    else
      return std::nullopt;
  }
  bool const has_empty =
      std::any_of(parts.begin(), parts.end(), [](std::string const& part) { return part.empty(); });
  if (is_quoted || has_empty)
    return std::nullopt;
  return parts;
}

bool is_wildcard(std::string_view text) {
  return std::count(text.begin(), text.end(), '.') <= 1 && !text.starts_with('.') &&
         !text.ends_with('.') && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '.' || c == '*' || c == '?' || is_name_character(c);
         });
}

// A dot may be in the name of a table, too.
std::string wildcard_regex(std::string_view text) {
  std::string regex;
  std::string any = "[^.]";
  for (char const c : text) {
    if (c == '.')
      any = "(?s:.)";
    if (c == '*')
      regex += any + "*";
    else if (c == '?')
      regex += any;
    else
      regex += RE2::QuoteMeta(std::string(1, c));
  }
  return regex;
}

// Where schema and table part in a regular expression: the bytes to leave out. Nothing: no schema.
struct Separator {
  std::size_t begin, end;
};
std::optional<Separator> separator_of(std::string_view regex) {
  for (std::size_t i = 0; i + 1 < regex.size(); ++i) {
    if (regex[i] == '\\' && regex[i + 1] == '.')
      return Separator{i, i + 2};
    if (regex[i] == '\\')
      ++i;
    bool const is_any = std::string_view("+?{").find(regex[i + 1]) != std::string_view::npos;
    if (regex[i] == '.' && is_name(regex.substr(0, i)) && !is_any)
      return Separator{i, i + 1};
    if (regex[i] == '.' && regex.substr(0, i).ends_with(')') && !is_any && regex[i + 1] != '*')
      return Separator{i, i + 1};
  }
  return std::nullopt;
}

std::string full_regex(std::string_view text, PatternContext const& context) {
  if (text.starts_with('^'))
    text.remove_prefix(1);
  if (text.ends_with('$') && !text.ends_with("\\$"))
    text.remove_suffix(1);
  std::optional<Separator> const separator = separator_of(text);
  if (!separator)
    return fmt::format("{}\\.(?:{})", RE2::QuoteMeta(context.default_namespace), text);
  std::string_view const schema = text.substr(0, separator->begin);
  // public\.a|public\.b: parting it would change what the bar divides.
  if (schema.find('|') != std::string_view::npos && !schema.ends_with(')'))
    return std::string(text);
  if (text.substr(separator->end).find("\\.") != std::string_view::npos)
    return std::string(text);
  return fmt::format("(?:{})\\.(?:{})", schema, text.substr(separator->end));
}

std::optional<TablePattern> plain_pattern(std::vector<std::string> parts,
                                          PatternContext const& context, std::string& problem) {
  if (parts.size() == 3 && parts[0] == context.database)
    parts.erase(parts.begin());
  if (parts.size() > 2) {
    problem = fmt::format("has more than schema and table; the database of this job is \"{}\"",
                          context.database);
    return std::nullopt;
  }
  if (parts.size() == 1)
    parts.insert(parts.begin(), context.default_namespace);
  TableName const name{parts[0], parts[1]};
  return TablePattern{to_string(name), name, RE2::QuoteMeta(to_string(name)), {}};
}

} // namespace

std::optional<TablePattern> parse_pattern(std::string_view text, PatternContext const& context,
                                          std::string& problem) {
  TablePattern pattern{std::string(text), std::nullopt, {}, {}};
  if (text.starts_with("regex:")) {
    pattern.regex = text.substr(6);
  } else if (auto parts = plain_parts(text)) {
    return plain_pattern(std::move(*parts), context, problem);
  } else if (is_wildcard(text)) {
    if (text.find('.') == std::string_view::npos)
      pattern.text = fmt::format("{}.{}", context.default_namespace, text);
    pattern.regex = wildcard_regex(pattern.text);
  } else {
    pattern.regex = full_regex(text, context);
  }
  RE2 const compiled(pattern.regex, RE2::Quiet);
  if (!compiled.ok()) {
    problem = fmt::format("is not a regular expression ({})", compiled.error());
    return std::nullopt;
  }
  return pattern;
}

} // namespace walrock
