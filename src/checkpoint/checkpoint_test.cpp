// The store's records survive being written and read; a damaged file is an error or an older state;
// one holder per lock.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/error.h"
#include "checkpoint/endpoint_file.h"
#include "checkpoint/instance_lock.h"
#include "checkpoint/sqlite_store.h"

namespace walrock {
namespace {

namespace fs = std::filesystem;

class Checkpoints : public testing::Test {
protected:
  Checkpoints() {
    char name[] = "/tmp/walrock-checkpoint-XXXXXX";
    root_ = ::mkdtemp(name);
    folder_ = root_ + "/a/job";
  }
  ~Checkpoints() override { fs::remove_all(root_); }

  std::string database() const { return folder_ + "/checkpoint.db"; }

  std::string root_;
  std::string folder_;
};

JobRecord job() {
  return {"shop",
          "7312345678901234567",
          "demo",
          "walrock_shop",
          "walrock_pub",
          Lsn{0x16B374D848},
          7,
          Lsn{0x16B3740000},
          "00112233445566778899aabbccddeeff"};
}

TableRecord table(Oid oid, TableState state = TableState::ready) {
  return {{oid},
          {"public", "orders \"x\""},
          {"demo", "bestellungen-\xC3\xA4"},
          state,
          Lsn{0xFFFFFFFF00000001ULL},
          18446744073709551615ULL,
          4294967295U,
          "1:id\n2:name with: and spaces\n",
          state == TableState::errored ? "target_has_rows: it's full" : ""};
}

LabelRecord label(std::string text, Oid oid, std::uint64_t epoch, std::uint32_t part,
                  LabelRecord::State state, bool reads_back = false) {
  return {{"demo", std::move(text)}, {oid},      epoch,     part, state,
          Lsn{epoch * 100},          epoch * 10, reads_back};
}

CheckpointUpdate whole_update() {
  CheckpointUpdate update;
  update.job = job();
  update.tables = {table(16402), table(16384, TableState::errored)};
  update.labels = {label("b", 16402, 2, 0, LabelRecord::State::recorded),
                   label("a", 16384, 9, 1, LabelRecord::State::intended),
                   label("c", 16384, 9, 0, LabelRecord::State::recorded, true)};
  update.flushed_lsn = Lsn{0x1000};
  update.logged_lsn = Lsn{0x1800};
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

TEST_F(Checkpoints, EveryRecordIsReadAsItWasWritten) {
  {
    SqliteStore store(folder_);
    EXPECT_FALSE(store.read().job);
    store.write(whole_update());
  }
  SqliteStore store(folder_);
  Checkpoint const found = store.read();
  EXPECT_EQ(found.job, job());
  EXPECT_EQ(found.tables, (std::vector{table(16384, TableState::errored), table(16402)}));
  EXPECT_EQ(found.labels, (std::vector{label("c", 16384, 9, 0, LabelRecord::State::recorded, true),
                                       label("a", 16384, 9, 1, LabelRecord::State::intended),
                                       label("b", 16402, 2, 0, LabelRecord::State::recorded)}));
  EXPECT_EQ(found.flushed_lsn, Lsn{0x1000});
  EXPECT_EQ(found.logged_lsn, Lsn{0x1800});
}

TEST_F(Checkpoints, ALaterWriteReplacesAndForgets) {
  SqliteStore store(folder_);
  store.write(whole_update());
  CheckpointUpdate update;
  update.tables = {table(16402, TableState::copying)};
  update.dropped_tables = {{16384}};
  update.labels = {label("a", 16384, 9, 1, LabelRecord::State::recorded)};
  update.finished_labels = {{"demo", "b"}, {"demo", "never there"}, {"other", "c"}};
  update.flushed_lsn = Lsn{0x2000};
  store.write(update);
  Checkpoint const found = store.read();
  EXPECT_EQ(found.job, job());
  EXPECT_EQ(found.tables, (std::vector{table(16402, TableState::copying)}));
  EXPECT_EQ(found.labels, (std::vector{label("c", 16384, 9, 0, LabelRecord::State::recorded, true),
                                       label("a", 16384, 9, 1, LabelRecord::State::recorded)}));
  EXPECT_EQ(found.flushed_lsn, Lsn{0x2000});
}

TEST_F(Checkpoints, AnIncarnationIsGreaterThanEveryOneBefore) {
  std::uint64_t last = 0;
  for (int start = 0; start < 3; ++start) {
    SqliteStore store(folder_);
    for (int again = 0; again < 2; ++again) {
      std::uint64_t const next = store.begin_incarnation();
      EXPECT_GT(next, last);
      EXPECT_EQ(store.read().incarnation, next);
      last = next;
    }
  }
  ASSERT_TRUE(remove_checkpoint(folder_));
  EXPECT_GT(SqliteStore(folder_).begin_incarnation(), last);
}

TEST_F(Checkpoints, TheFolderIsForItsOwnerOnly) {
  SqliteStore const store(folder_);
  struct stat found {};
  ASSERT_EQ(::stat(folder_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST_F(Checkpoints, StatusReadsBesideTheOwnerAndAfterItsDeath) {
  EXPECT_FALSE(read_checkpoint(folder_));
  auto store = std::make_unique<SqliteStore>(folder_);
  store->write(whole_update());
  ASSERT_TRUE(read_checkpoint(folder_));
  EXPECT_EQ(read_checkpoint(folder_)->job, job());
  // As kill -9 leaves it: the journal is still there.
  std::string const left = root_ + "/left";
  fs::copy(folder_, left);
  ASSERT_TRUE(fs::exists(left + "/checkpoint.db-wal"));
  EXPECT_EQ(read_checkpoint(left)->tables.size(), 2U);
  EXPECT_EQ(SqliteStore(left).read().labels.size(), 3U);
}

TEST_F(Checkpoints, EveryTruncationOfTheJournalIsAnOlderState) {
  std::vector<Lsn> written;
  {
    SqliteStore store(folder_);
    store.write(whole_update());
    for (std::uint64_t n = 1; n <= 5; ++n) {
      CheckpointUpdate update;
      update.flushed_lsn = Lsn{0x2000 + n};
      store.write(update);
    }
    fs::copy(folder_, root_ + "/left");
  }
  std::string const wal = root_ + "/left/checkpoint.db-wal";
  auto const whole = fs::file_size(wal);
  Lsn last;
  for (std::uintmax_t size = 0; size <= whole;
       size += size < whole && size + 500 > whole ? whole - size : 500) {
    std::string const cut = root_ + "/cut";
    fs::remove_all(cut);
    fs::copy(root_ + "/left", cut);
    fs::resize_file(cut + "/checkpoint.db-wal", size);
    fs::remove(cut + "/checkpoint.db-shm");
    Checkpoint const found = SqliteStore(cut).read();
    EXPECT_GE(found.flushed_lsn, last) << "at " << size;
    EXPECT_TRUE(!found.job || found.job == job());
    EXPECT_EQ(found.tables.size(), found.job ? 2U : 0U);
    last = found.flushed_lsn;
    if (size == whole)
      break;
  }
  EXPECT_EQ(last, Lsn{0x2005});
}

TEST_F(Checkpoints, EveryTruncationOfTheFileIsAnError) {
  { SqliteStore(folder_).write(whole_update()); }
  auto const whole = fs::file_size(database());
  for (std::uintmax_t size = 0; size < whole; size += 777) {
    std::string const cut = root_ + "/cut";
    fs::remove_all(cut);
    fs::copy(folder_, cut);
    fs::resize_file(cut + "/checkpoint.db", size);
    EXPECT_EQ(code_of([&] { (void)SqliteStore(cut).read(); }), ErrorCode::checkpoint_failed)
        << "at " << size;
    EXPECT_EQ(code_of([&] { (void)read_checkpoint(cut); }), ErrorCode::checkpoint_failed)
        << "at " << size;
  }
}

TEST_F(Checkpoints, AForeignFileIsAnErrorWithItsPath) {
  fs::create_directories(folder_);
  std::ofstream(database()) << std::string(5000, 'x');
  try {
    SqliteStore store(folder_);
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::checkpoint_failed);
    EXPECT_EQ(error.retry(), Retry::never);
    EXPECT_NE(std::string(error.what()).find(database()), std::string::npos) << error.what();
  }
}

void execute(std::string const& path, char const* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
}

TEST_F(Checkpoints, ANewerFormatIsRefusedByName) {
  { SqliteStore const store(folder_); }
  execute(database(), "PRAGMA user_version = 5");
  for (auto const& opened : std::vector<std::function<void()>>{
           [&] { SqliteStore store(folder_); }, [&] { (void)read_checkpoint(folder_); }})
    try {
      opened();
      FAIL();
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), ErrorCode::checkpoint_mismatch);
      EXPECT_NE(std::string(error.what()).find("has format 5, this walrock knows formats up to 4"),
                std::string::npos)
          << error.what();
    }
}

std::string content_of(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(Checkpoints, AFileOfFormat1BecomesOneOfTheNewest) {
  fs::create_directories(folder_);
  execute(database(),
          content_of(WALROCK_SOURCE_DIR "/src/checkpoint/fixtures/format_1.sql").c_str());
  Checkpoint const before = read_checkpoint(folder_).value();
  EXPECT_EQ(before.format, 1);
  {
    SqliteStore store(folder_);
    Checkpoint const found = store.read();
    EXPECT_EQ(found.format, 4);
    JobRecord known = job();
    known.log_id.clear();
    known.timeline = 0;
    known.timeline_start = {};
    EXPECT_EQ(found.job, known);
    EXPECT_EQ(found.job, before.job);
    ASSERT_EQ(found.tables.size(), 2U);
    EXPECT_EQ(found.tables[1], table(16402));
    EXPECT_EQ(found.tables, before.tables);
    ASSERT_EQ(found.labels.size(), 2U);
    EXPECT_EQ(found.labels[0], label("b", 16402, 2, 0, LabelRecord::State::recorded, true));
    EXPECT_EQ(found.labels, before.labels);
    EXPECT_EQ(found.flushed_lsn, Lsn{0x16B374D900});
    EXPECT_EQ(found.incarnation, 1795277003368U);
    EXPECT_GT(store.begin_incarnation(), 1795277003368U);
    store.write(whole_update());
  }
  EXPECT_EQ(read_checkpoint(folder_)->format, 4);
  EXPECT_EQ(read_checkpoint(folder_)->write_number, 1U);
}

TEST_F(Checkpoints, AFileOfFormat2BecomesOneOfTheNewest) {
  fs::create_directories(folder_);
  execute(database(),
          content_of(WALROCK_SOURCE_DIR "/src/checkpoint/fixtures/format_2.sql").c_str());
  Checkpoint const before = read_checkpoint(folder_).value();
  EXPECT_EQ(before.format, 2);
  {
    SqliteStore store(folder_);
    Checkpoint const found = store.read();
    EXPECT_EQ(found.format, 4);
    JobRecord known = job();
    known.log_id.clear();
    EXPECT_EQ(found.job, known);
    EXPECT_EQ(found.job, before.job);
    EXPECT_EQ(found.tables, std::vector{table(16402)});
    EXPECT_EQ(found.labels,
              std::vector{label("b", 16402, 2, 0, LabelRecord::State::recorded, true)});
    EXPECT_EQ(found.flushed_lsn, Lsn{0x16B374D900});
    EXPECT_EQ(found.logged_lsn, Lsn{});
    EXPECT_EQ(found.write_number, 1U);
    store.write(whole_update());
  }
  EXPECT_EQ(read_checkpoint(folder_)->logged_lsn, Lsn{0x1800});
}

// What it did not tell counts as read back.
TEST_F(Checkpoints, AFileOfFormat3BecomesOneOfTheNewest) {
  fs::create_directories(folder_);
  execute(database(),
          content_of(WALROCK_SOURCE_DIR "/src/checkpoint/fixtures/format_3.sql").c_str());
  Checkpoint const before = read_checkpoint(folder_).value();
  EXPECT_EQ(before.format, 3);
  {
    SqliteStore store(folder_);
    Checkpoint const found = store.read();
    EXPECT_EQ(found.format, 4);
    EXPECT_EQ(found.job, job());
    EXPECT_EQ(found.labels,
              std::vector{label("b", 16402, 2, 0, LabelRecord::State::recorded, true)});
    EXPECT_EQ(found.labels, before.labels);
    EXPECT_EQ(found.logged_lsn, Lsn{0x16B374DA00});
    store.write(whole_update());
  }
  EXPECT_EQ(read_checkpoint(folder_)->labels.at(0).reads_back, true);
  EXPECT_EQ(read_checkpoint(folder_)->labels.at(2).reads_back, false);
}

TEST_F(Checkpoints, AValueThatCannotBeIsAnError) {
  for (char const* const sql :
       {"UPDATE source_table SET state = 'sleeping'", "UPDATE source_table SET applied_lsn = 'x'",
        "UPDATE label SET state = ''", "UPDATE job SET consistent_lsn = '1/2/3'",
        "DELETE FROM progress", "UPDATE progress SET flushed_lsn = '0/1001'",
        "UPDATE progress SET logged_lsn = '0/1001'", "UPDATE job SET log_id = 'x'",
        "UPDATE source_table SET applied_lsn = '0/5' WHERE oid = 16402",
        "UPDATE label SET row_count = 7"}) {
    fs::remove_all(folder_);
    { SqliteStore(folder_).write(whole_update()); }
    execute(database(), sql);
    EXPECT_EQ(code_of([&] { (void)SqliteStore(folder_).read(); }), ErrorCode::checkpoint_failed)
        << sql;
  }
}

TEST_F(Checkpoints, AFlippedBitIsAnErrorOrMakesNoDifference) {
  { SqliteStore(folder_).write(whole_update()); }
  Checkpoint const whole = read_checkpoint(folder_).value();
  std::string const content = content_of(database());
  std::uint32_t const seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 dice(seed);
  int refused = 0;
  for (int flip = 0; flip < 600; ++flip) {
    std::string damaged = content;
    char& byte = damaged[dice() % damaged.size()];
    byte = static_cast<char>(byte ^ 1 << (dice() % 8));
    std::ofstream(database(), std::ios::binary | std::ios::trunc) << damaged;
    try {
      Checkpoint const found = read_checkpoint(folder_).value();
      EXPECT_EQ(found.job, whole.job);
      EXPECT_EQ(found.tables, whole.tables);
      EXPECT_EQ(found.labels, whole.labels);
      EXPECT_EQ(found.flushed_lsn, whole.flushed_lsn);
      EXPECT_EQ(found.incarnation, whole.incarnation);
    } catch (Error const&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5);
}

TEST_F(Checkpoints, AJournalWithoutItsFileIsNotBegunAnew) {
  auto store = std::make_unique<SqliteStore>(folder_);
  store->write(whole_update());
  std::string const left = root_ + "/left";
  fs::copy(folder_, left);
  fs::remove(left + "/checkpoint.db");
  for (auto const& opened : std::vector<std::function<void()>>{
           [&] { SqliteStore again(left); }, [&] { (void)read_checkpoint(left); }})
    try {
      opened();
      FAIL();
    } catch (Error const& error) {
      EXPECT_EQ(error.retry(), Retry::never);
      EXPECT_NE(std::string(error.what()).find("is damaged"), std::string::npos) << error.what();
    }
  EXPECT_TRUE(remove_checkpoint(left));
  EXPECT_FALSE(read_checkpoint(left));
}

TEST_F(Checkpoints, AWriteOfAnOlderIncarnationIsRefused) {
  SqliteStore first(folder_);
  (void)first.begin_incarnation();
  first.write(whole_update());
  SqliteStore second(folder_); // on a volume whose locks do not hold
  (void)second.begin_incarnation();
  CheckpointUpdate update;
  update.flushed_lsn = Lsn{0x9999};
  try {
    first.write(update);
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::instance_running);
    EXPECT_EQ(error.retry(), Retry::never);
  }
  EXPECT_EQ(second.read().flushed_lsn, Lsn{0x1000});
  second.write(update);
  EXPECT_EQ(second.read().flushed_lsn, Lsn{0x9999});
}

TEST_F(Checkpoints, TheNumberAndTheTimeOfTheLastWriteAreKept) {
  SqliteStore store(folder_);
  EXPECT_EQ(store.read().write_number, 0U);
  store.write(whole_update());
  store.write(whole_update());
  EXPECT_EQ(store.read().write_number, 2U);
  EXPECT_GT(store.read().written_at_ms, 1'700'000'000'000);
}

TEST_F(Checkpoints, AFailedWriteLeavesTheStateBefore) {
  SqliteStore store(folder_);
  store.write(whole_update());
  execute(database(), "CREATE TRIGGER refuse BEFORE INSERT ON progress BEGIN SELECT RAISE(ABORT, "
                      "'no'); END");
  CheckpointUpdate update;
  update.dropped_tables = {{16384}};
  update.flushed_lsn = Lsn{0x9999};
  EXPECT_EQ(code_of([&] { store.write(update); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(store.read().tables.size(), 2U);
  execute(database(), "DROP TRIGGER refuse");
  store.write(update);
  EXPECT_EQ(store.read().tables.size(), 1U);
}

TEST_F(Checkpoints, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(root_ + "/file") << "x";
  EXPECT_EQ(code_of([&] { SqliteStore store(root_ + "/file/job"); }), ErrorCode::checkpoint_failed);
  EXPECT_EQ(code_of([&] { InstanceLock lock(root_ + "/file"); }), ErrorCode::checkpoint_failed);
}

TEST_F(Checkpoints, ASecondHolderOfTheLockIsRefusedByName) {
  EXPECT_FALSE(lock_holder(folder_));
  {
    InstanceLock const lock(folder_);
    try {
      InstanceLock second(folder_);
      FAIL();
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), ErrorCode::instance_running);
      EXPECT_NE(std::string(error.what()).find("pid " + std::to_string(::getpid())),
                std::string::npos)
          << error.what();
    }
    ASSERT_TRUE(lock_holder(folder_));
    EXPECT_EQ(lock_holder(folder_)->pid, ::getpid());
    EXPECT_EQ(lock_holder(folder_)->started.size(), 20U);
  }
  EXPECT_FALSE(lock_holder(folder_));
  InstanceLock const again(folder_);
}

TEST_F(Checkpoints, TheKernelReleasesTheLockOfAKilledProcess) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t const child = ::fork();
  if (child == 0) {
    InstanceLock const lock(folder_);
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(lock_holder(folder_)->pid, child);
  EXPECT_EQ(code_of([&] { InstanceLock lock(folder_); }), ErrorCode::instance_running);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(lock_holder(folder_));
  InstanceLock const lock(folder_);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(Checkpoints, TheEndpointTellsWhetherItsProcessLives) {
  EXPECT_FALSE(read_endpoint(folder_));
  {
    InstanceLock const lock(folder_);
    ASSERT_TRUE(read_endpoint(folder_));
    EXPECT_EQ(read_endpoint(folder_)->address, "");
    EndpointFile const endpoint(folder_, "127.0.0.1:8081");
    EXPECT_EQ(read_endpoint(folder_)->address, "127.0.0.1:8081");
    EXPECT_TRUE(read_endpoint(folder_)->is_alive);
    fs::copy(folder_ + "/endpoint", root_ + "/endpoint");
  }
  EXPECT_FALSE(read_endpoint(folder_));
  fs::copy(root_ + "/endpoint", folder_ + "/endpoint");
  ASSERT_TRUE(read_endpoint(folder_));
  EXPECT_FALSE(read_endpoint(folder_)->is_alive);
}

} // namespace
} // namespace walrock
