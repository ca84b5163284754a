// The commit thread: owns the checkpoint store and the committer machine. It decides, the load
// threads send. Publishes the status a few times a second.
#pragma once

#include <functional>
#include <stop_token>

#include "model/checkpoint.h"
#include "pipeline/committer.h"
#include "runtime/load_pool.h"
#include "runtime/shared.h"
#include "runtime/status.h"

namespace walrock {

class CopyPool;

class CommitThread {
public:
  // Everything must outlive it. publish is called on the commit thread.
  CommitThread(Committer committer, CheckpointStore& store, LoadPool& loads, CopyPool& copies,
               Shared& shared, std::function<void(Committer const&)> publish);

  // Until drain is asked for and everything under way is finished, or now is asked for.
  void run(std::stop_token drain, std::stop_token now);

private:
  void apply(CommitEvent event);
  void perform(CommitterActions& actions, std::stop_token now);
  void write(CheckpointUpdate const& update, std::stop_token const& now);
  void share();

  Committer committer_;
  CheckpointStore& store_;
  LoadPool& loads_;
  CopyPool& copies_;
  Shared& shared_;
  std::function<void(Committer const&)> publish_;
  TimePoint publish_due_{};
};

} // namespace walrock
