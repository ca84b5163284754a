// Local files for bytes that do not fit in memory: bodies that wait, and transactions in progress.
// A cache: whatever is here can be read again from the slot, so nothing is synced, and the folder
// is emptied at every start. Errors: spool_failed. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "model/batch.h"

namespace walrock {

class SpoolFolder {
public:
  // Makes the folder, or empties it.
  explicit SpoolFolder(std::string path);

  // Moves the bytes of a body into a file; the file goes when the body does.
  void spool(Body& body);

  [[nodiscard]] std::string new_path(char const* kind);

private:
  std::string path_;
  Mutex mutex_;
  std::uint64_t last_ WALROCK_GUARDED_BY(mutex_) = 0;
};

// The payloads of transactions in progress, a file per transaction. Lives on the replication
// thread.
class TransactionSpool {
public:
  explicit TransactionSpool(SpoolFolder& folder); // must outlive this
  ~TransactionSpool();
  TransactionSpool(TransactionSpool const&) = delete;
  TransactionSpool& operator=(TransactionSpool const&) = delete;

  void append(std::uint32_t xid, std::uint32_t sub_xid, std::span<std::byte const> payload);
  // Calls take for every payload in order, but those of aborted; ends early when take says false.
  // The transaction is forgotten afterwards.
  void replay(std::uint32_t xid, std::set<std::uint32_t> const& aborted,
              std::function<bool(std::span<std::byte const>)> const& take);
  void forget(std::uint32_t xid);
  void clear();

private:
  struct File;
  void flush(File& file);

  SpoolFolder& folder_;
  std::unordered_map<std::uint32_t, std::unique_ptr<File>> files_;
};

} // namespace walrock
