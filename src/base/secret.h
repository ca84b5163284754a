// A text that must not be shown: it cannot be printed, formatted or compared by accident.
#pragma once

#include <string>
#include <utility>

namespace walrock {

class Secret {
public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  // Only for the call that hands it to the server.
  [[nodiscard]] std::string const& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

private:
  std::string value_;
};

} // namespace walrock
