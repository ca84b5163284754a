// Rows of the simulated source.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walrock::simulation {

using Cell = std::optional<std::string>; // nothing: NULL
using Cells = std::vector<Cell>;
using Rows = std::map<int, Cells>; // by id; of a table without a key by the number of the row

} // namespace walrock::simulation
