// Says in the log which columns have values that were changed (unsupported-values): the first of a
// column at once, the others once a minute at most, with their number. One thread at a time.
#pragma once

#include <cstdint>
#include <map>

#include "base/time.h"
#include "model/changed_values.h"

namespace walrock {

class ChangedValuesLog {
public:
  using Counts = std::map<ChangedValues::Column, std::uint64_t>;

  void note(Counts const& counts, TimePoint now);
  // What was not said yet.
  void finish();

private:
  struct Said {
    std::uint64_t count = 0;
    TimePoint at{};
  };
  void say(ChangedValues::Column const& column, std::uint64_t count, TimePoint now);

  Counts counts_;
  std::map<ChangedValues::Column, Said> said_;
};

} // namespace walrock
