// The checkpoint in one SQLite file, <folder>/checkpoint.db. Format: docs/formats/checkpoint.md.
//
// Every write is one transaction, synced before write() returns (WAL journal, synchronous=FULL: one
// fsync). Errors: checkpoint_failed with the path for everything that the disk or SQLite refuses
// (retry later) and for a file that is damaged (retry never); checkpoint_mismatch for a format
// newer than this program; instance_running for a write after another walrock has begun an
// incarnation on the same file, where the lock of the folder did not keep it out (a volume that two
// machines share may not carry locks).
//
// Lives on one thread: the commit thread. The constructor may run on another one before.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "model/checkpoint.h"

namespace walrock {

class SqliteStore final : public CheckpointStore {
public:
  // Opens or creates the store, and brings an older format to the present one; the folder is made
  // with mode 0700 when it is missing. Hold the InstanceLock of the folder first.
  explicit SqliteStore(std::string const& folder);
  ~SqliteStore() override;

  [[nodiscard]] Checkpoint read() override;
  void write(CheckpointUpdate const& update) override;
  [[nodiscard]] std::uint64_t begin_incarnation() override;

private:
  struct Database;
  std::unique_ptr<Database> database_;
};

// What the store of a folder says, without changing anything: for `walrock status` of a job that
// may or may not be running. Nothing when there is no checkpoint.
[[nodiscard]] std::optional<Checkpoint> read_checkpoint(std::string const& folder);

// Removes the store, damaged or not (for `walrock drop`, under the InstanceLock); false when there
// was none.
bool remove_checkpoint(std::string const& folder);

} // namespace walrock
