// The load threads: some send rows, others send the short calls (commit, rollback, label state,
// statements), so that a commit never waits behind a large body. Each thread owns one LoadTarget.
// They decide nothing; every answer goes to the commit thread.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "base/channel.h"
#include "model/load_target.h"
#include "pipeline/committer_actions.h"
#include "runtime/shared.h"

namespace walrock {

using LoadJob = std::variant<StartLoad, SendCommit, SendRollback, AskLabelState, StartGroup,
                             SettleGroup, SendTruncate, SendMarkDeleted, SendCut, SendMakeTwin,
                             SendSwap, SendAddColumns, ReadQuarantine, EmptyQuarantine>;

class LoadPool {
public:
  using MakeTarget = std::function<std::unique_ptr<LoadTarget>()>;

  // shared must outlive it.
  LoadPool(std::size_t loader_count, std::size_t caller_count, MakeTarget make_target,
           Shared& shared);
  ~LoadPool() { stop(); }
  // Ends the threads after the job each is at; what waits is not begun. Before the committer, whose
  // batches they read, goes.
  void stop();
  LoadPool(LoadPool const&) = delete;
  LoadPool& operator=(LoadPool const&) = delete;

  void submit(LoadJob job);

private:
  void work(Channel<LoadJob>& jobs, std::stop_token stop, char const* name);
  void perform(LoadTarget& target, LoadJob const& job);

  MakeTarget make_target_;
  Shared& shared_;
  Channel<LoadJob> loads_{SIZE_MAX};
  Channel<LoadJob> calls_{SIZE_MAX};
  std::vector<std::jthread> threads_;
};

} // namespace walrock
