// The disk of the durable spool: it outlives every process, and loses what was not synced when the
// machine dies. The log on it is the real one (runtime/stream_log.h).
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <random>

#include "runtime/log_disk_for_tests.h"
#include "simulation/dice.h"
#include "simulation/trace.h"

namespace walrock::simulation {

struct SpoolSizes {
  std::uint64_t segment_bytes = 64 << 20;
  std::size_t record_bytes = 256 << 10;
  std::uint64_t limit = UINT64_MAX;
};

class SpoolDisk {
public:
  SpoolDisk(Dice& dice, Trace& trace) : dice_(dice), trace_(trace) {}

  [[nodiscard]] std::unique_ptr<LogDisk> open() const {
    return std::make_unique<MemoryLogDisk>(memory_);
  }
  [[nodiscard]] MemoryDisk& memory() { return *memory_; }

  // Of what was not synced any beginning is left, and a record may be torn.
  void cut_power() {
    trace_.say("disk: the power is cut");
    std::mt19937 dice(static_cast<std::mt19937::result_type>(dice_.below(UINT32_MAX)));
    memory_ = memory_->after_power_cut(dice);
  }
  void lose() {
    trace_.say("disk: everything on it is lost");
    is_harmed_ = true;
    memory_ = std::make_shared<MemoryDisk>();
  }
  // One bit of one file.
  void rot() {
    if (memory_->seen.empty())
      return;
    auto const& [name, content] = *std::next(
        memory_->seen.begin(), static_cast<std::ptrdiff_t>(dice_.below(memory_->seen.size())));
    if (content->seen.empty())
      return;
    std::uint64_t const at = dice_.below(content->seen.size());
    trace_.say("disk: byte {} of {} rots", at, name);
    is_harmed_ = true;
    auto const bit = static_cast<unsigned char>(1U << dice_.below(8));
    content->seen[at] = static_cast<char>(static_cast<unsigned char>(content->seen[at]) ^ bit);
    content->synced = content->seen;
  }

  // Something that was synced may not be there: until a start has found the log whole or lost.
  [[nodiscard]] bool is_harmed() const { return is_harmed_; }
  void looked_at() { is_harmed_ = false; }

private:
  Dice& dice_;
  Trace& trace_;
  std::shared_ptr<MemoryDisk> memory_ = std::make_shared<MemoryDisk>();
  bool is_harmed_ = false;
};

} // namespace walrock::simulation
