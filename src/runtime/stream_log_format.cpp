#include "runtime/stream_log_format.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <lz4.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/error.h"

namespace walrock {

namespace {

constexpr std::string_view kMagic("WLRKLOG\x01", 8);
constexpr std::string_view kEnding = ".log";
constexpr std::size_t kRecordFixed = kLogRecordHead - kLogSizeBytes; // end_lsn, whole
// pgoutput's largest message is below 1 GB; entries of others are gathered up to 256 kB.
constexpr std::uint64_t kLargestRecord = std::uint64_t(2) << 30;
constexpr std::size_t kCompressedUpTo = 4 << 20; // larger ones are few, and would need a copy

void put_u32(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(number >> shift & 0xFF);
}
void put_u64(std::string& out, std::uint64_t number) {
  put_u32(out, static_cast<std::uint32_t>(number >> 32));
  put_u32(out, static_cast<std::uint32_t>(number));
}

// size and crc in front of what they are of.
void put_framed(std::string& out, std::string_view first, std::string_view rest) {
  std::string size;
  put_u32(size, static_cast<std::uint32_t>(first.size() + rest.size()));
  out += size;
  put_u32(out, crc32c(rest, crc32c(first, crc32c(size))));
  out += first;
  out += rest;
}

bool is_whole(std::string_view framed) {
  if (framed.size() < kLogSizeBytes || u32_at(framed, 0) != framed.size() - kLogSizeBytes)
    return false;
  return u32_at(framed, 4) == crc32c(framed.substr(kLogSizeBytes), crc32c(framed.substr(0, 4)));
}

std::string decompressed(std::string_view bytes, std::uint32_t whole) {
  std::string out(whole, '\0');
  int const got = LZ4_decompress_safe(bytes.data(), out.data(), static_cast<int>(bytes.size()),
                                      static_cast<int>(whole));
  if (got != static_cast<int>(whole))
    throw Error(ErrorCode::spool_lost, "a record of the durable spool cannot be decompressed");
  return out;
}

} // namespace

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  Cursor in(bytes);
  in.text(at);
  return in.u32();
}
std::uint64_t u64_at(std::string_view bytes, std::size_t at) {
  Cursor in(bytes);
  in.text(at);
  return in.u64();
}

std::string log_file_name(LogHead const& head) {
  return fmt::format("{:016X}-{}{}", head.begin_lsn.value, head.incarnation, kEnding);
}

bool is_log_file_name(std::string_view name) {
  return name.size() > 17 + kEnding.size() && name[16] == '-' && name.ends_with(kEnding);
}

void add_log_entry(std::string& to, LogEntryKind kind, std::string_view bytes) {
  to += static_cast<char>(kind);
  put_u32(to, static_cast<std::uint32_t>(bytes.size()));
  to += bytes;
}

std::optional<LogEntry> take_log_entry(std::string_view& from) {
  if (from.empty())
    return std::nullopt;
  try {
    Cursor in(from);
    LogEntry entry;
    std::uint8_t const kind = in.u8();
    if (kind < 1 || kind > 3)
      throw ProtocolViolation(fmt::format("kind {}", kind));
    entry.kind = static_cast<LogEntryKind>(kind);
    entry.bytes = in.text(in.u32());
    from.remove_prefix(from.size() - in.left());
    return entry;
  } catch (ProtocolViolation const& error) {
    throw Error(ErrorCode::spool_lost,
                fmt::format("a record of the durable spool holds no entries: {}", error.message()));
  }
}

std::string log_head_bytes(LogHead const& head) {
  std::string content;
  put_u64(content, head.begin_lsn.value);
  put_u64(content, head.incarnation);
  for (std::string const* const text : {&head.log_id, &head.job_id}) {
    content += *text;
    content += '\0';
  }
  std::string out(kMagic);
  put_framed(out, content, {});
  return out;
}

std::string log_record_bytes(std::string_view entries, Lsn end_lsn) {
  std::string head;
  put_u64(head, end_lsn.value);
  put_u32(head, static_cast<std::uint32_t>(entries.size()));
  std::string small;
  if (!entries.empty() && entries.size() <= kCompressedUpTo) {
    small.resize(entries.size());
    int const size =
        LZ4_compress_default(entries.data(), small.data(), static_cast<int>(entries.size()),
                             static_cast<int>(small.size()) - 1);
    small.resize(static_cast<std::size_t>(std::max(size, 0)));
  }
  std::string out;
  put_framed(out, head, small.empty() ? entries : std::string_view(small));
  return out;
}

std::uint64_t log_record_size(std::string_view bytes) {
  if (bytes.size() < kLogSizeBytes)
    return 0;
  std::uint64_t const size = u32_at(bytes, 0);
  return size < kRecordFixed || size > kLargestRecord ? 0 : size + kLogSizeBytes;
}

std::uint64_t log_head_size(std::string_view bytes) {
  constexpr std::uint64_t kLargestHead = 4096;
  if (bytes.size() < kLogHeadSizeBytes || !bytes.starts_with(kMagic))
    return 0;
  std::uint64_t const size = u32_at(bytes, kMagic.size());
  return size > kLargestHead ? 0 : size + kLogHeadSizeBytes;
}

std::optional<LogHead> parse_log_head(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || !is_whole(bytes.substr(kMagic.size())))
    return std::nullopt;
  try {
    Cursor in(bytes.substr(kLogHeadSizeBytes));
    LogHead head;
    head.begin_lsn = Lsn{in.u64()};
    head.incarnation = in.u64();
    head.log_id = in.zero_terminated();
    head.job_id = in.zero_terminated();
    return head;
  } catch (ProtocolViolation const&) {
    return std::nullopt;
  }
}

std::optional<Lsn> check_log_record(std::string_view bytes) {
  if (bytes.size() < kLogRecordHead || !is_whole(bytes))
    return std::nullopt;
  return Lsn{u64_at(bytes, kLogSizeBytes)};
}

std::optional<LogRecord> parse_log_record(std::string_view bytes) {
  auto const end_lsn = check_log_record(bytes);
  if (!end_lsn)
    return std::nullopt;
  std::uint32_t const whole = u32_at(bytes, kLogSizeBytes + 8);
  std::string_view const rest = bytes.substr(kLogRecordHead);
  if (whole == rest.size())
    return LogRecord{*end_lsn, std::string(rest)};
  if (whole > kCompressedUpTo)
    return std::nullopt; // never written: no memory is asked for because a number says so
  return LogRecord{*end_lsn, decompressed(rest, whole)};
}

} // namespace walrock
