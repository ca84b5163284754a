// The load threads. Some send rows; some the short calls that settle a label (commit, rollback, its
// state); some the statements, which may take hours (an ALTER, a twin that is filled). Each kind
// has a queue and threads of its own, so that a commit waits behind neither a large body nor a
// statement. Each thread owns one LoadTarget. They decide nothing; every answer goes to the commit
// thread.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "base/channel.h"
#include "base/error.h"
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

  struct ThreadCounts {
    std::size_t loads = 1;
    std::size_t calls = 1;
    std::size_t statements = 1;
  };

  // Told, on a load thread, that rows cannot be read back from the spool: only a new start, which
  // empties it, brings them again.
  using SpoolLost = std::function<void(Error const&)>;

  // shared must outlive it.
  LoadPool(ThreadCounts counts, MakeTarget make_target, SpoolLost spool_lost, Shared& shared);
  ~LoadPool() { stop(); }
  // Ends the threads after the job each is at; what waits is not begun. Before the committer, whose
  // batches they read, goes.
  void stop();
  LoadPool(LoadPool const&) = delete;
  LoadPool& operator=(LoadPool const&) = delete;

  void submit(LoadJob job);

private:
  [[nodiscard]] Channel<LoadJob>& queue_of(LoadJob const& job);
  void work(Channel<LoadJob>& jobs, std::stop_token stop, char const* name);
  void perform(LoadTarget& target, LoadJob const& job);
  template <typename Outcome, typename Work>
  [[nodiscard]] Outcome loaded(Outcome failed, Outcome unknown, Work work);

  MakeTarget make_target_;
  SpoolLost spool_lost_;
  Shared& shared_;
  Channel<LoadJob> loads_{SIZE_MAX};
  Channel<LoadJob> calls_{SIZE_MAX};
  Channel<LoadJob> statements_{SIZE_MAX};
  std::vector<std::jthread> threads_;
};

} // namespace walrock
