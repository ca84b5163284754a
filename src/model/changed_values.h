// How many values were changed on their way because StarRocks cannot hold them and the job's policy
// says null or clamp. Nothing is changed that is not counted here. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "model/names.h"

namespace walrock {

class ChangedValues {
public:
  using Counter = std::atomic<std::uint64_t>;
  using Column = std::pair<TableName, std::string>; // of the source, and the column

  // The counter of one column; it lives as long as anybody holds it.
  [[nodiscard]] std::shared_ptr<Counter> of(TableName const& table, std::string const& column) {
    MutexLock const lock(mutex_);
    std::shared_ptr<Counter>& counter = counters_[{table, column}];
    if (counter == nullptr)
      counter = std::make_shared<Counter>(0);
    return counter;
  }
  // The columns of which values were changed since walrock started. What is read again after a
  // fault is counted again.
  [[nodiscard]] std::map<Column, std::uint64_t> read() const {
    MutexLock const lock(mutex_);
    std::map<Column, std::uint64_t> out;
    for (auto const& [column, counter] : counters_)
      if (std::uint64_t const count = counter->load(std::memory_order_relaxed); count > 0)
        out.emplace(column, count);
    return out;
  }

private:
  mutable Mutex mutex_;
  std::map<Column, std::shared_ptr<Counter>> counters_ WALROCK_GUARDED_BY(mutex_);
};

} // namespace walrock
