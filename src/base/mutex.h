// A mutex that clang's -Wthread-safety understands (libstdc++'s own is not annotated).
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define WALROCK_ANNOTATE(x) __attribute__((x))
#else
#define WALROCK_ANNOTATE(x)
#endif
#define WALROCK_GUARDED_BY(x) WALROCK_ANNOTATE(guarded_by(x))

namespace walrock {

class WALROCK_ANNOTATE(capability("mutex")) Mutex {
public:
  void lock() WALROCK_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() WALROCK_ANNOTATE(release_capability()) { mutex_.unlock(); }

private:
  std::mutex mutex_;
};

class WALROCK_ANNOTATE(scoped_lockable) MutexLock {
public:
  explicit MutexLock(Mutex& mutex) WALROCK_ANNOTATE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() WALROCK_ANNOTATE(release_capability()) { mutex_.unlock(); }
  MutexLock(MutexLock const&) = delete;
  MutexLock& operator=(MutexLock const&) = delete;

private:
  Mutex& mutex_;
};

} // namespace walrock
