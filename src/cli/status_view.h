// A status as lines of text, for `walrock status` and for the board of `walrock run`. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "runtime/status.h"

namespace walrock {

// Rows and changes per second of each table and of all, over the last few seconds.
class RateMeter {
public:
  void add(Status const& status, TimePoint now);
  [[nodiscard]] double of(TableName const& table) const;
  [[nodiscard]] double total() const;

private:
  struct Sample {
    TimePoint at;
    std::map<TableName, std::uint64_t> rows;
  };
  std::vector<Sample> samples_; // oldest first, spanning kSpan
};

struct ViewLimits {
  std::size_t width = 0;  // code points per line; 0: no bound
  std::size_t height = 0; // lines; 0: no bound. The tables that need attention are kept.
};

// Two lines on the job, then one per table under a heading; reasons of set-aside tables below.
// rates: nullptr when none are known.
[[nodiscard]] std::vector<std::string> status_lines(Status const& status, RateMeter const* rates,
                                                    ViewLimits limits = {});

// "3 tables, 1,000 rows copied, 20 changes applied, flushed_lsn 0/16B3748"
[[nodiscard]] std::string summary_text(Status const& status);
// The same as a log line's tail: "tables=3 ready=2 errored=1 ..."
[[nodiscard]] std::string progress_text(Status const& status, RateMeter const& rates);

} // namespace walrock
