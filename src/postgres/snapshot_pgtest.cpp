#include "postgres/snapshot_reader.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "postgres/catalog.h"
#include "postgres/pg_server_for_tests.h"

namespace walrock {
namespace {

constexpr Milliseconds kLockWait{5'000};

PgServer& server() {
  return PgServer::shared();
}

void perform(std::string const& sql) {
  (void)server().sql().query(sql);
}

SourceTable described(std::string const& table_name) {
  auto sql = server().sql();
  auto const table = describe_table(sql, {"public", table_name});
  if (!table)
    throw std::runtime_error("no table " + table_name);
  return *table;
}

std::vector<std::string> lines_of(SnapshotReader& reader) {
  std::vector<std::string> out;
  while (auto const line = reader.next_line())
    out.emplace_back(line->data(), line->size());
  return out;
}

// A table with some pages, and a snapshot of it.
struct Snapshot {
  explicit Snapshot(std::string const& name)
      : table((perform("CREATE TABLE public." + name +
                       " (id int PRIMARY KEY, t text, twice int GENERATED ALWAYS AS (id * 2) "
                       "STORED); INSERT INTO public." +
                       name + " SELECT i, repeat('x', 200) FROM generate_series(1, 1000) i"),
               described(name))),
        keeper(server().address(), name, SlotLifetime::temporary), reader(server().sql()) {}
  BeginOutcome begin() { return reader.begin(keeper.slot().snapshot_name, table, kLockWait); }
  SourceTable table;
  SnapshotKeeper keeper;
  SnapshotReader reader;
};

ErrorCode code_of_begin(SnapshotReader& reader, std::string const& snapshot,
                        SourceTable const& table) {
  try {
    (void)reader.begin(snapshot, table, kLockWait);
  } catch (Error const& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(Snapshot, ShowsTheRowsOfItsMomentWhateverIsWrittenLater) {
  Snapshot s("moment");
  perform(
      "INSERT INTO public.moment VALUES (5000, 'late'); DELETE FROM public.moment WHERE id < 10;"
      "UPDATE public.moment SET t = 'new'");
  ASSERT_EQ(s.begin(), BeginOutcome::ready);
  s.reader.start_copy(s.table, Split{s.table.id, 0, std::nullopt, std::nullopt});
  auto const lines = lines_of(s.reader);
  s.reader.end();
  ASSERT_EQ(lines.size(), 1000U);
  EXPECT_EQ(lines[0], "1\t" + std::string(200, 'x'));
}

TEST(Snapshot, SplitsAreDisjointAndComplete) {
  Snapshot s("splits");
  int const version = server().sql().server_version();
  auto const splits = split_table(s.table, 4, version);
  EXPECT_GT(splits.size(), version >= 140000 ? 3U : 0U);
  perform("UPDATE public.splits SET t = 'moved to other pages'");
  std::vector<int> ids;
  for (Split const& split : splits) {
    ASSERT_EQ(s.begin(), BeginOutcome::ready);
    s.reader.start_copy(s.table, split);
    for (std::string const& line : lines_of(s.reader))
      ids.push_back(std::stoi(line));
    s.reader.end();
  }
  std::sort(ids.begin(), ids.end());
  ASSERT_EQ(ids.size(), 1000U);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(ids[static_cast<std::size_t>(i)], i + 1);
}

TEST(Snapshot, LinesAreMutableAndKeepTheirEscapes) {
  Snapshot s("escapes");
  perform("TRUNCATE public.escapes; INSERT INTO public.escapes VALUES (1, E'a\\tb\\\\c\\nd'), "
          "(2, NULL), (3, '')");
  Snapshot now("escapes_now");
  SourceTable const table = described("escapes");
  ASSERT_EQ(now.reader.begin(now.keeper.slot().snapshot_name, table, kLockWait),
            BeginOutcome::ready);
  now.reader.start_copy(table, Split{table.id, 0, std::nullopt, std::nullopt});
  auto const first = now.reader.next_line();
  ASSERT_TRUE(first);
  (*first)[0] = '9';
  EXPECT_EQ(std::string(first->data(), first->size()), "9\ta\\tb\\\\c\\nd");
  EXPECT_EQ(lines_of(now.reader), (std::vector<std::string>{"2\t\\N", "3\t"}));
  now.reader.end();
}

TEST(Snapshot, ATruncatedTableIsChangedNotEmpty) {
  Snapshot s("truncated");
  perform("TRUNCATE public.truncated");
  EXPECT_EQ(s.begin(), BeginOutcome::changed);
  EXPECT_EQ(s.begin(), BeginOutcome::changed); // the session is as good as before
}

TEST(Snapshot, ARewrittenTableIsChanged) {
  Snapshot s("rewritten");
  perform("ALTER TABLE public.rewritten ALTER COLUMN t TYPE char(300)");
  EXPECT_EQ(s.begin(), BeginOutcome::changed);
}

TEST(Snapshot, AColumnAddedWithoutARewriteChangesNothing) {
  Snapshot s("widened");
  perform("ALTER TABLE public.widened ADD COLUMN more int DEFAULT 7");
  ASSERT_EQ(s.begin(), BeginOutcome::ready);
  s.reader.start_copy(s.table, Split{s.table.id, 0, std::nullopt, std::nullopt});
  EXPECT_EQ(lines_of(s.reader).size(), 1000U);
  s.reader.end();
}

TEST(Snapshot, ADroppedColumnIsATableChange) {
  Snapshot s("narrowed");
  perform("ALTER TABLE public.narrowed DROP COLUMN t");
  ASSERT_EQ(s.begin(), BeginOutcome::ready);
  try {
    s.reader.start_copy(s.table, Split{s.table.id, 0, std::nullopt, std::nullopt});
    FAIL() << "copied";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::table_changed);
  }
  s.reader.abandon();
  EXPECT_EQ(s.begin(), BeginOutcome::ready);
}

TEST(Snapshot, ADroppedOrRenamedTableIsMissing) {
  Snapshot dropped("dropped");
  perform("DROP TABLE public.dropped");
  EXPECT_EQ(dropped.begin(), BeginOutcome::missing);
  perform("CREATE TABLE public.dropped (id int)");
  EXPECT_EQ(dropped.begin(), BeginOutcome::missing);
  Snapshot renamed("renamed");
  perform("ALTER TABLE public.renamed RENAME TO renamed_away");
  EXPECT_EQ(renamed.begin(), BeginOutcome::missing);
}

TEST(Snapshot, PartitionedTablesAreReadFromTheRootAndCheckedLeafByLeaf) {
  perform("CREATE TABLE public.tree (id int PRIMARY KEY) PARTITION BY RANGE (id);"
          "CREATE TABLE public.tree_1 PARTITION OF public.tree FOR VALUES FROM (0) TO (10);"
          "CREATE TABLE public.tree_2 PARTITION OF public.tree FOR VALUES FROM (10) TO (20);"
          "INSERT INTO public.tree SELECT generate_series(0, 19)");
  Snapshot s("beside_tree");
  SourceTable const tree = described("tree");
  std::string const snapshot = s.keeper.slot().snapshot_name;
  ASSERT_EQ(s.reader.begin(snapshot, tree, kLockWait), BeginOutcome::ready);
  s.reader.start_copy(tree, Split{tree.id, 0, std::nullopt, std::nullopt});
  EXPECT_EQ(lines_of(s.reader).size(), 20U);
  s.reader.end();
  perform("TRUNCATE public.tree_2");
  EXPECT_EQ(s.reader.begin(snapshot, tree, kLockWait), BeginOutcome::changed);
}

TEST(Snapshot, ADetachedPartitionIsAChange) {
  perform("CREATE TABLE public.loose (id int PRIMARY KEY) PARTITION BY RANGE (id);"
          "CREATE TABLE public.loose_1 PARTITION OF public.loose FOR VALUES FROM (0) TO (10)");
  Snapshot s("beside_loose");
  SourceTable const loose = described("loose");
  perform("ALTER TABLE public.loose DETACH PARTITION public.loose_1");
  EXPECT_EQ(s.reader.begin(s.keeper.slot().snapshot_name, loose, kLockWait), BeginOutcome::changed);
}

TEST(Snapshot, ALockedTableIsWaitedForOnlyAsLongAsAllowed) {
  Snapshot s("locked");
  auto owner = server().sql();
  (void)owner.query("BEGIN; LOCK TABLE public.locked IN ACCESS EXCLUSIVE MODE");
  EXPECT_EQ(s.reader.begin(s.keeper.slot().snapshot_name, s.table, Milliseconds(50)),
            BeginOutcome::locked);
  (void)owner.query("ROLLBACK");
  EXPECT_EQ(s.begin(), BeginOutcome::ready);
  EXPECT_FALSE(s.reader.is_lock_awaited(s.table.id));
  s.reader.end();
}

TEST(Snapshot, IsLostWithItsKeeperButNotForReadersThatHaveBegun) {
  Snapshot s("lost");
  SnapshotReader late(server().sql());
  ASSERT_EQ(s.begin(), BeginOutcome::ready);
  std::string const name = s.keeper.slot().snapshot_name;
  EXPECT_TRUE(s.keeper.is_alive());
  perform("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
          "WHERE slot_name = 'lost'");
  while (s.keeper.is_alive())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(code_of_begin(late, name, s.table), ErrorCode::snapshot_lost);
  EXPECT_EQ(code_of_begin(late, "no such'name", s.table), ErrorCode::snapshot_lost);
  s.reader.start_copy(s.table, Split{s.table.id, 0, std::nullopt, std::nullopt});
  EXPECT_EQ(lines_of(s.reader).size(), 1000U);
  s.reader.end();
}

TEST(Snapshot, ACopyGivenUpLeavesAUsableReader) {
  Snapshot s("given_up");
  perform("INSERT INTO public.given_up SELECT i, repeat('x', 1000) "
          "FROM generate_series(2000, 30000) i");
  Snapshot big("beside_given_up");
  SourceTable const table = described("given_up");
  std::string const snapshot = big.keeper.slot().snapshot_name;
  ASSERT_EQ(big.reader.begin(snapshot, table, kLockWait), BeginOutcome::ready);
  big.reader.start_copy(table, Split{table.id, 0, std::nullopt, std::nullopt});
  EXPECT_TRUE(big.reader.next_line());
  big.reader.abandon();
  EXPECT_EQ(big.begin(), BeginOutcome::ready);
}

TEST(Snapshot, WithoutSelectTheTableIsDenied) {
  Snapshot s("private_one");
  perform("CREATE ROLE no_select LOGIN");
  SnapshotReader reader(Connection(server().address("no_select"), ConnectionKind::sql));
  EXPECT_EQ(code_of_begin(reader, s.keeper.slot().snapshot_name, s.table),
            ErrorCode::source_permission_denied);
}

TEST(Snapshot, RowLevelSecurityFailsTheCopyInsteadOfThinningItOut) {
  Snapshot s("guarded");
  perform("CREATE ROLE filtered LOGIN; GRANT SELECT ON public.guarded TO filtered;"
          "ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY");
  SnapshotReader reader(Connection(server().address("filtered"), ConnectionKind::sql));
  ASSERT_EQ(reader.begin(s.keeper.slot().snapshot_name, s.table, kLockWait), BeginOutcome::ready);
  EXPECT_THROW(reader.start_copy(s.table, Split{s.table.id, 0, std::nullopt, std::nullopt}), Error);
}

} // namespace
} // namespace walrock
