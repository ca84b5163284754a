// Questions to the person at the terminal. Main thread.
#pragma once

#include <string>

#include "base/secret.h"

namespace walrock {

// Whether somebody is there to answer.
[[nodiscard]] bool can_ask();
// An empty answer, or none, is `otherwise`.
[[nodiscard]] std::string ask(std::string const& question, std::string const& otherwise);
// What is typed is not shown.
[[nodiscard]] Secret ask_secret(std::string const& question);

} // namespace walrock
