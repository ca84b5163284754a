#include "runtime/stream_log.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "base/log.h"

namespace walrock {

namespace {

std::string_view text_of(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

} // namespace

StreamLog::StreamLog(std::unique_ptr<LogDisk> disk, StreamLogSettings settings, FoundLog found)
    : disk_(std::move(disk)), settings_(std::move(settings)), end_lsn_(found.end_lsn) {
  {
    MutexLock const lock(mutex_);
    segments_ = std::move(found.segments);
    for (LogSegment& segment : segments_)
      segment.number = ++last_number_;
    readable_lsn_ = found.end_lsn;
  }
  synced_lsn_ = found.end_lsn.value;
  begin_segment(found.end_lsn);
}

StreamLog::~StreamLog() = default;

// ---------------------------------------------------------------- replication thread

void StreamLog::begin_segment(Lsn begin_lsn) {
  LogSegment segment;
  segment.head = {begin_lsn, settings_.incarnation, settings_.log_id, settings_.job_id};
  segment.name = log_file_name(segment.head);
  WALROCK_BEFORE(log_segment);
  segment.file = disk_->create(segment.name);
  std::string const head = log_head_bytes(segment.head);
  std::string descriptions;
  for (auto const& [oid, payload] : relations_)
    add_log_entry(descriptions, LogEntryKind::description, payload);
  std::string const first =
      descriptions.empty() ? std::string() : log_record_bytes(descriptions, begin_lsn);
  segment.file->write(0, head + first);
  WALROCK_AFTER(log_segment);
  segment.first_offset = head.size();
  segment.end_offset = head.size() + first.size();
  file_ = segment.file;
  begin_lsn_ = begin_lsn;
  write_at_ = segment.end_offset;
  open_bytes_ = 0;
  {
    MutexLock const lock(mutex_);
    segment.number = ++last_number_;
    segments_.push_back(std::move(segment));
    has_new_names_ = true;
  }
  count_used();
}

void StreamLog::begin_stream() {
  forget_unsynced();
  relations_.clear(); // the server describes every table anew
  pending_.resize(whole_size_);
  is_open_ = false;
  if (!pending_.empty()) {
    flush();
    return;
  }
  std::uint64_t end_offset = 0;
  {
    MutexLock const lock(mutex_);
    end_offset = segments_.back().end_offset;
  }
  if (write_at_ == end_offset)
    return;
  file_->cut(end_offset); // the rest of a transaction that comes again
  write_at_ = end_offset;
  open_bytes_ = 0;
  count_used();
}

// Linux may drop the pages that a sync could not write, and call the next sync a success: nothing
// may rest on a file whose sync has failed, but for what was synced before.
void StreamLog::forget_unsynced() {
  std::vector<std::string> gone;
  {
    MutexLock const lock(mutex_);
    if (!fault_)
      return;
    // One that begins where the log goes on holds nothing, and the new one takes its name.
    for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
      if (it->synced_offset > 0 && it->head.begin_lsn < synced_lsn())
        break;
      gone.push_back(it->name);
    }
  }
  // A disk that refuses is asked again: what would be left of them is taken for a gap.
  for (std::string const& name : gone)
    disk_->remove(name);
  {
    MutexLock const lock(mutex_);
    segments_.erase(segments_.end() - static_cast<std::ptrdiff_t>(gone.size()), segments_.end());
    if (!segments_.empty())
      segments_.back().end_offset = segments_.back().synced_offset;
    readable_lsn_ = synced_lsn();
  }
  end_lsn_ = synced_lsn();
  pending_.clear();
  whole_size_ = 0;
  begin_segment(end_lsn_);
  MutexLock const lock(mutex_);
  fault_.reset();
}

void StreamLog::add_entry(LogEntryKind kind, std::string_view bytes) {
  add_log_entry(pending_, kind, bytes);
  if (pending_.size() >= settings_.record_bytes)
    flush();
}

void StreamLog::append(std::span<std::byte const> payload) {
  is_open_ = true;
  add_entry(LogEntryKind::message, text_of(payload));
}

void StreamLog::append_relation(RelationId id, std::span<std::byte const> payload) {
  relations_[id.oid] = text_of(payload);
  append(payload);
}

void StreamLog::append_boundary(Lsn end_lsn) {
  end_lsn_ = end_lsn;
  whole_size_ = pending_.size();
  is_open_ = false;
  // An empty stretch would write no record, and the boundary must be at the end of one.
  if (pending_.empty())
    append_keepalive(end_lsn);
}

void StreamLog::append_keepalive(Lsn wal_end) {
  std::string number;
  for (int shift = 56; shift >= 0; shift -= 8)
    number += static_cast<char>(wal_end.value >> shift & 0xFF);
  add_log_entry(pending_, LogEntryKind::keepalive, number);
  end_lsn_ = wal_end;
  whole_size_ = pending_.size();
}

void StreamLog::write_record(std::string_view entries, Lsn end_lsn) {
  std::string const bytes = log_record_bytes(entries, end_lsn);
  WALROCK_BEFORE(log_append);
  file_->write(write_at_, bytes);
  WALROCK_AFTER(log_append);
  write_at_ += bytes.size();
  open_bytes_ += bytes.size();
  if (end_lsn.is_set()) {
    open_bytes_ = 0;
    MutexLock const lock(mutex_);
    segments_.back().end_offset = write_at_;
    readable_lsn_ = end_lsn;
  }
  count_used();
}

// What is in front of the last boundary and what is behind it never share a record: a log can be
// cut at every boundary that was published.
void StreamLog::write_pending() {
  if (whole_size_ > 0) {
    write_record(std::string_view(pending_).substr(0, whole_size_), end_lsn_);
    pending_.erase(0, whole_size_);
    whole_size_ = 0;
  }
  // One that holds nothing yet, only descriptions, would be followed by one of its own name.
  if (pending_.empty() && !is_open_ && write_at_ >= settings_.segment_bytes &&
      end_lsn_ > begin_lsn_)
    begin_segment(end_lsn_);
  if (pending_.size() >= settings_.record_bytes) {
    write_record(pending_, Lsn{});
    pending_.clear();
  }
}

void StreamLog::flush() {
  try {
    write_pending();
    if (!trouble_.empty())
      log::info("durable spool takes changes again");
    trouble_.clear();
  } catch (Error const& error) {
    if (trouble_.empty())
      log::error("durable spool: {}; it is tried again, and nothing more is read", error.what());
    trouble_ =
        fmt::format("the durable spool cannot be written: {}. {}", error.what(), error.advice());
  }
}

bool StreamLog::has_room() const {
  return trouble_.empty() && (is_open_ || used_bytes() < settings_.limit);
}

std::optional<std::string> StreamLog::fault() const {
  MutexLock const lock(mutex_);
  return fault_;
}

StreamLog::Readable StreamLog::find(Lsn from) const {
  MutexLock const lock(mutex_);
  auto const found =
      std::find_if(segments_.rbegin(), segments_.rend(),
                   [from](LogSegment const& segment) { return segment.head.begin_lsn <= from; });
  if (segments_.empty())
    throw Error(ErrorCode::spool_failed, "the durable spool is not begun anew yet");
  if (found == segments_.rend())
    throw Error(ErrorCode::spool_lost,
                fmt::format("the durable spool in {} begins at {}, and {} is needed", disk_->path(),
                            to_string(segments_.front().head.begin_lsn), to_string(from)));
  return {*found, found != segments_.rbegin()};
}

std::optional<StreamLog::Readable> StreamLog::at(std::uint64_t number) const {
  MutexLock const lock(mutex_);
  for (LogSegment const& segment : segments_)
    if (segment.number >= number)
      return Readable{segment, &segment != &segments_.back()};
  return std::nullopt;
}

// ---------------------------------------------------------------- log thread

bool StreamLog::sync() {
  std::vector<LogSegment> unsynced;
  Lsn target;
  bool has_new_names = false;
  {
    MutexLock const lock(mutex_);
    if (fault_ || readable_lsn_ <= synced_lsn())
      return false;
    for (LogSegment const& segment : segments_)
      if (segment.synced_offset < segment.end_offset)
        unsynced.push_back(segment);
    target = readable_lsn_;
    has_new_names = std::exchange(has_new_names_, false);
  }
  try {
    WALROCK_BEFORE(log_sync);
    for (LogSegment const& segment : unsynced)
      segment.file->sync();
    if (has_new_names)
      disk_->sync_names();
    WALROCK_AFTER(log_sync);
  } catch (Error const& error) {
    MutexLock const lock(mutex_);
    has_new_names_ = has_new_names_ || has_new_names;
    fault_ = error.what();
    return false;
  }
  MutexLock const lock(mutex_);
  for (LogSegment const& synced : unsynced)
    for (LogSegment& segment : segments_)
      if (segment.number == synced.number)
        segment.synced_offset = synced.end_offset;
  synced_lsn_ = target.value;
  return true;
}

void StreamLog::let_go(Lsn flushed) {
  while (true) {
    std::string name;
    {
      MutexLock const lock(mutex_);
      // After a fault the replication thread makes segments anew, some of the same name.
      if (fault_ || segments_.size() < 2 || segments_[1].head.begin_lsn > flushed)
        return;
      name = segments_.front().name;
    }
    try {
      WALROCK_BEFORE(log_let_go);
      disk_->remove(name);
      WALROCK_AFTER(log_let_go);
    } catch (Error const& error) {
      log::warning("durable spool keeps what it does not need: {}", error.what());
      return;
    }
    {
      MutexLock const lock(mutex_);
      segments_.pop_front();
    }
    count_used();
  }
}

void StreamLog::count_used() {
  std::uint64_t used = 0;
  MutexLock const lock(mutex_);
  for (LogSegment const& segment : segments_)
    used += segment.end_offset;
  used_bytes_ = used + open_bytes_;
}

} // namespace walrock
