#pragma once

#include <cstddef>

namespace walrock {

// While one lives, recv() of this thread gives so many bytes and then says that nothing is there.
//
// PQconsumeInput() reads on for as long as more arrives, up to the size that a message claims to
// have: 1 GB. A sender that is faster than we are would fill memory within one call, before
// Connection::bound_message() can look. libpq has no setting for it, and takes recv() from the
// program, so the program has its own.
class ReadQuota {
public:
  explicit ReadQuota(std::size_t bytes) noexcept; // at least 1
  ~ReadQuota();
  ReadQuota(ReadQuota const&) = delete;
  ReadQuota& operator=(ReadQuota const&) = delete;
};

} // namespace walrock
