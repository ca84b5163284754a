// The checkpoint in a table of StarRocks, for a container that keeps no disk. Format:
// docs/formats/checkpoint-in-starrocks.md; why it is safe: docs/design/checkpoint-in-starrocks.md.
//
// Every update is one load transaction into one table. write() returns when it is visible and no
// later incarnation had been begun by then. Each incarnation has rows of its own: a walrock that
// was overtaken writes where nobody reads.
//
// Errors: instance_running (never) while another walrock owns the job, and for a write after one
// has taken over; checkpoint_failed (later) while StarRocks does not take the update;
// checkpoint_failed (never) and checkpoint_mismatch for rows that cannot be read.
//
// Lives on one thread, the commit thread; a thread of its own, the heart, says that it lives and
// looks for a later owner while nothing is written.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "model/checkpoint.h"
#include "starrocks/address.h"
#include "starrocks/transaction_calls.h"

namespace walrock {

struct StarRocksStoreSettings {
  TargetAddress address;
  TargetAddress ddl; // who makes database and table
  std::string database;
  std::string job_id;
  LoadOptions options;
  std::string host; // of this walrock, for messages
  Milliseconds beat{5'000};
  Milliseconds silence{30'000};                    // without a beat for so long it counts as dead
  std::function<void(std::string const&)> waiting; // called while the owner before may still live
  // Called once, by the heart, when it finds that nothing may be written any more: another walrock
  // has taken over, or the job was dropped. At most 1.2 beats after that, while StarRocks answers.
  std::function<void(Error const&)> lost;
};

class StarRocksStore final : public CheckpointStore {
public:
  // Connects to nothing yet. A stop asked for cuts calls short.
  explicit StarRocksStore(StarRocksStoreSettings settings, std::stop_token stop = {});
  // Releases the job, so that the next one need not wait.
  ~StarRocksStore() override;

  // Before begin_incarnation(): what the last incarnation left.
  [[nodiscard]] Checkpoint read() override;
  void write(CheckpointUpdate const& update) override;
  // Waits until an owner that does not live any more is known to be dead. Throws Stopped.
  [[nodiscard]] std::uint64_t begin_incarnation() override;

  // Removes every row of the job; only in an incarnation of its own.
  void remove();

private:
  struct Session;
  std::unique_ptr<Session> session_;
};

} // namespace walrock
