#include "runtime/load_pool.h"

#include <cstdint>
#include <utility>

#include <pthread.h>

#include "base/log.h"
#include "schema/ddl.h"

namespace walrock {

LoadPool::LoadPool(std::size_t loader_count, std::size_t caller_count, MakeTarget make_target,
                   Shared& shared)
    : make_target_(std::move(make_target)), shared_(shared) {
  for (std::size_t i = 0; i < loader_count; ++i)
    threads_.emplace_back([this](std::stop_token stop) { work(loads_, stop, "load"); });
  for (std::size_t i = 0; i < caller_count; ++i)
    threads_.emplace_back([this](std::stop_token stop) { work(calls_, stop, "call"); });
}

void LoadPool::stop() {
  for (std::jthread& thread : threads_)
    thread.request_stop();
  loads_.close();
  calls_.close();
  threads_.clear();
}

void LoadPool::submit(LoadJob job) {
  bool const has_rows =
      std::holds_alternative<StartLoad>(job) || std::holds_alternative<StartGroup>(job);
  Channel<LoadJob>& to = has_rows ? loads_ : calls_;
  to.push_now(std::move(job));
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

void LoadPool::perform(LoadTarget& target, LoadJob const& job) {
  struct Visitor {
    LoadTarget& target;
    Shared& shared;

    void operator()(StartLoad const& load) const {
      LoadOutcome failed;
      failed.kind = LoadOutcome::Kind::failed;
      shared.events.push_now(Loaded{load.call, guarded(failed, [&] {
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
          GroupLoaded{group.call, guarded(failed, [&] {
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
  std::visit(Visitor{target, shared_}, job);
}

} // namespace walrock
