// One value of a job file, read as its key says.
#pragma once

#include <optional>
#include <string>

#include "config/keys.h"
#include "config/yaml_tree.h"

namespace walrock {

struct ReadContext {
  std::string written; // the key as the file spells it
  std::string base_folder;
};

// Nothing when the value is wrong; a mistake then says what was expected and what was found.
[[nodiscard]] std::optional<KeyValue> read_value(Key const& key, YamlNode const& node,
                                                 ReadContext const& context, Mistakes& mistakes);

// "a port" in "expected a port, found ...": for messages, the guide and the schema.
[[nodiscard]] std::string expected_text(Key const& key);

} // namespace walrock
