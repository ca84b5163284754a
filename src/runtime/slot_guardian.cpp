#include "runtime/slot_guardian.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"

namespace walrock {

namespace {

constexpr Milliseconds kEvery(3'000);
constexpr Milliseconds kPatience(5'000);
constexpr Milliseconds kWindow(120'000);
constexpr Milliseconds kLeastSpan(9'000); // of looks, for a rate
constexpr Milliseconds kSayAgain(60'000);
constexpr double kNearlyFull = 0.8;

double seconds_of(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string mebibytes(std::int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20));
}

} // namespace

void Decline::add(TimePoint at, std::int64_t left_bytes) {
  looks_.push_back({at, left_bytes});
  while (at - looks_.front().at > kWindow)
    looks_.pop_front();
}

std::optional<double> Decline::bytes_per_second() const {
  if (looks_.size() < 3 || looks_.back().at - looks_.front().at < kLeastSpan)
    return std::nullopt;
  TimePoint const middle = looks_.front().at + (looks_.back().at - looks_.front().at) / 2;
  auto const second_half = std::find_if(looks_.begin(), looks_.end(),
                                        [&](Look const& look) { return look.at >= middle; });
  auto const has_less = [](Look const& a, Look const& b) { return a.left_bytes < b.left_bytes; };
  Look const& then = *std::max_element(looks_.begin(), second_half, has_less);
  Look const& now = *std::max_element(second_half, looks_.end(), has_less);
  double const lost = static_cast<double>(then.left_bytes - now.left_bytes);
  return std::max(0.0, lost / seconds_of(now.at - then.at));
}

SlotStatus SlotForecast::add(Slot const& slot, TimePoint now) {
  SlotStatus out;
  out.name = slot.slot_name;
  out.wal_status = slot.wal_status;
  out.retained_bytes = std::max<std::int64_t>(0, slot.retained_bytes);
  auto const consider = [&](Decline& decline, std::int64_t left, std::string_view limit) {
    decline.add(now, left);
    auto const rate = decline.bytes_per_second();
    std::optional<double> seconds;
    if (rate && *rate > 0)
      seconds = static_cast<double>(std::max<std::int64_t>(0, left)) / *rate;
    bool const is_nearer = !out.left_bytes ||
                           (seconds && (!out.seconds_left || *seconds < *out.seconds_left)) ||
                           (!seconds && !out.seconds_left && left < *out.left_bytes);
    if (!is_nearer)
      return;
    out.limit = limit;
    out.left_bytes = left;
    out.bytes_per_second = rate;
    out.seconds_left = seconds;
  };
  if (slot.safe_wal_bytes)
    consider(server_, *slot.safe_wal_bytes, "max_slot_wal_keep_size");
  if (limits_.wal_limit > 0)
    consider(own_, static_cast<std::int64_t>(limits_.wal_limit) - slot.retained_bytes,
             "slot.wal-limit");
  out.warning = warning_of(out);
  return out;
}

std::string SlotForecast::warning_of(SlotStatus const& outlook) const {
  if (outlook.wal_status == "lost")
    return fmt::format("slot {} is lost: its WAL is gone", outlook.name);
  if (!outlook.left_bytes)
    return {};
  std::int64_t const left = *outlook.left_bytes;
  if (outlook.wal_status == "unreserved" || left <= 0)
    return fmt::format("slot {} keeps {} of WAL, beyond {}{}", outlook.name,
                       mebibytes(outlook.retained_bytes), outlook.limit,
                       outlook.limit == "slot.wal-limit"
                           ? ""
                           : ": the server invalidates it at its next checkpoint");
  if (outlook.seconds_left &&
      *outlook.seconds_left * 1000 < static_cast<double>(limits_.warn_before.count()))
    return fmt::format(
        "slot {} keeps {} of WAL and reaches {} in {:.0f} s at the present rate of "
        "{}/s; {} are left",
        outlook.name, mebibytes(outlook.retained_bytes), outlook.limit, *outlook.seconds_left,
        mebibytes(static_cast<std::int64_t>(*outlook.bytes_per_second)), mebibytes(left));
  double const whole = static_cast<double>(outlook.retained_bytes + left);
  if (static_cast<double>(outlook.retained_bytes) > kNearlyFull * whole)
    return fmt::format("slot {} keeps {} of WAL; {} are left until {}", outlook.name,
                       mebibytes(outlook.retained_bytes), mebibytes(left), outlook.limit);
  return {};
}

SlotGuardian::SlotGuardian(SourceAddress source, std::string slot_name, SlotLimits limits,
                           Shared& shared, Look also)
    : source_(std::move(source)), slot_name_(std::move(slot_name)), forecast_(limits),
      shared_(shared), also_(std::move(also)) {}

void SlotGuardian::run(std::stop_token stop) {
  do {
    try {
      look(stop);
      also_(*connection_, stop);
    } catch (Stopped const&) {
      return;
    } catch (Error const& error) {
      if (error.code() == ErrorCode::publication_missing)
        throw; // ends the run
      connection_.reset();
      log::debug("the slot cannot be looked at: {}", error.what());
    }
  } while (pause_for(kEvery, stop));
}

void SlotGuardian::look(std::stop_token const& stop) {
  if (connection_ == nullptr || !connection_->is_alive()) {
    connection_ = std::make_unique<Connection>(source_, ConnectionKind::sql, stop);
    connection_->set_answer_timeout(kPatience); // the end of the run waits for it
  }
  WALROCK_BEFORE(slot_look);
  auto const slot = find_slot(*connection_, slot_name_);
  WALROCK_AFTER(slot_look);
  if (!slot)
    return; // the stream refuses or repairs
  TimePoint const now = std::chrono::steady_clock::now();
  SlotStatus outlook = forecast_.add(*slot, now);
  say(outlook, now);
  shared_.slot_outlook.set(std::move(outlook));
}

// When it begins, every minute while it lasts, and when it is over.
void SlotGuardian::say(SlotStatus const& outlook, TimePoint now) {
  bool const must_warn = !outlook.warning.empty();
  if (must_warn && (!has_warned_ || now >= say_again_)) {
    log::warning("{}", outlook.warning);
    say_again_ = now + kSayAgain;
  } else if (!must_warn && has_warned_) {
    log::info("slot={} is clear of its limits retained_bytes={}", outlook.name,
              outlook.retained_bytes);
  }
  has_warned_ = must_warn;
}

} // namespace walrock
