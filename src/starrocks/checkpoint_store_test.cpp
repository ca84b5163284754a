// The checkpoint in StarRocks: its rows, and the store against a running StarRocks or rockpool.
// The latter is opt-in: WALROCK_TEST_STARROCKS=host:http-port:mysql-port, user root without a
// password.
#include "starrocks/checkpoint_store.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "starrocks/catalog.h"
#include "starrocks/checkpoint_table.h"
#include "starrocks/stream_loader.h"

namespace walrock {
namespace {

JobRecord job_record() {
  return {"shop", "7312345678901234567", "demo", "slot", "pub", Lsn{0x16B374D848}, 3, Lsn{0x10}};
}

TableRecord table_record(Oid oid, std::uint64_t applied) {
  TableRecord table;
  table.id = {oid};
  table.source = {"public", "orders \"x\" \\ 'y'\n"};
  table.target = {"demo", "bestellungen-\xC3\xA4"};
  table.state = TableState::ready;
  table.applied_lsn = Lsn{applied};
  table.copied_rows = 18446744073709551615ULL;
  table.filenode = 4294967295U;
  table.layout = "1:id\n2:name\twith: \\N and \x01\n" + std::string(70'000, 'x');
  table.reason = "target_has_rows: it's full";
  return table;
}

LabelRecord label_record(std::string text, LabelRecord::State state) {
  return {{"demo", std::move(text)}, {16384}, 9, 1, state, Lsn{0x900}, 90};
}

CheckpointUpdate update_of(std::uint64_t lsn) {
  CheckpointUpdate update;
  update.job = job_record();
  update.tables = {table_record(16384, lsn), table_record(16400, lsn)};
  update.labels = {label_record("a", LabelRecord::State::intended),
                   label_record("b", LabelRecord::State::recorded)};
  update.flushed_lsn = Lsn{lsn};
  return update;
}

ErrorCode code_of(auto const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(CheckpointRows, EveryRecordIsReadAsItWasWritten) {
  Checkpoint found;
  for (CheckpointRow const& row : rows_of(update_of(0x1000)))
    add_row(found, row.kind, row.content);
  sort_records(found);
  EXPECT_EQ(found.job, job_record());
  EXPECT_EQ(found.tables, update_of(0x1000).tables);
  EXPECT_EQ(found.labels, update_of(0x1000).labels);
}

TEST(CheckpointRows, OfARecordThatIsWrittenAndForgottenTheLaterCounts) {
  CheckpointUpdate update;
  update.labels = {label_record("a", LabelRecord::State::intended)};
  update.finished_labels = {{"demo", "a"}};
  auto const rows = rows_of(update);
  ASSERT_EQ(rows.size(), 1U); // two rows of one key in one load would be the server's choice
  EXPECT_TRUE(rows[0].is_deleted);
}

TEST(CheckpointRows, AJobIdThatIsTooLongForTheKeyHasAKeyOfItsOwn) {
  std::string const id(100, 'x');
  EXPECT_EQ(job_key("shop"), "shop");
  EXPECT_LE(job_key(id).size(), 64U);
  EXPECT_NE(job_key(id), job_key(id + "y"));
}

// As the walrock wrote them that had format 1.
TEST(CheckpointRows, RowsOfFormat1AreRead) {
  Checkpoint found;
  add_row(found, "job",
          R"({"job_id":"shop","system_identifier":"7312","source_database":"demo",)"
          R"("slot_name":"s","publication_name":"p","consistent_lsn":"0/100","timeline":1,)"
          R"("timeline_start":"0/0"})");
  EXPECT_EQ(found.job.value().log_id, "");
  EXPECT_EQ(found.job.value().consistent_lsn, Lsn{0x100});
  OwnerRecord const owner =
      read_owner("", R"({"format":1,"state":"active","host":"here","pid":7,"started_at_ms":1,)"
                     R"("beat":3,"silence_ms":1500,"write_number":9,"written_at_ms":5,)"
                     R"("flushed_lsn":"0/800"})");
  EXPECT_EQ(owner.token, "");
  EXPECT_EQ(owner.flushed_lsn, Lsn{0x800});
  EXPECT_EQ(owner.logged_lsn, Lsn{});
  OwnerRecord newest = owner;
  newest.format = kStarRocksCheckpointFormat;
  newest.logged_lsn = Lsn{0x900};
  newest.token = make_owner_token();
  CheckpointRow const row = row_of(newest);
  OwnerRecord const again = read_owner(row.record, row.content);
  EXPECT_EQ(again.logged_lsn, Lsn{0x900});
  EXPECT_EQ(again.token, newest.token);
}

// A label of format 2 does not say whether its rows were read back: that counts as yes.
TEST(CheckpointRows, ALabelOfFormat2CountsAsReadBack) {
  Checkpoint found;
  add_row(found, "label",
          R"({"database":"demo","label":"l","table_oid":7,"epoch":2,"part":0,"state":"recorded",)"
          R"("end_lsn":"0/C8","row_count":20})");
  LabelRecord label = found.labels.at(0);
  EXPECT_TRUE(label.reads_back);
  label.reads_back = false;
  CheckpointUpdate update;
  update.labels = {label};
  add_row(found, "label", rows_of(update).at(0).content);
  EXPECT_EQ(found.labels.at(1), label);
}

TEST(CheckpointRows, EveryOwnerHasATokenOfItsOwn) {
  std::string const token = make_owner_token();
  EXPECT_EQ(token.size(), 32U);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos) << token;
  EXPECT_NE(token, make_owner_token());
}

TEST(CheckpointRows, WhatCannotBeReadIsAnError) {
  Checkpoint found;
  EXPECT_EQ(code_of([&] { add_row(found, "label", "{}"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { add_row(found, "table", "not json"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { add_row(found, "spoon", "{}"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { (void)read_owner("", "{\"format\": 5}"); }),
            ErrorCode::checkpoint_mismatch);
}

class CheckpointInLive : public testing::Test {
protected:
  void SetUp() override {
    char const* const place = std::getenv("WALROCK_TEST_STARROCKS");
    char host[256] = "";
    int http_port = 0;
    TargetAddress address;
    if (place == nullptr ||
        std::sscanf(place, "%255[^:]:%d:%d", host, &http_port, &address.mysql_port) != 3)
      GTEST_SKIP() << "WALROCK_TEST_STARROCKS=host:http-port:mysql-port names no server";
    address.frontends = {{host, http_port}};
    address.username = "root";
    settings_.address = settings_.ddl = address;
    settings_.database = "walrock_state";
    settings_.job_id = "job" + std::to_string(::getpid());
    settings_.host = "here";
    settings_.beat = Milliseconds(200);
    settings_.silence = Milliseconds(1500);
  }

  void TearDown() override {
    if (settings_.database.empty())
      return;
    SqlConnection sql(settings_.address);
    CheckpointTable table(sql, settings_.database, settings_.job_id);
    if (table.is_there())
      table.remove_all();
  }

  // As somebody else would write it.
  void put_owner(std::uint64_t incarnation, OwnerRecord const& record) {
    LoadOptions const options;
    StreamLoader loader(settings_.address, options);
    Batch batch;
    batch.spec.target = {settings_.database, "checkpoint"};
    batch.spec.format = LoadFormat::json;
    batch.spec.columns = "`job`,`incarnation`,`kind`,`record`,`content`,__op";
    batch.bodies.emplace_back();
    batch.bodies.back().bytes = load_body({row_of(record)}, job_key(settings_.job_id), incarnation);
    batch.row_count = 1;
    Label const label{settings_.database,
                      fmt::format("{}_{}_{}", settings_.job_id, incarnation, ++puts_)};
    ASSERT_EQ(loader.load({label, &batch}).kind, LoadOutcome::Kind::prepared);
    ASSERT_EQ(loader.commit(label).kind, CommitOutcome::Kind::committed);
  }

  // Somebody ended in order, under a number that no clock reaches: the next two have the same.
  std::uint64_t next_incarnation() {
    { // makes the table
      StarRocksStore store(settings_);
      (void)store.begin_incarnation();
    }
    SqlConnection sql(settings_.address);
    auto owner = CheckpointTable(sql, settings_.database, settings_.job_id).owners().at(0);
    put_owner(owner.incarnation + 1'000'000'000, owner.record);
    return owner.incarnation + 1'000'000'001;
  }

  // Begins store while, between its choice of a number and its claim, somebody else goes on.
  ErrorCode begin_beside(StarRocksStore& store, std::function<void()> const& meanwhile) {
    static std::atomic<bool> is_there; // a sink takes no captures
    is_there = false;
    std::string const go_on = testing::TempDir() + "walrock-go-on-" + std::to_string(::getpid());
    std::filesystem::remove(go_on);
    arm_failpoint(("before_store_claim:pause=" + go_on).c_str());
    log::set_sink([](log::Level, std::string_view line) {
      if (line.find("before_store_claim") != std::string_view::npos)
        is_there = true;
    });
    auto begun = std::async(std::launch::async, [&store] {
      return code_of([&store] { (void)store.begin_incarnation(); });
    });
    Deadline const deadline = Deadline::in(Milliseconds(20'000));
    while (!is_there && !deadline.is_over(std::chrono::steady_clock::now()))
      std::this_thread::yield();
    EXPECT_TRUE(is_there);
    try {
      meanwhile();
    } catch (std::exception const& error) {
      ADD_FAILURE() << error.what(); // and the other must not wait for ever
    }
    fclose(fopen(go_on.c_str(), "w"));
    ErrorCode const code = begun.get();
    arm_failpoint(nullptr);
    log::set_sink(nullptr);
    std::filesystem::remove(go_on);
    return code;
  }

  std::vector<CheckpointTable::Owner> owners() {
    SqlConnection sql(settings_.address);
    return CheckpointTable(sql, settings_.database, settings_.job_id).owners();
  }

  StarRocksStoreSettings settings_;
  int puts_ = 0;
};

constexpr ErrorCode kNone = ErrorCode::internal; // of code_of: nothing was thrown

TEST_F(CheckpointInLive, WhatIsWrittenIsReadByTheNextStart) {
  std::uint64_t first = 0;
  {
    StarRocksStore store(settings_);
    EXPECT_FALSE(store.read().job);
    first = store.begin_incarnation();
    EXPECT_FALSE(store.read().job);
    store.write(update_of(0x1000));
    CheckpointUpdate later;
    later.tables = {table_record(16400, 0x2000)};
    later.dropped_tables = {{16384}};
    later.labels = {label_record("a", LabelRecord::State::recorded)};
    later.finished_labels = {{"demo", "b"}, {"demo", "never there"}};
    later.flushed_lsn = Lsn{0x2000};
    store.write(later);
  }
  StarRocksStore store(settings_);
  EXPECT_GT(store.begin_incarnation(), first);
  Checkpoint const found = store.read();
  EXPECT_EQ(found.job, job_record());
  EXPECT_EQ(found.tables, (std::vector{table_record(16400, 0x2000)}));
  EXPECT_EQ(found.labels, (std::vector{label_record("a", LabelRecord::State::recorded)}));
  EXPECT_EQ(found.flushed_lsn, Lsn{0x2000});
  EXPECT_EQ(found.write_number, 2U);
  auto const seen =
      read_starrocks_checkpoint(settings_.address, settings_.database, settings_.job_id);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->checkpoint.tables, found.tables);
  EXPECT_EQ(seen->owner.host, "here");
}

TEST_F(CheckpointInLive, ASecondWalrockIsRefusedWhileTheFirstLives) {
  StarRocksStore first(settings_);
  (void)first.begin_incarnation();
  first.write(update_of(0x1000));
  StarRocksStore second(settings_);
  try {
    (void)second.begin_incarnation();
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::instance_running);
    EXPECT_NE(std::string(error.what()).find("host here, pid " + std::to_string(::getpid())),
              std::string::npos)
        << error.what();
  }
  first.write(update_of(0x2000)); // unharmed
  EXPECT_EQ(first.read().flushed_lsn, Lsn{0x2000});
}

TEST_F(CheckpointInLive, ASilentOwnerIsFollowedAndRefusedWhenItWakesUp) {
  // Its heart never beats by itself, as that of a container that was paused.
  StarRocksStoreSettings paused_settings = settings_;
  paused_settings.beat = Milliseconds(3'600'000);
  StarRocksStore paused(paused_settings);
  (void)paused.begin_incarnation();
  paused.write(update_of(0x1000));
  std::atomic<int> asked = 0;
  settings_.waiting = [&](std::string const& what) {
    EXPECT_NE(what.find("host here"), std::string::npos);
    ++asked;
  };
  StarRocksStore successor(settings_);
  (void)successor.begin_incarnation();
  EXPECT_GT(asked, 0);
  EXPECT_EQ(successor.read().flushed_lsn, Lsn{0x1000});
  successor.write(update_of(0x3000));
  // It wakes up in the middle of a write.
  CheckpointUpdate late = update_of(0x2000);
  late.tables.clear();
  late.dropped_tables = {{16384}};
  try {
    paused.write(late);
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::instance_running);
    EXPECT_EQ(error.retry(), Retry::never);
  }
  Checkpoint const found = successor.read();
  EXPECT_EQ(found.flushed_lsn, Lsn{0x3000});
  EXPECT_EQ(found.tables.size(), 2U);
  EXPECT_EQ(read_starrocks_checkpoint(settings_.address, settings_.database, settings_.job_id)
                ->checkpoint.flushed_lsn,
            Lsn{0x3000});
}

TEST_F(CheckpointInLive, AnOvertakenOwnerThatHasNothingToWriteIsToldByItsHeart) {
  std::promise<ErrorCode> told;
  StarRocksStoreSettings idle_settings = settings_;
  idle_settings.lost = [&](Error const& error) { told.set_value(error.code()); }; // twice throws
  StarRocksStore idle(idle_settings);
  (void)idle.begin_incarnation();
  {
    // A claim would wait for an owner who lives, so the row of a later one is written directly.
    SqlConnection sql(settings_.address);
    CheckpointTable table(sql, settings_.database, settings_.job_id);
    auto const owner = table.owners().at(0);
    put_owner(owner.incarnation + 1, owner.record);
  }
  auto found = told.get_future();
  ASSERT_EQ(found.wait_for(settings_.beat * 20), std::future_status::ready);
  EXPECT_EQ(found.get(), ErrorCode::instance_running);
  EXPECT_EQ(code_of([&] { idle.write(update_of(0x1000)); }), ErrorCode::instance_running);
}

TEST_F(CheckpointInLive, WhoClaimsANumberThatAnotherGoesOnUnderGivesUp) {
  std::uint64_t const number = next_incarnation();
  StarRocksStore early(settings_);
  StarRocksStore late(settings_);
  std::uint64_t of_early = 0;
  EXPECT_EQ(begin_beside(late,
                         [&] {
                           of_early = early.begin_incarnation();
                           early.write(update_of(0x1000));
                         }),
            ErrorCode::instance_running);
  EXPECT_EQ(of_early, number);
  EXPECT_EQ(owners().size(), 2U) << "they claimed the same";
  early.write(update_of(0x2000)); // unharmed
  EXPECT_EQ(early.read().flushed_lsn, Lsn{0x2000});
}

TEST_F(CheckpointInLive, WhoGaveUpDoesNotHideWhoWentOn) {
  StarRocksStore store(settings_);
  OwnerRecord gave_up;
  gave_up.token = std::string(32, 'f');
  put_owner(store.begin_incarnation(), gave_up);
  StarRocksStore later(settings_);
  EXPECT_EQ(code_of([&] { (void)later.begin_incarnation(); }), ErrorCode::instance_running);
  store.write(update_of(0x1000)); // unharmed
}

TEST_F(CheckpointInLive, OfTwoThatClaimANumberTheLowerTokenGivesUp) {
  std::uint64_t const number = next_incarnation();
  StarRocksStore store(settings_);
  OwnerRecord other;
  other.token = std::string(32, 'f');
  EXPECT_EQ(begin_beside(store, [&] { put_owner(number, other); }), ErrorCode::instance_running);
}

TEST_F(CheckpointInLive, OfTwoThatClaimANumberTheHigherTokenTakesAnother) {
  std::uint64_t const number = next_incarnation();
  StarRocksStore store(settings_);
  OwnerRecord other;
  other.token = std::string(32, '0');
  EXPECT_EQ(begin_beside(store, [&] { put_owner(number, other); }), kNone);
  EXPECT_EQ(owners().back().incarnation, number + 1) << "the other is fenced by the number";
  store.write(update_of(0x1000));
  EXPECT_EQ(store.read().flushed_lsn, Lsn{0x1000});
}

// As a walrock of format 3 wrote it: it looks at the number alone.
TEST_F(CheckpointInLive, OneWithoutATokenThatClaimsTheSameNumberIsOvertaken) {
  std::uint64_t const number = next_incarnation();
  StarRocksStore store(settings_);
  OwnerRecord other;
  other.format = 3;
  EXPECT_EQ(begin_beside(store, [&] { put_owner(number, other); }), kNone);
  EXPECT_EQ(owners().back().incarnation, number + 1);
}

TEST_F(CheckpointInLive, OfTwoThatBeginAtOnceOneWrites) {
  settings_.silence = Milliseconds(20'000); // nobody is taken for dead
  for (int turn = 0; turn < 3; ++turn) {
    (void)next_incarnation();
    StarRocksStore one(settings_);
    StarRocksStore two(settings_);
    auto const begin = [](StarRocksStore& store) {
      return code_of([&store] {
               (void)store.begin_incarnation();
               store.write(update_of(0x1000));
               store.write(update_of(0x2000));
             }) == kNone;
    };
    auto other = std::async(std::launch::async, [&] { return begin(two); });
    bool const is_one = begin(one);
    bool const is_two = other.get();
    EXPECT_TRUE(is_one || is_two);
    int writing = 0; // one that was overtaken after its last write learns of it with the next
    for (StarRocksStore* const store : {&one, &two})
      if (store == &one ? is_one : is_two)
        writing += code_of([&] { store->write(update_of(0x3000)); }) == kNone ? 1 : 0;
    EXPECT_EQ(writing, 1);
  }
}

TEST_F(CheckpointInLive, AJobOfFormat3IsTakenOver) {
  {
    StarRocksStore store(settings_);
    (void)store.begin_incarnation();
    store.write(update_of(0x1000));
  }
  // Its owner row as that format has it: without a token.
  SqlConnection sql(settings_.address);
  CheckpointTable table(sql, settings_.database, settings_.job_id);
  auto owner = table.owners().at(0);
  sql.query(fmt::format("DELETE FROM `{}`.`checkpoint` WHERE `job` = '{}' AND `kind` = 'owner'",
                        settings_.database, settings_.job_id));
  owner.record.token.clear();
  owner.record.format = 3;
  put_owner(owner.incarnation, owner.record);
  StarRocksStore store(settings_);
  EXPECT_GT(store.begin_incarnation(), owner.incarnation);
  EXPECT_EQ(store.read().tables, update_of(0x1000).tables);
  EXPECT_EQ(store.read().flushed_lsn, Lsn{0x1000});
  ASSERT_EQ(owners().size(), 1U);
  EXPECT_EQ(owners()[0].record.token.size(), 32U);
  EXPECT_EQ(owners()[0].record.format, kStarRocksCheckpointFormat);
}

TEST_F(CheckpointInLive, AReleasedJobIsTakenOverAtOnce) {
  {
    StarRocksStore store(settings_);
    (void)store.begin_incarnation();
  }
  settings_.waiting = [](std::string const& what) { ADD_FAILURE() << what; };
  StarRocksStore store(settings_);
  (void)store.begin_incarnation();
}

TEST_F(CheckpointInLive, OnlyTheNewestIncarnationHasRows) {
  for (int start = 0; start < 3; ++start) {
    StarRocksStore store(settings_);
    (void)store.begin_incarnation();
    store.write(update_of(0x1000));
  }
  SqlConnection sql(settings_.address);
  EXPECT_EQ(CheckpointTable(sql, settings_.database, settings_.job_id).owners().size(), 1U);
}

TEST_F(CheckpointInLive, ANewerFormatIsRefusedByName) {
  {
    StarRocksStore store(settings_);
    (void)store.begin_incarnation();
  }
  SqlConnection sql(settings_.address);
  CheckpointTable table(sql, settings_.database, settings_.job_id);
  auto owner = table.owners().at(0);
  owner.record.format = kStarRocksCheckpointFormat + 1;
  put_owner(owner.incarnation, owner.record);
  StarRocksStore store(settings_);
  EXPECT_EQ(code_of([&] { (void)store.begin_incarnation(); }), ErrorCode::checkpoint_mismatch);
}

TEST_F(CheckpointInLive, AWriteAfterTheJobWasDroppedAndBegunAnewIsRefused) {
  StarRocksStoreSettings paused_settings = settings_;
  paused_settings.beat = Milliseconds(3'600'000);
  StarRocksStore store(paused_settings);
  (void)store.begin_incarnation();
  {
    StarRocksStore dropped(settings_);
    (void)dropped.begin_incarnation();
    dropped.remove();
  }
  EXPECT_FALSE(read_starrocks_checkpoint(settings_.address, settings_.database, settings_.job_id));
  StarRocksStore anew(settings_);
  (void)anew.begin_incarnation();
  EXPECT_EQ(code_of([&] { store.write(update_of(0x1000)); }), ErrorCode::instance_running);
  EXPECT_FALSE(anew.read().job);
}

} // namespace
} // namespace walrock
