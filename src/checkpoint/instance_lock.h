// One walrock per job: a lock on <folder>/lock that the kernel releases when its holder ends,
// however it ends. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace walrock {

// Who holds a lock; written into its file for people and messages, never trusted as the lock
// itself.
struct LockHolder {
  std::int64_t pid = 0;
  std::string started; // 2026-01-31T12:00:00Z
};

class InstanceLock {
public:
  // Makes the folder (0700) when it is missing. Throws instance_running, naming the holder, when
  // another process has the lock, and checkpoint_failed when the file cannot be made.
  explicit InstanceLock(std::string const& folder);
  ~InstanceLock();
  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;

private:
  int fd_ = -1;
};

// Who holds the lock of a folder now; nothing when nobody does.
[[nodiscard]] std::optional<LockHolder> lock_holder(std::string const& folder);

} // namespace walrock
