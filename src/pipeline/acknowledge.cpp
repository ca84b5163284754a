// ACKNOWLEDGE: how far everything is, and the pace the stream should keep. Part of the Committer.
#include <algorithm>

#include "pipeline/committer.h"

namespace walrock {

// Invariant 6: the lowest position that a following table still needs. Never goes back.
void Committer::compute_flushed() {
  Lsn bound = received_lsn_;
  for (auto const& [id, line] : lines_) {
    if (line->is_errored())
      continue;
    if (line->pin)
      bound = std::min(bound, *line->pin);
    if (!line->units.empty())
      bound = std::min(bound, line->units.front().after_lsn);
  }
  flushed_lsn_ = std::max(flushed_lsn_, bound);
}

// Never goes back: PostgreSQL was told.
void Committer::on_logged(Lsn lsn) {
  logged_lsn_ = std::max(logged_lsn_, lsn);
}

std::int64_t Committer::oldest_commit_time() const {
  std::int64_t oldest = 0;
  for (auto const& [id, line] : lines_)
    if (!line->is_errored() && !line->units.empty() && !line->units.front().is_restored)
      oldest = oldest == 0 ? line->units.front().first_commit_time
                           : std::min(oldest, line->units.front().first_commit_time);
  return oldest;
}

// How long the oldest epochs took from hand-over until nothing of them is left.
void Committer::note_load_times(TimePoint now) {
  if (handed_over_at_.empty())
    return;
  std::uint64_t oldest_open = UINT64_MAX;
  // A table that has trouble of its own does not set the pace of the others.
  for (auto const& [id, line] : lines_)
    if (line->is_open() && !is_waiting(*line))
      for (Unit const& unit : line->units)
        if (!unit.is_restored)
          oldest_open = std::min(oldest_open, unit.epoch);
  for (auto it = handed_over_at_.begin(); it != handed_over_at_.end();) {
    if (it->first >= oldest_open) {
      ++it;
      continue;
    }
    auto const took = std::chrono::duration_cast<Milliseconds>(now - it->second);
    load_time_ = load_time_.count() == 0 ? took : (load_time_ * 3 + took) / 4;
    it = handed_over_at_.erase(it);
  }
}

Pace Committer::pace() const {
  return {handed_over_at_.size(), load_time_};
}

} // namespace walrock
