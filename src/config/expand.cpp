#include "config/expand.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace walrock {

namespace {

class Expander {
public:
  Expander(ExpandContext const& context, Mistakes& mistakes)
      : context_(context), mistakes_(mistakes) {}

  std::optional<std::string> reference(std::string_view body) const {
    if (body.starts_with("file:"))
      return file(body.substr(5));
    std::size_t const mark = body.find(":-");
    std::string const name(body.substr(0, mark));
    bool const is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
                         std::all_of(name.begin(), name.end(), [](unsigned char c) {
                           return c == '_' || (c < 128 && std::isalnum(c) != 0);
                         });
    if (!is_name)
      return wrong("\"${...}\" must be ${NAME}, ${NAME:-default} or ${file:/path}; write $$ for a "
                   "dollar sign",
                   ErrorCode::job_file_invalid);
    if (char const* const value = std::getenv(name.c_str()))
      return std::string(value);
    if (mark != std::string_view::npos)
      return std::string(body.substr(mark + 2));
    return wrong(fmt::format("environment variable \"{}\" is not set", name),
                 ErrorCode::secret_missing);
  }

  std::nullopt_t wrong(std::string_view text, ErrorCode code) const {
    mistakes_.add(context_.place, fmt::format("{}: {}", context_.key, text), code);
    return std::nullopt;
  }

private:
  std::optional<std::string> file(std::string_view name) const {
    std::filesystem::path const path = std::filesystem::path(context_.base_folder) / name;
    bool const is_folder = std::filesystem::is_directory(path);
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    if (!in.is_open() || is_folder)
      return wrong(fmt::format("cannot read the file \"{}\" ({})", path.string(),
                               errno != 0 ? std::strerror(errno) : "not a file"),
                   ErrorCode::secret_missing);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.ends_with('\n'))
      text.pop_back();
    if (text.ends_with('\r'))
      text.pop_back();
    return text;
  }

  ExpandContext const& context_;
  Mistakes& mistakes_;
};

} // namespace

std::optional<std::string> expand(std::string_view raw, ExpandContext const& context,
                                  Mistakes& mistakes) {
  Expander const expander(context, mistakes);
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    std::string_view const rest = raw.substr(i);
    if (rest.starts_with("$$")) {
      out += '$';
      ++i;
    } else if (rest.starts_with("${")) {
      std::size_t const close = rest.find('}');
      if (close == std::string_view::npos)
        return expander.wrong("\"${\" without \"}\"; write $$ for a dollar sign",
                              ErrorCode::job_file_invalid);
      std::optional<std::string> const value = expander.reference(rest.substr(2, close - 2));
      if (!value)
        return std::nullopt;
      out += *value;
      i += close;
    } else {
      out += raw[i];
    }
  }
  return out;
}

bool has_reference(std::string_view raw) {
  for (std::size_t i = 0; i + 1 < raw.size(); ++i) {
    if (raw[i] != '$')
      continue;
    if (raw[i + 1] == '{')
      return true;
    if (raw[i + 1] == '$')
      ++i;
  }
  return false;
}

} // namespace walrock
