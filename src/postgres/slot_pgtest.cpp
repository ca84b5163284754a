// What is known of a slot, and how the history of a server is read; with a PostgreSQL.
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/names.h"
#include "postgres/pg_server_for_tests.h"
#include "postgres/slot.h"
#include "postgres/timeline.h"

namespace walrock {
namespace {

PgServer& server() {
  return PgServer::shared();
}

Slot made_slot(Connection& sql, std::string const& name) {
  (void)sql.query(create_slot_sql(name));
  return find_slot(sql, name).value();
}

TEST(SlotPosition, ASlotThatStandsBeyondWhatIsThereIsAGap) {
  auto sql = server().sql();
  Slot const before = made_slot(sql, "moved");
  EXPECT_NO_THROW(require_no_gap(before, before.confirmed_flush_lsn));
  (void)sql.query("CREATE TABLE public.moves (n int)");
  (void)sql.query("SELECT pg_replication_slot_advance('moved', pg_current_wal_lsn())");
  Slot const after = *find_slot(sql, "moved");
  try {
    require_no_gap(after, before.confirmed_flush_lsn);
    ADD_FAILURE() << "the gap was passed over";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::slot_moved);
    EXPECT_NE(std::string(error.what()).find(to_string(after.confirmed_flush_lsn)),
              std::string::npos);
  }
  EXPECT_NO_THROW(require_no_gap(before, after.confirmed_flush_lsn)) << "going back loses nothing";
  drop_slot(sql, "moved");
}

TEST(SlotPosition, WhatTheServerMayStillWriteIsKnownOnlyWithALimit) {
  auto sql = server().sql();
  EXPECT_FALSE(made_slot(sql, "safe").safe_wal_bytes);
  if (sql.server_version() >= 130000) {
    (void)sql.query("ALTER SYSTEM SET max_slot_wal_keep_size = '512MB'");
    (void)sql.query("SELECT pg_reload_conf()");
    std::optional<std::int64_t> safe;
    for (int i = 0; i < 100 && !safe; ++i) {
      (void)sql.query("SELECT pg_sleep(0.05)");
      safe = find_slot(sql, "safe")->safe_wal_bytes;
    }
    ASSERT_TRUE(safe);
    EXPECT_GT(*safe, std::int64_t(400) << 20);
    (void)sql.query("ALTER SYSTEM RESET max_slot_wal_keep_size");
    (void)sql.query("SELECT pg_reload_conf()");
  }
  drop_slot(sql, "safe");
}

TEST(SlotPosition, ATwoPhaseSlotIsNotOurs) {
  auto sql = server().sql();
  if (sql.server_version() < 140000)
    GTEST_SKIP() << "two-phase slots came with 14";
  (void)sql.query("SELECT pg_create_logical_replication_slot('phases', 'pgoutput', false, true)");
  auto const slot = find_slot(sql, "phases");
  EXPECT_TRUE(slot->is_two_phase);
  EXPECT_THROW(require_usable(slot, "phases", "postgres"), Error);
  drop_slot(sql, "phases");
}

TEST(SourceHistory, IsReadOnAReplicationConnection) {
  auto replication = server().replication();
  SourceHistory const history = read_source_history(replication);
  EXPECT_EQ(history.timeline, 1U);
  EXPECT_TRUE(history.ended.empty());
  EXPECT_FALSE(history.is_in_recovery);
  EXPECT_FALSE(history.system_identifier.empty());
  EXPECT_TRUE(history.wal_end.is_set());
}

} // namespace
} // namespace walrock
