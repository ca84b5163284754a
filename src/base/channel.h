// A bounded queue between threads. Capacity is in bytes; passing is moving.
// Any thread may push and pop. Waiting ends when a stop is asked for or the channel is closed.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/time.h"

namespace walrock {

template <typename T> class Channel {
public:
  explicit Channel(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // Waits for room. One element larger than the whole capacity is let in alone.
  // Returns false when the channel is closed or a stop is asked for; the element is then lost.
  [[nodiscard]] bool push(T element, std::size_t bytes, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return closed_ || has_room(bytes); });
    if (closed_ || !has_room(bytes))
      return false;
    enqueue(std::move(element), bytes);
    return true;
  }

  // Never waits and is never refused for room (for events that must not be lost); false if closed.
  bool push_now(T element, std::size_t bytes = 0) {
    std::unique_lock lock(mutex_);
    if (closed_)
      return false;
    enqueue(std::move(element), bytes);
    return true;
  }

  // Waits until there is an element, the deadline is over, the channel is closed or a stop is
  // asked.
  [[nodiscard]] std::optional<T> pop(std::stop_token stop, Deadline deadline = Deadline::never()) {
    std::unique_lock lock(mutex_);
    auto const ready = [&] { return closed_ || !elements_.empty(); };
    if (deadline.at == TimePoint::max())
      changed_.wait(lock, stop, ready);
    else
      changed_.wait_until(lock, stop, deadline.at, ready);
    return dequeue();
  }

  [[nodiscard]] std::optional<T> try_pop() {
    std::unique_lock lock(mutex_);
    return dequeue();
  }

  // No more pushes; what is inside can still be popped.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  [[nodiscard]] std::size_t size() const {
    std::unique_lock lock(mutex_);
    return elements_.size();
  }

private:
  bool has_room(std::size_t bytes) const { return bytes_ == 0 || bytes_ + bytes <= capacity_; }

  void enqueue(T element, std::size_t bytes) {
    elements_.emplace_back(std::move(element), bytes);
    bytes_ += bytes;
    changed_.notify_all();
  }

  std::optional<T> dequeue() {
    if (elements_.empty())
      return std::nullopt;
    std::optional<T> out(std::move(elements_.front().first));
    bytes_ -= elements_.front().second;
    elements_.pop_front();
    changed_.notify_all();
    return out;
  }

  std::size_t const capacity_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::pair<T, std::size_t>> elements_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

} // namespace walrock
