// Something to tell the operator, and the statement that cures it.
#pragma once

#include <string>

namespace walrock {

struct Advice {
  std::string message;
  std::string sql; // for PostgreSQL; empty when there is none
};

} // namespace walrock
