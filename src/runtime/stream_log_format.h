// The bytes of the durable spool's segments: docs/formats/stream-log.md. Pure.
//
//   segment   'WLRKLOG' 0x01  u32 size  u32 crc  head  then records
//   head      u64 begin_lsn  u64 incarnation  S log_id  S job_id
//   record    u32 size  u32 crc  u64 end_lsn  u32 whole  bytes
//   entries   (the bytes, when they are not compressed) u8 kind  u32 size  bytes
//
// Integers are big-endian, S ends with a zero byte. `size` counts what stands behind the crc, which
// is over size and that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/lsn.h"

namespace walrock {

// Throws ProtocolViolation when fewer bytes are there.
[[nodiscard]] std::uint32_t u32_at(std::string_view bytes, std::size_t at);
[[nodiscard]] std::uint64_t u64_at(std::string_view bytes, std::size_t at);

struct LogHead {
  Lsn begin_lsn; // everything below it is in segments before
  std::uint64_t incarnation = 0;
  std::string log_id;
  std::string job_id;
  bool operator==(LogHead const&) const = default;
};

// "00000016B374D848-1795277003368.log"
[[nodiscard]] std::string log_file_name(LogHead const& head);
[[nodiscard]] bool is_log_file_name(std::string_view name);

enum class LogEntryKind : std::uint8_t {
  message = 1,     // a payload of pgoutput
  keepalive = 2,   // u64: everything of ours below it is in the log
  description = 3, // a Relation message that was known when the segment began
};

struct LogEntry {
  LogEntryKind kind = LogEntryKind::message;
  std::string_view bytes;
};

void add_log_entry(std::string& to, LogEntryKind kind, std::string_view bytes);
// Takes the first entry off; nothing when they end. Throws spool_lost for what is none.
[[nodiscard]] std::optional<LogEntry> take_log_entry(std::string_view& from);

struct LogRecord {
  Lsn end_lsn;         // unset: a transaction is open at its end
  std::string entries; // decompressed
};

inline constexpr std::size_t kLogRecordHead = 20; // bytes before the entries

[[nodiscard]] std::string log_head_bytes(LogHead const& head);
[[nodiscard]] std::string log_record_bytes(std::string_view entries, Lsn end_lsn);

// The bytes that the record or head takes whose first bytes these are; 0: there is none. At least 8
// (of a segment 16) bytes are needed.
[[nodiscard]] std::uint64_t log_record_size(std::string_view bytes);
[[nodiscard]] std::uint64_t log_head_size(std::string_view bytes);
inline constexpr std::size_t kLogSizeBytes = 8;
inline constexpr std::size_t kLogHeadSizeBytes = 16;

// Nothing when the bytes are not exactly one whole, undamaged record or head.
[[nodiscard]] std::optional<LogHead> parse_log_head(std::string_view bytes);
[[nodiscard]] std::optional<LogRecord> parse_log_record(std::string_view bytes);
// Its end_lsn alone, without decompressing.
[[nodiscard]] std::optional<Lsn> check_log_record(std::string_view bytes);

} // namespace walrock
