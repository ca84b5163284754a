#include "runtime/load_pool.h"

#include <cstdint>
#include <utility>

#include <pthread.h>

#include "base/log.h"
#include "schema/ddl.h"

namespace walrock {

LoadPool::LoadPool(ThreadCounts counts, MakeTarget make_target, SpoolLost spool_lost,
                   Shared& shared)
    : make_target_(std::move(make_target)), spool_lost_(std::move(spool_lost)), shared_(shared) {
  auto const start = [this](std::size_t count, Channel<LoadJob>& jobs, char const* name) {
    for (std::size_t i = 0; i < count; ++i)
      threads_.emplace_back([this, &jobs, name](std::stop_token stop) { work(jobs, stop, name); });
  };
  start(counts.loads, loads_, "load");
  start(counts.calls, calls_, "call");
  start(counts.statements, statements_, "statement");
}

void LoadPool::stop() {
  for (std::jthread& thread : threads_)
    thread.request_stop();
  loads_.close();
  calls_.close();
  statements_.close();
  threads_.clear();
}

void LoadPool::submit(LoadJob job) {
  Channel<LoadJob>& to = queue_of(job);
  to.push_now(std::move(job));
}

Channel<LoadJob>& LoadPool::queue_of(LoadJob const& job) {
  if (std::holds_alternative<StartLoad>(job) || std::holds_alternative<StartGroup>(job))
    return loads_;
  bool const settles_label =
      std::holds_alternative<SendCommit>(job) || std::holds_alternative<SendRollback>(job) ||
      std::holds_alternative<AskLabelState>(job) || std::holds_alternative<SettleGroup>(job);
  return settles_label ? calls_ : statements_;
}

void LoadPool::work(Channel<LoadJob>& jobs, std::stop_token stop, char const* name) {
  ::pthread_setname_np(::pthread_self(), name);
  std::unique_ptr<LoadTarget> target = make_target_();
  while (!stop.stop_requested()) {
    std::optional<LoadJob> const job = jobs.pop(stop);
    if (!job)
      continue;
    perform(*target, *job);
  }
}

namespace {

std::string create_sql_of(SendMakeTwin const& make) {
  return make.design ? create_table_sql(make.design->target) : std::string();
}

// The body of a worker: what a target throws is an answer like any other.
template <typename Outcome, typename Work> Outcome guarded(Outcome otherwise, Work work) {
  try {
    return work();
  } catch (std::exception const& error) {
    log::error("call to StarRocks failed: {}", error.what());
    if constexpr (requires { otherwise.message; })
      otherwise.message = error.what();
    return otherwise;
  }
}

} // namespace

// A spool that cannot be read is no fault of the table whose rows were in it.
template <typename Outcome, typename Work>
Outcome LoadPool::loaded(Outcome failed, Outcome unknown, Work work) {
  return guarded(std::move(failed), [&] {
    try {
      return work();
    } catch (Error const& error) {
      if (error.code() != ErrorCode::spool_failed)
        throw;
      spool_lost_(error);
      unknown.message = error.what();
      return std::move(unknown);
    }
  });
}

void LoadPool::perform(LoadTarget& target, LoadJob const& job) {
  struct Visitor {
    LoadPool& pool;
    LoadTarget& target;
    Shared& shared;

    void operator()(StartLoad const& load) const {
      LoadOutcome failed;
      failed.kind = LoadOutcome::Kind::failed;
      LoadOutcome unknown;
      unknown.kind = LoadOutcome::Kind::unreachable;
      shared.events.push_now(Loaded{load.call, pool.loaded(failed, unknown, [&] {
                                      return target.load({load.label, load.batch});
                                    })});
    }
    void operator()(SendCommit const& commit) const {
      shared.events.push_now(Committed{
          commit.call, guarded(CommitOutcome(), [&] { return target.commit(commit.label); })});
    }
    void operator()(SendRollback const& rollback) const {
      shared.events.push_now(RolledBack{
          rollback.call, guarded(CallOutcome(), [&] { return target.rollback(rollback.label); })});
    }
    void operator()(AskLabelState const& ask) const {
      shared.events.push_now(LabelStated{ask.call, guarded(LabelState::unreachable, [&] {
                                           return target.label_state(ask.label);
                                         })});
    }
    void operator()(StartGroup const& group) const {
      GroupOutcome failed;
      failed.cause = LoadOutcome::Kind::failed;
      shared.events.push_now(
          GroupLoaded{group.call, pool.loaded(failed, GroupOutcome(), [&] {
                        return target.load_group({group.label, group.batches, group.progress});
                      })});
    }
    void operator()(SettleGroup const& settle) const {
      shared.events.push_now(GroupSettled{settle.call, guarded(GroupVerdict(), [&] {
                                            return target.settle_group(settle.label, settle.job_id);
                                          })});
    }
    void operator()(SendTruncate const& truncate) const {
      shared.events.push_now(Called{
          truncate.call, guarded(CallOutcome(), [&] { return target.truncate(truncate.target); })});
    }
    void operator()(SendMarkDeleted const& mark) const {
      shared.events.push_now(Called{mark.call, guarded(CallOutcome(), [&] {
                                      return target.mark_deleted(mark.target, mark.values);
                                    })});
    }
    void operator()(SendCut const& cut) const {
      shared.events.push_now(Called{
          cut.call, guarded(CallOutcome(), [&] { return target.cut(cut.target, cut.from); })});
    }
    void operator()(SendMakeTwin const& make) const {
      shared.events.push_now(Called{make.call, guarded(CallOutcome(), [&] {
                                      return target.make_twin(make.target, make.twin, make.kept,
                                                              create_sql_of(make));
                                    })});
    }
    void operator()(SendSwap const& swap) const {
      shared.events.push_now(Called{swap.call, guarded(CallOutcome(), [&] {
                                      return target.swap_in(swap.target, swap.twin);
                                    })});
    }
    void operator()(ReadQuarantine const& read) const {
      shared.events.push_now(QuarantineRead{read.call, guarded(QuarantineOutcome(), [&] {
                                              return target.read_quarantine(read.target);
                                            })});
    }
    void operator()(EmptyQuarantine const& empty) const {
      shared.events.push_now(Called{empty.call, guarded(CallOutcome(), [&] {
                                      return target.empty_quarantine(empty.target);
                                    })});
    }
    void operator()(SendAddColumns const& add) const {
      shared.events.push_now(Called{add.call, guarded(CallOutcome(), [&] {
                                      return target.add_columns(add.target, add.columns);
                                    })});
    }
  };
  std::visit(Visitor{*this, target, shared_}, job);
}

} // namespace walrock
