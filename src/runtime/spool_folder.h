// Local files for bytes that do not fit in memory: bodies that wait, and transactions in progress.
// A cache: whatever is here can be read again from the slot, so nothing is synced, and the folder
// is emptied at every start. Everything is compressed. Any thread.
//
// Bodies go one behind the other into segments, so that a few open files hold any number of them. A
// segment goes when its last body has gone.
//
// A disk that does not take something (it is full, read-only, gone) is no error: what was to be
// written stays in memory, compressed, nothing more should be read from the source, and it is
// written when the disk takes it. What cannot be read back is one: spool_failed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "model/batch.h"

namespace walrock {

class SpoolFolder {
public:
  // Makes the folder, or empties it. limit: bytes that bodies may take on disk.
  explicit SpoolFolder(std::string path, std::uint64_t limit = UINT64_MAX);
  ~SpoolFolder();

  // Moves the bytes of a body into a file, as soon as the disk takes them. Never refuses: see
  // has_room.
  void spool(Body& body);
  // Tries again what the disk did not take, with backoff. Of one thread.
  void retry(TimePoint now);

  // False once the limit is reached, and while the disk does not take what it was given: nothing
  // more should be read from the source until loads have freed some of it. One body may go beyond
  // the limit.
  [[nodiscard]] bool has_room() const { return held_->load() == 0 && used_bytes() < limit_; }
  // What the disk does not take, why, and what to do; empty when it takes everything.
  [[nodiscard]] std::string trouble() const;
  // Of the files of bodies, as they are on disk.
  [[nodiscard]] std::uint64_t used_bytes() const { return used_->load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t limit() const { return limit_; }

  [[nodiscard]] std::string new_path(char const* kind);

private:
  class Segment;
  class Content;
  class SpooledBody;

  void write(Content& content);

  std::string path_;
  std::uint64_t limit_;
  // Outlive this: the bodies of a committer may.
  std::shared_ptr<std::atomic<std::uint64_t>> used_;
  std::shared_ptr<std::atomic<std::size_t>> held_; // bodies that the disk did not take
  Backoff retry_backoff_;
  TimePoint retry_at_{};
  mutable Mutex mutex_;
  std::uint64_t last_ WALROCK_GUARDED_BY(mutex_) = 0;
  std::vector<std::weak_ptr<Content>> refused_ WALROCK_GUARDED_BY(mutex_); // some have gone since
  std::string fault_ WALROCK_GUARDED_BY(mutex_);
  Mutex write_mutex_; // held while a segment is written
  std::weak_ptr<Segment> segment_ WALROCK_GUARDED_BY(write_mutex_); // its bodies keep it
};

// The payloads of transactions in progress, a file per transaction. Lives on the replication
// thread. Not counted against the folder's limit: a transaction must be received to its end before
// any of it can be loaded.
class TransactionSpool {
public:
  explicit TransactionSpool(SpoolFolder& folder); // must outlive this
  ~TransactionSpool();
  TransactionSpool(TransactionSpool const&) = delete;
  TransactionSpool& operator=(TransactionSpool const&) = delete;

  // What the disk does not take stays in memory: see has_room.
  void append(std::uint32_t xid, std::uint32_t sub_xid, std::span<std::byte const> payload);
  // Calls take for every payload in order, but those of aborted; ends early when take says false.
  // The transaction is forgotten afterwards.
  void replay(std::uint32_t xid, std::set<std::uint32_t> const& aborted,
              std::function<bool(std::span<std::byte const>)> const& take);
  void forget(std::uint32_t xid);
  void clear();

  // Tries again what the disk did not take, with backoff.
  void retry(TimePoint now);
  // False while the disk does not take what it was given: nothing more should be appended.
  [[nodiscard]] bool has_room() const { return trouble_.empty(); }
  [[nodiscard]] std::string const& trouble() const { return trouble_; }

private:
  struct File;
  void flush(File& file);
  void flush_large(File& file);
  void look_for_room();

  SpoolFolder& folder_;
  std::string trouble_;
  Backoff retry_backoff_;
  TimePoint retry_at_{};
  std::unordered_map<std::uint32_t, std::unique_ptr<File>> files_;
};

} // namespace walrock
