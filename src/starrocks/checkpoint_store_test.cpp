// The checkpoint in StarRocks: its rows, and the store against a running StarRocks or rockpool.
// The latter is opt-in: WALROCK_TEST_STARROCKS=host:http-port:mysql-port, user root without a
// password.
#include "starrocks/checkpoint_store.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <future>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
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
      read_owner(R"({"format":1,"state":"active","host":"here","pid":7,"started_at_ms":1,)"
                 R"("beat":3,"silence_ms":1500,"write_number":9,"written_at_ms":5,)"
                 R"("flushed_lsn":"0/800"})");
  EXPECT_EQ(owner.flushed_lsn, Lsn{0x800});
  EXPECT_EQ(owner.logged_lsn, Lsn{});
  OwnerRecord newest = owner;
  newest.format = kStarRocksCheckpointFormat;
  newest.logged_lsn = Lsn{0x900};
  EXPECT_EQ(read_owner(row_of(newest).content).logged_lsn, Lsn{0x900});
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

TEST(CheckpointRows, WhatCannotBeReadIsAnError) {
  Checkpoint found;
  EXPECT_EQ(code_of([&] { add_row(found, "label", "{}"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { add_row(found, "table", "not json"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { add_row(found, "spoon", "{}"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { (void)read_owner("{\"format\": 4}"); }), ErrorCode::checkpoint_mismatch);
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
    Label const label{settings_.database, fmt::format("{}_{}", settings_.job_id, incarnation)};
    ASSERT_EQ(loader.load({label, &batch}).kind, LoadOutcome::Kind::prepared);
    ASSERT_EQ(loader.commit(label).kind, CommitOutcome::Kind::committed);
  }

  StarRocksStoreSettings settings_;
};

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
