#include "runtime/changed_values_log.h"

#include "base/log.h"

namespace walrock {

namespace {
constexpr Milliseconds kPause{60'000};
}

void ChangedValuesLog::note(Counts const& counts, TimePoint now) {
  counts_ = counts;
  for (auto const& [column, count] : counts) {
    auto const said = said_.find(column);
    bool const is_due =
        said == said_.end() || (said->second.count < count && now >= said->second.at + kPause);
    if (is_due)
      say(column, count, now);
  }
}

void ChangedValuesLog::finish() {
  for (auto const& [column, count] : counts_)
    if (said_[column].count < count)
      say(column, count, {});
}

void ChangedValuesLog::say(ChangedValues::Column const& column, std::uint64_t count,
                           TimePoint now) {
  log::warning("values that the target cannot hold were changed, as unsupported-values says "
               "table={} column={} count={}",
               to_string(column.first), column.second, count);
  said_[column] = {count, now};
}

} // namespace walrock
