// Disks that are full, read-only, torn or lie: a write is whole or not there, and what was
// acknowledged stays.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/fault_vfs_for_tests.h"
#include "checkpoint/sqlite_store.h"

namespace walrock {
namespace {

namespace fs = std::filesystem;
using Call = FaultVfs::Call;

class Disks : public testing::Test {
protected:
  Disks() {
    char name[] = "/tmp/walrock-disk-XXXXXX";
    root_ = ::mkdtemp(name);
    folder_ = root_ + "/job";
  }
  ~Disks() override { fs::remove_all(root_); }

  // The disk as another machine would find it.
  std::string folder_of(std::map<std::string, std::string> const& files) const {
    std::string const folder = root_ + "/found";
    fs::remove_all(folder);
    fs::create_directory(folder);
    for (auto const& [path, content] : files)
      if (path.starts_with(folder_ + "/") && !path.ends_with("-shm"))
        std::ofstream(folder + path.substr(folder_.size()), std::ios::binary) << content;
    return folder;
  }

  std::string root_;
  std::string folder_;
  FaultVfs vfs_;
};

bool are_same(Checkpoint const& a, Checkpoint const& b) {
  return a.job == b.job && a.tables == b.tables && a.labels == b.labels &&
         a.flushed_lsn == b.flushed_lsn && a.incarnation == b.incarnation &&
         a.write_number == b.write_number;
}

CheckpointUpdate random_update(std::mt19937& dice, std::uint64_t number) {
  auto const below = [&dice](std::uint32_t limit) {
    return static_cast<std::uint32_t>(dice() % limit);
  };
  CheckpointUpdate update;
  update.flushed_lsn = Lsn{number};
  if (number == 1)
    update.job = JobRecord{"shop", "7312", "demo", "slot", "pub", Lsn{1}, 1, Lsn{}};
  for (std::uint32_t i = below(4); i > 0; --i) {
    TableRecord table;
    table.id = {16384 + below(6)};
    table.source = {"public", "t" + std::to_string(table.id.oid)};
    table.target = {"demo", table.source.table_name};
    table.state = TableState::ready;
    table.applied_lsn = Lsn{number};
    table.layout = std::string(below(9000), 'x'); // over several pages
    if (below(5) == 0)
      update.dropped_tables.push_back(table.id);
    else
      update.tables.push_back(std::move(table));
  }
  for (std::uint32_t i = below(5); i > 0; --i) {
    Label const label{"demo", "l" + std::to_string(below(12))};
    if (below(3) == 0)
      update.finished_labels.push_back(label);
    else
      update.labels.push_back(
          {label,
           {16384 + below(6)},
           number,
           below(3),
           below(2) == 0 ? LabelRecord::State::intended : LabelRecord::State::recorded,
           Lsn{number},
           number});
  }
  return update;
}

TEST_F(Disks, APowerCutAtAnyCallLeavesTheOldOrTheNewUpdateWhole) {
  std::uint32_t const seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 dice(seed);
  std::vector<Checkpoint> states; // after every acknowledged step
  struct Cut {
    std::size_t acknowledged;
    std::map<std::string, std::string> files;
  };
  std::vector<Cut> cuts;
  { SqliteStore const made(folder_); } // its creation is another test's
  vfs_.verdict = [&](Call, std::string const&) {
    constexpr double kKept[] = {0.0, 0.5, 0.9};
    if (!states.empty())
      cuts.push_back({states.size(), after_power_cut(vfs_.disk(), kKept[dice() % 3], dice)});
    return SQLITE_OK;
  };
  std::uint64_t number = 0;
  for (int start = 0; start < 3; ++start) {
    SqliteStore store(folder_);
    (void)store.begin_incarnation();
    states.push_back(store.read());
    for (int i = 0; i < 8; ++i) {
      store.write(random_update(dice, ++number));
      states.push_back(store.read());
    }
  }
  vfs_.verdict = nullptr;
  ASSERT_GT(cuts.size(), 150U);
  std::size_t newer = 0;
  for (Cut const& cut : cuts) {
    Checkpoint const found = SqliteStore(folder_of(cut.files)).read();
    bool const is_old = are_same(found, states[cut.acknowledged - 1]);
    bool const is_new =
        cut.acknowledged < states.size() && are_same(found, states[cut.acknowledged]);
    ASSERT_TRUE(is_old || is_new) << "after " << cut.acknowledged
                                  << " steps: " << found.write_number << " writes";
    newer += is_new ? 1 : 0;
  }
  EXPECT_GT(newer, 0U) << "no cut fell between the last byte and the answer";
}

struct Refusal {
  int code;
  char const* word; // of the error
};

class DisksThatRefuse : public Disks, public testing::WithParamInterface<Refusal> {};

// Every call of a write refuses in turn; then the disk is well again.
TEST_P(DisksThatRefuse, AWriteGoesThroughWhenTheDiskIsWellAgain) {
  std::mt19937 dice(7);
  SqliteStore store(folder_);
  (void)store.begin_incarnation();
  store.write(random_update(dice, 1));
  std::uint64_t number = 1;
  for (int refused_call = 0;; ++refused_call) {
    Checkpoint const before = store.read();
    CheckpointUpdate const update = random_update(dice, ++number);
    int call = 0;
    vfs_.verdict = [&](Call, std::string const&) {
      return call++ >= refused_call ? GetParam().code : SQLITE_OK;
    };
    bool has_failed = false;
    for (int attempt = 0; attempt == 0 || (has_failed && attempt < 3); ++attempt)
      try {
        store.write(update);
        ASSERT_FALSE(has_failed) << "the disk refuses everything by now";
      } catch (Error const& error) {
        has_failed = true;
        EXPECT_EQ(error.code(), ErrorCode::checkpoint_failed);
        EXPECT_EQ(error.retry(), Retry::later);
        EXPECT_NE(std::string(error.what()).find(GetParam().word), std::string::npos)
            << error.what();
        EXPECT_TRUE(are_same(store.read(), before)) << "call " << refused_call;
      }
    vfs_.verdict = nullptr;
    if (!has_failed)
      break; // it has fewer calls
    store.write(update);
    Checkpoint const after = store.read();
    EXPECT_EQ(after.flushed_lsn, Lsn{number});
    // Nothing that only a reader of the file's cache sees may be counted on.
    Checkpoint const on_disk = SqliteStore(folder_of(after_power_cut(vfs_.disk(), 0, dice))).read();
    EXPECT_TRUE(are_same(on_disk, after)) << "call " << refused_call;
    ASSERT_LT(refused_call, 1000);
  }
  EXPECT_GT(number, 3U);
}

INSTANTIATE_TEST_SUITE_P(Of, DisksThatRefuse,
                         testing::Values(Refusal{SQLITE_FULL, "full"},
                                         Refusal{SQLITE_IOERR_WRITE, "disk I/O error"},
                                         Refusal{SQLITE_IOERR_FSYNC, "disk I/O error"},
                                         Refusal{SQLITE_READONLY, "readonly"}));

// The journal holds a whole update that no disk has: a restart sees it, so it has to be made true
// before anything rests on it.
TEST_F(Disks, WhatARestartReadsIsOnTheDiskBeforeItIsRead) {
  std::mt19937 dice(11);
  {
    SqliteStore store(folder_);
    (void)store.begin_incarnation();
    store.write(random_update(dice, 1));
    bool is_dead = false; // from its failed sync on, nothing of this process reaches the disk
    vfs_.verdict = [&](Call call, std::string const&) {
      is_dead = is_dead || call == Call::sync;
      return is_dead ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    };
    EXPECT_THROW(store.write(random_update(dice, 2)), Error);
  }
  vfs_.verdict = nullptr;
  SqliteStore again(folder_);
  Checkpoint const read = again.read();
  ASSERT_EQ(read.flushed_lsn, Lsn{2}) << "the case is not the one this test is about";
  Checkpoint const on_disk = SqliteStore(folder_of(after_power_cut(vfs_.disk(), 0, dice))).read();
  EXPECT_TRUE(are_same(on_disk, read));
}

// A checkpoint that is made: the file is there whole, or not at all.
TEST_F(Disks, ACheckpointIsNotMadeOnADiskThatRefuses) {
  for (int refused_call = 0;; ++refused_call) {
    int call = 0;
    vfs_.verdict = [&](Call, std::string const&) {
      return call++ >= refused_call ? SQLITE_FULL : SQLITE_OK;
    };
    bool has_failed = false;
    try {
      SqliteStore const store(folder_);
    } catch (Error const& error) {
      has_failed = true;
      EXPECT_EQ(error.code(), ErrorCode::checkpoint_failed);
      EXPECT_EQ(error.retry(), Retry::later);
    }
    vfs_.verdict = nullptr;
    EXPECT_TRUE(SqliteStore(folder_).read().tables.empty());
    if (!has_failed)
      break;
    ASSERT_LT(refused_call, 1000);
    remove_checkpoint(folder_);
  }
}

} // namespace
} // namespace walrock
