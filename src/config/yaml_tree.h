// A YAML file as a plain tree with places. The only code that sees yaml-cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/mistakes.h"

namespace walrock {

struct YamlEntry;

struct YamlNode {
  enum class Kind { nothing, scalar, list, map };
  Kind kind = Kind::nothing;
  std::string text; // of a scalar, as written without its quotes
  std::vector<YamlNode> list;
  std::vector<YamlEntry> map; // in the order of the file
  Place place;
};

struct YamlEntry {
  std::string key;
  Place key_place;
  YamlNode value;
};

// The one document of the text. Keys that stand twice in a map and anything that is not YAML become
// mistakes; the tree then holds what could be read.
[[nodiscard]] YamlNode parse_yaml(std::string_view text, Mistakes& mistakes);

// "a list", "a map", "nothing", or the text in quotes.
[[nodiscard]] std::string describe_node(YamlNode const& node);

} // namespace walrock
