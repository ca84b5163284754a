// Watches how much WAL the slot keeps, and says when a limit will be reached: the server's
// (max_slot_wal_keep_size, beyond which it invalidates the slot) and the job's own
// (slot.wal-limit). The forecast is pure; the guardian lives on its own thread and owns a
// connection.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/time.h"
#include "postgres/address.h"
#include "postgres/slot.h"
#include "runtime/shared.h"
#include "runtime/status.h"

namespace walrock {

struct SlotLimits {
  std::uint64_t wal_limit = 0;         // bytes that the slot may keep; 0: none of our own
  Milliseconds warn_before{3'600'000}; // a limit that is nearer than this is warned of
};

// How fast what is left becomes less, from looks at it. What a slot keeps is a sawtooth (the server
// moves restart_lsn only now and then), so the highs of two halves of the window are compared.
class Decline {
public:
  void add(TimePoint at, std::int64_t left_bytes);
  // Bytes per second; 0 while it does not become less, nothing while too little was seen.
  [[nodiscard]] std::optional<double> bytes_per_second() const;

private:
  struct Look {
    TimePoint at;
    std::int64_t left_bytes = 0;
  };
  std::deque<Look> looks_;
};

class SlotForecast {
public:
  explicit SlotForecast(SlotLimits limits) : limits_(limits) {}

  // The outlook after this look at the slot.
  [[nodiscard]] SlotStatus add(Slot const& slot, TimePoint now);

private:
  [[nodiscard]] std::string warning_of(SlotStatus const& outlook) const;

  SlotLimits limits_;
  Decline server_; // of what max_slot_wal_keep_size leaves
  Decline own_;    // of what slot.wal-limit leaves
};

class SlotGuardian {
public:
  // shared must outlive it. also: what else is looked at, behind the slot, on this connection.
  using Look = std::function<void(Connection&, std::stop_token const&)>;
  SlotGuardian(SourceAddress source, std::string slot_name, SlotLimits limits, Shared& shared,
               Look also);

  // Until a stop is asked for. A server that cannot be reached is the stream's to report.
  void run(std::stop_token stop);

private:
  void look(std::stop_token const& stop);
  void say(SlotStatus const& outlook, TimePoint now);

  SourceAddress source_;
  std::string slot_name_;
  SlotForecast forecast_;
  Shared& shared_;
  Look also_;
  std::unique_ptr<Connection> connection_;
  bool has_warned_ = false;
  TimePoint say_again_{};
};

} // namespace walrock
