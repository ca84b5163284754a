// The files of the durable spool, whatever they hold: nothing is read past them, and no record that
// does not fit its check sum is given.
#include <memory>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/error.h"
#include "input.h"
#include "runtime/log_disk_for_tests.h"
#include "runtime/stream_log_format.h"
#include "runtime/stream_log_reader.h"
#include "runtime/stream_log_start.h"

namespace walrock {
namespace {

constexpr std::size_t kFewest = 1000;

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  return Cursor(bytes.substr(at)).u32();
}

void require_whole(std::string_view record) {
  std::string_view const rest = record.substr(kLogSizeBytes);
  if (u32_at(record, 0) != rest.size() ||
      u32_at(record, 4) != crc32c(rest, crc32c(record.substr(0, 4))))
    __builtin_trap();
}

// A record as it stands, and its entries.
void take_record(std::string_view bytes) {
  (void)log_record_size(bytes);
  (void)parse_log_head(bytes);
  bool const is_whole = check_log_record(bytes).has_value();
  if (is_whole)
    require_whole(bytes);
  try {
    auto const record = parse_log_record(bytes);
    if (record && !is_whole)
      __builtin_trap();
    if (!record)
      return;
    std::string_view rest = record->entries;
    while (take_log_entry(rest)) {
    }
  } catch (Error const& error) {
    if (error.code() != ErrorCode::spool_lost)
      __builtin_trap();
  }
}

// The same bytes with a check sum that fits: what is behind it is looked at, too.
std::string with_true_sum(std::string_view content) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(content.size() >> shift & 0xFF);
  std::uint32_t const sum = crc32c(content, crc32c(out));
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(sum >> shift & 0xFF);
  return out + std::string(content);
}

// A start that finds these files, and what it reads of them.
void start_on(std::shared_ptr<MemoryDisk> const& memory) {
  try {
    FoundLog found = find_log(*std::make_unique<MemoryLogDisk>(memory),
                              {"log", "job", Lsn{100}, Lsn{900}, Lsn{UINT64_MAX}});
    if (found.end_lsn != Lsn{900})
      __builtin_trap();
    StreamLogSettings settings;
    settings.log_id = "log";
    settings.job_id = "job";
    settings.incarnation = 99;
    StreamLog const log(std::make_unique<MemoryLogDisk>(memory), settings, std::move(found));
    StreamLogReader reader(log);
    reader.seek(Lsn{100});
    for (std::size_t i = 0; i < kFewest; ++i)
      if (std::holds_alternative<StreamLogReader::AllRead>(reader.read()))
        return;
  } catch (ProtocolViolation const&) { // a message that ends early
  } catch (Error const& error) {
    if (error.code() != ErrorCode::spool_lost)
      __builtin_trap();
  }
}

} // namespace
} // namespace walrock

// Frames: of kind 0 the bytes of a record, of kind 1 its content; they are looked at alone, and
// stand one behind the other in a segment.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  using namespace walrock;
  Input in(bytes, size);
  LogHead const head{Lsn{100}, 1, "log", "job"};
  std::string file = (in.byte() & 1U) != 0 ? std::string() : log_head_bytes(head);
  while (!in.at_end()) {
    bool const has_true_sum = (in.byte() & 1U) != 0;
    std::string_view const frame = in.frame();
    std::string const record = has_true_sum ? with_true_sum(frame) : std::string(frame);
    take_record(record);
    file += record;
  }
  auto const memory = std::make_shared<MemoryDisk>();
  memory->seen[log_file_name(head)] =
      std::make_shared<MemoryDisk::Content>(MemoryDisk::Content{file, file, {}});
  start_on(memory);
  return 0;
}
