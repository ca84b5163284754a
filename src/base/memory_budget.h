// The bytes that walrock may keep in batches. Charged when bytes enter a batch, released when they
// are freed or spooled to disk. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace walrock {

class MemoryBudget {
public:
  explicit MemoryBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}
  void charge(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] bool has_room() const { return used() < limit_; }

private:
  std::size_t const limit_;
  std::atomic<std::size_t> used_{0};
};

// A share of the budget that travels with the bytes it stands for.
class Charge {
public:
  Charge() = default;
  explicit Charge(MemoryBudget* budget) : budget_(budget) {}
  Charge(Charge&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    if (this != &other) {
      resize(0);
      budget_ = other.budget_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  Charge(Charge const&) = delete;
  Charge& operator=(Charge const&) = delete;
  ~Charge() { resize(0); }

  void resize(std::size_t bytes) {
    if (budget_ != nullptr && bytes > bytes_)
      budget_->charge(bytes - bytes_);
    if (budget_ != nullptr && bytes < bytes_)
      budget_->release(bytes_ - bytes);
    bytes_ = bytes;
  }

private:
  MemoryBudget* budget_ = nullptr;
  std::size_t bytes_ = 0;
};

} // namespace walrock
