// The log: one line per fact, lower case, key=value tail. No secrets ever, no values of user rows.
// Any thread. Written to stderr, "2026-01-31T12:00:00.123Z info message".
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace walrock::log {

enum class Level { debug, info, warning, error, off };

// Called once by the program before threads start. While a board owns the terminal, lines go to it.
void set_level(Level level);
using Sink = void (*)(Level level, std::string_view line);
// Replaces stderr; nullptr brings stderr back.
void set_sink(Sink sink);

void write(Level level, std::string_view message);

template <typename... Args> void debug(fmt::format_string<Args...> f, Args&&... args) {
  write(Level::debug, fmt::format(f, std::forward<Args>(args)...));
}
template <typename... Args> void info(fmt::format_string<Args...> f, Args&&... args) {
  write(Level::info, fmt::format(f, std::forward<Args>(args)...));
}
template <typename... Args> void warning(fmt::format_string<Args...> f, Args&&... args) {
  write(Level::warning, fmt::format(f, std::forward<Args>(args)...));
}
template <typename... Args> void error(fmt::format_string<Args...> f, Args&&... args) {
  write(Level::error, fmt::format(f, std::forward<Args>(args)...));
}

} // namespace walrock::log
