// Which properties of a stream load a job may set (load.properties, sink.properties).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace walrock {

enum class LoadPropertyUse {
  sent,       // goes to StarRocks with every load
  preference, // of walrock's own choice
  unused,     // walrock writes its loads so that it has no meaning
  refused,    // would change or lose rows
};

struct LoadProperty {
  std::string_view name;
  LoadPropertyUse use;
  std::string_view reason;
  // Of refused ones: the one value that is harmless, since it is what walrock sends anyway.
  std::string_view harmless = {};
};

[[nodiscard]] std::vector<LoadProperty> const& load_properties();
// In any case, with - for _; nullptr when StarRocks has none of that name.
[[nodiscard]] LoadProperty const* find_load_property(std::string_view name);

} // namespace walrock
