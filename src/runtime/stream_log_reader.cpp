#include "runtime/stream_log_reader.h"

#include <utility>

#include <fmt/format.h>

#include "base/cursor.h"
#include "base/error.h"

namespace walrock {

namespace {

std::span<std::byte const> bytes_of(std::string_view text) {
  return {reinterpret_cast<std::byte const*>(text.data()), text.size()};
}

} // namespace

void StreamLogReader::fail_damaged(std::string const& why) const {
  throw Error(ErrorCode::spool_lost,
              fmt::format("segment {} of the durable spool is damaged: {}", segment_.name, why));
}

void StreamLogReader::seek(Lsn from) {
  segment_ = log_.find(from).segment;
  offset_ = segment_.first_offset;
  record_.clear();
  rest_ = {};
  from_ = from;
  idle_lsn_ = Lsn{};
  is_skipping_ = false;
  descriptions_.clear();
  given_.clear();
}

// False: all that is whole was read.
bool StreamLogReader::next_record() {
  while (offset_ >= segment_.end_offset) {
    auto now = log_.at(segment_.number);
    if (now && now->segment.number == segment_.number && offset_ >= now->segment.end_offset &&
        now->is_over)
      now = log_.at(segment_.number + 1);
    if (!now || (now->segment.number == segment_.number && offset_ >= now->segment.end_offset))
      return false;
    if (now->segment.number != segment_.number)
      offset_ = now->segment.first_offset; // a segment that was let go had been read to its end
    segment_ = std::move(now->segment);
  }
  std::uint64_t const size = log_record_size(segment_.file->read(offset_, kLogSizeBytes));
  if (size == 0 || offset_ + size > segment_.end_offset)
    fail_damaged(fmt::format("no record at byte {}", offset_));
  auto record = parse_log_record(segment_.file->read(offset_, size));
  if (!record)
    fail_damaged(fmt::format("the record at byte {} does not fit its checksum", offset_));
  offset_ += size;
  record_ = std::move(record->entries);
  rest_ = record_;
  return true;
}

std::string const* StreamLogReader::ungiven(std::uint32_t oid) {
  if (!given_.insert(oid).second)
    return nullptr;
  auto const found = descriptions_.find(oid);
  if (found == descriptions_.end())
    fail_damaged(fmt::format("a row came before the description of its table, oid {}", oid));
  return &found->second;
}

// A table whose description went by in a transaction that was skipped, or in a segment before.
std::string const* StreamLogReader::description_wanted_by(std::string_view message) {
  switch (message.front()) {
  case 'I':
  case 'U':
  case 'D': return ungiven(u32_at(message, 1));
  case 'T':
    for (std::uint32_t i = 0; i < u32_at(message, 1); ++i)
      if (std::string const* const description = ungiven(u32_at(message, 6 + 4 * i)))
        return description;
    return nullptr;
  default: return nullptr;
  }
}

bool StreamLogReader::is_passed_on(std::string_view message) {
  char const type = message.front();
  if (type == 'B')
    is_skipping_ = Lsn{u64_at(message, 1)} < from_;
  if (type == 'R') {
    std::uint32_t const oid = u32_at(message, 1);
    descriptions_[oid] = message;
    if (is_skipping_)
      given_.erase(oid);
    else
      given_.insert(oid);
  }
  return !is_skipping_;
}

StreamLogReader::Outcome StreamLogReader::read() {
  while (true) {
    std::string_view const before = rest_;
    auto const entry = take_log_entry(rest_);
    if (!entry) {
      if (!next_record())
        return AllRead{idle_lsn_};
      continue;
    }
    if (entry->bytes.empty())
      fail_damaged("an entry is empty");
    switch (entry->kind) {
    case LogEntryKind::description:
      if (std::string& known = descriptions_[u32_at(entry->bytes, 1)]; known != entry->bytes) {
        known = entry->bytes;
        given_.erase(u32_at(entry->bytes, 1));
      }
      break;
    case LogEntryKind::keepalive:
      if (Lsn const wal_end{u64_at(entry->bytes, 0)}; wal_end >= from_) {
        idle_lsn_ = wal_end;
        return Idle{wal_end};
      }
      break;
    case LogEntryKind::message:
      if (!is_passed_on(entry->bytes))
        break;
      idle_lsn_ = entry->bytes.front() == 'C' ? Lsn{u64_at(entry->bytes, 10)} : Lsn{};
      if (std::string const* const description = description_wanted_by(entry->bytes)) {
        rest_ = before; // the message itself comes next
        return Payload{bytes_of(*description)};
      }
      return Payload{bytes_of(entry->bytes)};
    }
  }
}

} // namespace walrock
