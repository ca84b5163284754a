#include "config/mistakes.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace walrock {

void Mistakes::add(Place place, std::string text, ErrorCode code) {
  found_.push_back({place, std::move(text), code});
}

std::string Mistakes::text_of(Place place) const {
  if (place.line == 0)
    return file_name_;
  return fmt::format("{}:{}:{}", file_name_, place.line, place.column);
}

void Mistakes::throw_if_any() const {
  if (found_.empty())
    return;
  auto sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](Mistake const& a, Mistake const& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  std::string text;
  ErrorCode code = ErrorCode::secret_missing;
  for (Mistake const& mistake : sorted) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", text_of(mistake.place), mistake.text);
    if (mistake.code != ErrorCode::secret_missing)
      code = mistake.code;
  }
  throw Error(code, text);
}

} // namespace walrock
