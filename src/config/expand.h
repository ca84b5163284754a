// ${NAME}, ${NAME:-default} and ${file:/path} in the texts of a job file.
//
// "$$" is one "$"; any other "$" stands for itself. What comes in is not looked at again. A file
// loses one line end at its end; a relative path is relative to the job file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/mistakes.h"

namespace walrock {

struct ExpandContext {
  std::string base_folder; // of the job file
  std::string key;         // for messages
  Place place;
};

// Nothing when something is missing or malformed; a mistake then says what, never with a value.
[[nodiscard]] std::optional<std::string> expand(std::string_view raw, ExpandContext const& context,
                                                Mistakes& mistakes);

// Whether expand() would bring something in from outside the file.
[[nodiscard]] bool has_reference(std::string_view raw);

} // namespace walrock
