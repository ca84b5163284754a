// Whether a label is one of the copy: its epoch is c<number> (docs/formats/labels.md). For
// failpoints and messages; what is done with a label never depends on its name. Pure.
#pragma once

#include "model/label.h"

namespace walrock {

[[nodiscard]] inline bool is_of_copy(Label const& label) {
  // The third field from the end; prefix and job may have underscores.
  std::size_t at = label.text.size();
  for (int field = 0; field < 3 && at != std::string::npos; ++field)
    at = at == 0 ? std::string::npos : label.text.rfind('_', at - 1);
  return at != std::string::npos && at + 1 < label.text.size() && label.text[at + 1] == 'c';
}

} // namespace walrock
