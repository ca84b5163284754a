#include "runtime/load_pool.h"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"

namespace walrock {
namespace {

// What statements wait for, and what a load does; shared by the targets of all threads.
struct Server {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting_statements = 0;
  bool is_open = false;
  bool is_spool_broken = false;

  CallOutcome statement() {
    std::unique_lock lock(mutex);
    ++waiting_statements;
    changed.notify_all();
    changed.wait(lock, [&] { return is_open; });
    return {CallOutcome::Kind::done, {}};
  }
  void open() {
    std::lock_guard const lock(mutex);
    is_open = true;
    changed.notify_all();
  }
  bool await_statements(int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return waiting_statements >= count; });
  }
};

class FakeTarget final : public LoadTarget {
public:
  explicit FakeTarget(Server& server) : server_(server) {}

  LoadOutcome load(LoadRequest const&) override {
    if (server_.is_spool_broken)
      throw Error(ErrorCode::spool_failed, "cannot read all of bodies.1");
    LoadOutcome outcome;
    outcome.kind = LoadOutcome::Kind::prepared;
    return outcome;
  }
  CommitOutcome commit(Label const&) override { return {CommitOutcome::Kind::committed, true, {}}; }
  CallOutcome rollback(Label const&) override { return {CallOutcome::Kind::done, {}}; }
  LabelState label_state(Label const&) override { return LabelState::visible; }
  GroupOutcome load_group(GroupRequest const&) override {
    if (server_.is_spool_broken)
      throw Error(ErrorCode::spool_failed, "cannot read all of bodies.1");
    GroupOutcome outcome;
    outcome.kind = GroupOutcome::Kind::committed;
    return outcome;
  }
  GroupVerdict settle_group(Label const&, std::string const&) override {
    GroupVerdict verdict;
    verdict.kind = GroupVerdict::Kind::gone;
    return verdict;
  }
  CallOutcome truncate(TargetName const&) override { return server_.statement(); }
  CallOutcome cut(TargetName const&, Lsn) override { return server_.statement(); }
  CallOutcome mark_deleted(TargetName const&, std::vector<ColumnValue> const&) override {
    return server_.statement();
  }
  CallOutcome make_twin(TargetName const&, TargetName const&,
                        std::optional<KeptRows> const&, std::string const&) override {
    return server_.statement();
  }
  CallOutcome swap_in(TargetName const&, TargetName const&) override { return server_.statement(); }
  CallOutcome add_columns(TargetName const&, std::vector<TargetColumn> const&) override {
    return server_.statement();
  }
  QuarantineOutcome read_quarantine(TargetName const&) override {
    return {server_.statement(), {}};
  }
  CallOutcome empty_quarantine(TargetName const&) override { return server_.statement(); }

private:
  Server& server_;
};

class LoadPools : public testing::Test {
protected:
  ~LoadPools() override {
    server_.open(); // before the pool joins its threads
    pool_.stop();
    std::filesystem::remove_all(folder_);
  }

  std::optional<CommitEvent> next_event() {
    return shared_.events.pop({}, Deadline::in(Milliseconds(20'000)));
  }

  std::string folder_ = testing::TempDir() + "walrock-pool-" + std::to_string(::getpid());
  Server server_;
  Shared shared_{1 << 20, folder_, 1 << 20};
  std::atomic<int> lost_spools_ = 0;
  LoadPool pool_{{1, 2, 2},
                 [this] { return std::make_unique<FakeTarget>(server_); },
                 [this](Error const& error) {
                   EXPECT_EQ(error.code(), ErrorCode::spool_failed);
                   ++lost_spools_;
                 },
                 shared_};
};

TEST_F(LoadPools, WhatSettlesALabelNeverWaitsBehindStatements) {
  TargetName const table{"demo", "orders"};
  CallId call = 0;
  pool_.submit(SendTruncate{++call, table});
  pool_.submit(SendMarkDeleted{++call, table, {}});
  pool_.submit(SendCut{++call, table, Lsn{7}});
  pool_.submit(SendMakeTwin{++call, table, {"demo", "twin"}, {}});
  pool_.submit(SendSwap{++call, table, {"demo", "twin"}});
  pool_.submit(SendAddColumns{++call, table, {}});
  pool_.submit(ReadQuarantine{++call, table});
  pool_.submit(EmptyQuarantine{++call, table});
  ASSERT_TRUE(server_.await_statements(2));
  Label const label{"demo", "l"};
  pool_.submit(SendCommit{100, label});
  auto event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<Committed>(*event)) << "it waits behind a statement";
  EXPECT_EQ(std::get<Committed>(*event).call, 100U);
  pool_.submit(SendRollback{101, label});
  event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<RolledBack>(*event));
  pool_.submit(AskLabelState{102, label});
  event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<LabelStated>(*event));
  pool_.submit(SettleGroup{103, label, "job"});
  event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<GroupSettled>(*event));
  pool_.submit(StartLoad{104, label, nullptr});
  event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<Loaded>(*event));
  server_.open();
  for (CallId i = 0; i < call; ++i) {
    event = next_event();
    ASSERT_TRUE(event && (std::holds_alternative<Called>(*event) ||
                          std::holds_alternative<QuarantineRead>(*event)));
  }
}

TEST_F(LoadPools, ASpoolThatCannotBeReadIsNoFaultOfTheTable) {
  server_.is_spool_broken = true;
  pool_.submit(StartLoad{1, {"demo", "l"}, nullptr});
  auto event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<Loaded>(*event));
  LoadOutcome const& outcome = std::get<Loaded>(*event).outcome;
  EXPECT_EQ(outcome.kind, LoadOutcome::Kind::unreachable); // no fault that is counted
  EXPECT_EQ(outcome.message, "cannot read all of bodies.1");
  EXPECT_EQ(lost_spools_, 1);
  pool_.submit(StartGroup{2, {"demo", "g"}, {}, nullptr});
  event = next_event();
  ASSERT_TRUE(event && std::holds_alternative<GroupLoaded>(*event));
  GroupOutcome const& group = std::get<GroupLoaded>(*event).outcome;
  EXPECT_EQ(group.kind, GroupOutcome::Kind::unsettled);
  EXPECT_EQ(group.cause, LoadOutcome::Kind::unreachable);
  EXPECT_EQ(lost_spools_, 2);
}

} // namespace
} // namespace walrock
