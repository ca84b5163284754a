// What the checks of a whole job file share: looking up what was given, complaining, taking notes.
#pragma once

#include <string>
#include <string_view>

#include "config/keys.h"
#include "config/mistakes.h"

namespace walrock {

class Remarks {
public:
  // Both must outlive it.
  Remarks(Draft& draft, Mistakes& mistakes)
      : draft_(draft), spec_(draft.spec), mistakes_(mistakes) {}

protected:
  // nullptr: the file does not have the key of that path.
  [[nodiscard]] Given const* given(std::string const& path) const;
  // The value as the file has it: what a reference brought in is not shown.
  [[nodiscard]] std::string shown(std::string const& path) const;
  // A mistake in a value that is given; the key is named as the file spells it.
  void wrong(std::string const& path, std::string const& text);
  // A line for JobSpec::notes, once.
  void note(std::string text);

  Draft& draft_;
  JobSpec& spec_;
  Mistakes& mistakes_;
};

// Letters in lower case (and in upper case where allowed), digits, and the characters of `more`.
[[nodiscard]] bool has_only(std::string_view text, std::string_view more, bool is_upper_allowed);

} // namespace walrock
