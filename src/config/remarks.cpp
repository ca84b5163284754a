#include "config/remarks.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace walrock {

Given const* Remarks::given(std::string const& path) const {
  auto const found = draft_.given.find(path);
  return found == draft_.given.end() ? nullptr : &found->second;
}

std::string Remarks::shown(std::string const& path) const {
  Given const* const found = given(path);
  return found == nullptr ? "nothing" : fmt::format("\"{}\"", found->shown);
}

void Remarks::wrong(std::string const& path, std::string const& text) {
  Given const* const found = given(path);
  mistakes_.add(found == nullptr ? Place{} : found->place,
                fmt::format("{}: {}", found == nullptr ? path : found->written, text));
}

void Remarks::note(std::string text) {
  auto& notes = spec_.notes;
  if (std::find(notes.begin(), notes.end(), text) == notes.end())
    notes.push_back(std::move(text));
}

bool has_only(std::string_view text, std::string_view more, bool is_upper_allowed) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return (byte < 128 && std::isdigit(byte) != 0) || (c >= 'a' && c <= 'z') ||
           (is_upper_allowed && c >= 'A' && c <= 'Z') || more.find(c) != std::string_view::npos;
  });
}

} // namespace walrock
