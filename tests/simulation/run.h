// One seeded run: a source that writes, a target with faults, walrock that dies and starts again,
// and the invariants of pipeline.h asserted all along. Then everything is well, and the copy must
// become exact.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace walrock::simulation {

struct Outcome {
  bool is_right = false;
  std::string violation;          // when it is not
  std::vector<std::string> trace; // when asked for, or when it is not right
  int crashes = 0;
  int transactions = 0;
  int tables_set_aside = 0;
  int most_quarantined = 0; // rows of one table at a time
  bool has_durable_spool = false;
  int power_cuts = 0;          // of its disk
  int spools_lost = 0;         // and recognised
  int spools_missed = 0;       // switched off while they were needed, and refused
  int together = 0;            // transactions of several tables that became visible
  bool is_never_apart = false; // in which no table goes by itself
  int copies_again = 0;        // because of partitions
  std::map<std::string, int> set_aside_because; // code
};

// Any thread; the same seed gives the same run.
[[nodiscard]] Outcome run(std::uint64_t seed, bool keeps_trace);

} // namespace walrock::simulation
