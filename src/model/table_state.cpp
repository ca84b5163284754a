#include "model/table_state.h"

#include <array>
#include <utility>

namespace walrock {

namespace {
constexpr std::array<std::pair<TableState, std::string_view>, 6> kWords{{
    {TableState::init, "init"},
    {TableState::copying, "copying"},
    {TableState::copied, "copied"},
    {TableState::catching_up, "catching_up"},
    {TableState::ready, "ready"},
    {TableState::errored, "errored"},
}};
} // namespace

std::string_view to_string(TableState state) {
  return kWords[static_cast<std::size_t>(state)].second;
}

std::optional<TableState> parse_table_state(std::string_view word) {
  for (auto const& [state, name] : kWords)
    if (name == word)
      return state;
  return std::nullopt;
}

} // namespace walrock
