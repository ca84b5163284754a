#include "runtime/stream_log_start.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

namespace {

// Nothing for a file that died before its head was durable, or that is none of ours.
std::optional<LogSegment> open_segment(LogDisk& disk, std::string const& name) {
  if (!is_log_file_name(name))
    return std::nullopt;
  LogSegment segment;
  segment.name = name;
  segment.file = disk.open(name);
  std::uint64_t const size = log_head_size(segment.file->read(0, kLogHeadSizeBytes));
  auto head = size == 0 ? std::nullopt : parse_log_head(segment.file->read(0, size));
  if (!head)
    return std::nullopt;
  segment.head = std::move(*head);
  segment.first_offset = segment.end_offset = size;
  return segment;
}

std::vector<LogSegment> open_all(LogDisk& disk) {
  std::vector<LogSegment> out;
  for (std::string const& name : disk.names())
    if (auto segment = open_segment(disk, name))
      out.push_back(std::move(*segment));
  std::sort(out.begin(), out.end(), [](LogSegment const& a, LogSegment const& b) {
    return std::tie(a.head.incarnation, a.head.begin_lsn) <
           std::tie(b.head.incarnation, b.head.begin_lsn);
  });
  return out;
}

// A later start begins its segments where it goes on: what an earlier one has from there on is
// void, whether it was not yet removed, came back after a power cut, or was written by a program
// that had been overtaken.
void drop_void(std::vector<LogSegment>& segments) {
  Lsn next{UINT64_MAX};
  for (auto it = segments.rbegin(); it != segments.rend(); ++it)
    if (it->head.begin_lsn >= next)
      it->number = 1; // marked
    else
      next = it->head.begin_lsn;
  std::erase_if(segments, [](LogSegment const& segment) { return segment.number == 1; });
}

class Finder {
public:
  Finder(LogDisk& disk, WantedLog const& wanted)
      : disk_(disk), wanted_(wanted), bound_(std::min(wanted.logged, wanted.same_until)) {}

  FoundLog find() {
    std::vector<LogSegment> segments = open_all(disk_);
    std::erase_if(segments, [this](LogSegment const& segment) {
      return segment.head.log_id != wanted_.log_id || segment.head.job_id != wanted_.job_id;
    });
    drop_void(segments);
    drop_unneeded(segments);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      bool const is_last = i + 1 == segments.size();
      Lsn const next = is_last ? Lsn{UINT64_MAX} : segments[i + 1].head.begin_lsn;
      scan(segments[i], std::min(next, bound_));
      found_.segments.push_back(std::move(segments[i]));
      if (found_.end_lsn == bound_ || has_passed_)
        break;
      if (found_.end_lsn != next)
        lose(is_last ? "it ends there"
                     : fmt::format("the next segment begins at {}", to_string(next)));
    }
    return std::move(found_);
  }

private:
  [[noreturn]] void lose(std::string const& why) const {
    throw Error(ErrorCode::spool_lost,
                fmt::format("the durable spool in {} has the changes up to {} only, {} were "
                            "acknowledged: {}{}",
                            disk_.path(), to_string(found_.end_lsn), to_string(wanted_.logged), why,
                            damage_));
  }

  // Those that end below what is needed.
  void drop_unneeded(std::vector<LogSegment>& segments) const {
    auto const first =
        std::find_if(segments.rbegin(), segments.rend(),
                     [this](LogSegment const& s) { return s.head.begin_lsn <= wanted_.from; });
    if (first == segments.rend())
      throw Error(
          ErrorCode::spool_lost,
          segments.empty()
              ? fmt::format("the durable spool {} is not in {}", wanted_.log_id, disk_.path())
              : fmt::format("the durable spool in {} begins at {}, and {} is needed", disk_.path(),
                            to_string(segments.front().head.begin_lsn), to_string(wanted_.from)));
    segments.erase(segments.begin(), first.base() - 1);
  }

  // Up to the last boundary that is not beyond `until`.
  void scan(LogSegment& segment, Lsn until) {
    std::uint64_t at = segment.first_offset;
    found_.end_lsn = segment.head.begin_lsn;
    while (found_.end_lsn < until) {
      std::uint64_t const size = log_record_size(segment.file->read(at, kLogSizeBytes));
      auto const end_lsn =
          size == 0 ? std::nullopt : check_log_record(segment.file->read(at, size));
      if (!end_lsn) {
        damage_ = fmt::format(" ({} ends, or is damaged, at byte {})", segment.name, at);
        break;
      }
      at += size;
      if (!end_lsn->is_set())
        continue;
      if (*end_lsn > until) {
        has_passed_ = until == wanted_.same_until && until < wanted_.logged;
        damage_ = fmt::format(" ({} has no boundary there)", segment.name);
        break;
      }
      found_.end_lsn = *end_lsn;
      segment.end_offset = at;
    }
    segment.synced_offset = segment.end_offset;
  }

  LogDisk& disk_;
  WantedLog const& wanted_;
  Lsn const bound_;
  FoundLog found_;
  bool has_passed_ = false; // the log goes on beyond same_until
  std::string damage_;
};

} // namespace

FoundLog find_log(LogDisk& disk, WantedLog const& wanted) {
  return Finder(disk, wanted).find();
}

void remove_other_segments(LogDisk& disk, std::string const& job_id, FoundLog const& found) {
  std::set<std::string> kept;
  for (LogSegment const& segment : found.segments)
    kept.insert(segment.name);
  std::vector<std::string> others;
  for (std::string const& name : disk.names()) {
    if (!is_log_file_name(name) || kept.contains(name))
      continue;
    if (auto const segment = open_segment(disk, name); segment && segment->head.job_id != job_id)
      throw Error(ErrorCode::spool_failed, fmt::format("{} holds the durable spool of job {}",
                                                       disk.path(), segment->head.job_id))
          .set_retry(Retry::never)
          .set_advice("Give every job a folder of its own with walrock.durable-spool.");
    others.push_back(name);
  }
  for (std::string const& name : others)
    disk.remove(name);
}

bool has_log(LogDisk& disk, std::string const& job_id) {
  std::vector<LogSegment> const segments = open_all(disk);
  return std::any_of(segments.begin(), segments.end(),
                     [&](LogSegment const& segment) { return segment.head.job_id == job_id; });
}

} // namespace walrock
