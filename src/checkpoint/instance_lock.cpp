// The lock is an open file description lock: like flock() it belongs to the open file and ends with
// its last descriptor, but it can also be asked for without being taken, so that `walrock status`
// never makes a starting walrock believe that it is the second one.
#include "checkpoint/instance_lock.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.h"
#include "base/unix_time.h"
#include "checkpoint/folder.h"

namespace walrock {

namespace {

std::string lock_path(std::string const& folder) {
  return folder + "/lock";
}

struct flock whole_file() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// "pid 1234\nstarted 2026-01-31T12:00:00Z\n"; what is not there stays empty.
LockHolder parse_holder(std::string_view text) {
  LockHolder holder;
  while (!text.empty()) {
    std::string_view const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.substr(0, 4) == "pid ")
      std::from_chars(line.data() + 4, line.data() + line.size(), holder.pid);
    if (line.substr(0, 8) == "started ")
      holder.started = line.substr(8);
  }
  return holder;
}

void write_holder(int fd, std::string const& path) {
  std::string const text = fmt::format("pid {}\nstarted {}\n", ::getpid(), utc_text(unix_ms_now()));
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

} // namespace

InstanceLock::InstanceLock(std::string const& folder) {
  make_checkpoint_folder(folder);
  std::string const path = lock_path(folder);
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0)
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  struct flock lock = whole_file();
  if (::fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
    int const error = errno;
    ::close(std::exchange(fd_, -1));
    if (error != EAGAIN && error != EACCES)
      throw Error(ErrorCode::checkpoint_failed,
                  fmt::format("cannot lock {}: {}", path, std::strerror(error)));
    LockHolder const holder = parse_holder(read_small_file(path).value_or(""));
    throw Error(ErrorCode::instance_running,
                fmt::format("another walrock runs on the checkpoint folder {} (pid {}, since {})",
                            folder, holder.pid, holder.started));
  }
  try {
    write_holder(fd_, path);
  } catch (Error const&) {
    ::close(std::exchange(fd_, -1));
    throw;
  }
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

InstanceLock::~InstanceLock() {
  if (fd_ >= 0)
    ::close(fd_);
}

std::optional<LockHolder> lock_holder(std::string const& folder) {
  std::string const path = lock_path(folder);
  // Asking for a write lock needs a descriptor that may write.
  int const fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::nullopt;
  if (fd < 0)
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  struct flock lock = whole_file();
  int const asked = ::fcntl(fd, F_OFD_GETLK, &lock);
  int const error = errno;
  ::close(fd);
  if (asked != 0)
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("cannot ask for the lock {}: {}", path, std::strerror(error)));
  if (lock.l_type == F_UNLCK)
    return std::nullopt;
  return parse_holder(read_small_file(path).value_or(""));
}

} // namespace walrock
