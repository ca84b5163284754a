#include "postgres/replication_stream.h"

#include <algorithm>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <poll.h>

#include "base/cursor.h"
#include "base/error.h"
#include "postgres/catalog.h"
#include "postgres/pg_server_for_tests.h"
#include "postgres/publication.h"
#include "postgres/slot.h"
#include "postgres/snapshot_reader.h"

namespace walrock {
namespace {

PgServer& server() {
  return PgServer::shared();
}

void perform(std::string const& sql) {
  (void)server().sql().query(sql);
}

Lsn wal_end() {
  auto sql = server().sql();
  return identify_server(sql).wal_end;
}

// One stream, read into memory.
struct Stream {
  explicit Stream(std::string const& slot, std::string const& publication, Lsn from = {},
                  std::string const& username = "postgres")
      : stream(Connection(server().address(username), ConnectionKind::replication)) {
    stream.start(slot, publication, from,
                 ProtocolOptions::of_server(stream.connection().server_version()));
  }

  // Reads until the server has sent everything up to lsn.
  void read_to(Lsn lsn) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (seen < lsn) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("the stream did not reach " + to_string(lsn));
      auto const outcome = stream.read();
      if (auto const* wal = std::get_if<XLogData>(&outcome)) {
        auto const* const text = reinterpret_cast<char const*>(wal->payload.data());
        payloads.emplace_back(text, wal->payload.size());
      } else if (auto const* keepalive = std::get_if<Keepalive>(&outcome)) {
        seen = keepalive->wal_end;
      } else {
        stream.send_status(seen, {}, {}, true); // asks where the server is
        pollfd fd{stream.socket(), POLLIN, 0};
        ::poll(&fd, 1, 20);
      }
    }
  }
  std::string types() const {
    std::string out;
    for (std::string const& payload : payloads)
      out += payload.front();
    return out;
  }

  ReplicationStream stream;
  std::vector<std::string> payloads;
  Lsn seen;
};

// A slot that goes with the test.
struct OwnSlot {
  explicit OwnSlot(std::string const& slot_name) : name(slot_name) {
    auto connection = server().replication();
    created = create_slot(connection, name, SlotLifetime::permanent);
  }
  ~OwnSlot() {
    auto sql = server().sql();
    while (true) {
      try {
        drop_slot(sql, name);
        return;
      } catch (Error const& error) { // the walsender may still be on its way out
        if (error.code() != ErrorCode::slot_in_use) {
          ADD_FAILURE() << error.what();
          return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
  }
  std::string name;
  CreatedSlot created;
};

ErrorCode code_of(std::function<void()> const& action) {
  try {
    action();
  } catch (Error const& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

// The cells of an insert as a COPY line; written apart from pgoutput/, which has tests of its own.
std::string as_copy_line(std::string_view insert) {
  Cursor in(insert.substr(6)); // 'I', oid, 'N'
  std::string out;
  for (auto cells = in.u16(); cells > 0; --cells) {
    if (in.u8() == 'n') {
      out += "\\N";
    } else {
      for (char const c : in.text(in.u32())) {
        static constexpr std::string_view kSpecial = "\b\f\n\r\t\v\\";
        auto const at = kSpecial.find(c);
        out +=
            at == std::string_view::npos ? std::string(1, c) : std::string("\\") + "bfnrtv\\"[at];
      }
    }
    out += cells > 1 ? "\t" : "";
  }
  return out;
}

TEST(ProtocolOptions, AreTheMostThatTheServerOffers) {
  EXPECT_EQ(ProtocolOptions::of_server(120022).proto_version, 1);
  EXPECT_FALSE(ProtocolOptions::of_server(130000).streaming);
  EXPECT_EQ(ProtocolOptions::of_server(140000).proto_version, 2);
  EXPECT_TRUE(ProtocolOptions::of_server(140000).streaming);
  EXPECT_EQ(ProtocolOptions::of_server(150018).proto_version, 3);
  EXPECT_EQ(ProtocolOptions::of_server(180000).proto_version, 4);
}

TEST(Replication, CopyAndStreamPrintTheSameTextWhateverTheRoleIsSetTo) {
  perform(
      "CREATE ROLE foreign_taste LOGIN SUPERUSER;"
      "ALTER ROLE foreign_taste SET DateStyle = 'SQL, DMY';"
      "ALTER ROLE foreign_taste SET IntervalStyle = 'postgres_verbose';"
      "ALTER ROLE foreign_taste SET TimeZone = 'Asia/Tokyo';"
      "ALTER ROLE foreign_taste SET bytea_output = 'escape';"
      "ALTER ROLE foreign_taste SET extra_float_digits = 0;"
      "CREATE TABLE public.types (id int PRIMARY KEY, ts timestamp, tz timestamptz, d date,"
      "  i interval, b bytea, f8 float8, f4 float4, n numeric, m money, t text, a text[], j jsonb,"
      "  r tstzrange, u uuid, bits bit(5), reg regclass, ok boolean, gone text);"
      "ALTER TABLE public.types DROP COLUMN gone");
  std::string const values =
      "VALUES (1, '2026-01-31 12:00:00.5', '2026-01-31 12:00:00.25+09', '0044-03-15 BC',"
      " '1 year 2 mons -3 days 04:05:06.7', '\\x00ff0a5c', 1e-320, 3.14159274, 'NaN', '12.34',"
      " E'tab\\tnew\\nline\\\\back', ARRAY['a,b', NULL, 'NULL', ''], '{\"k\": [1.10, "
      "\"\\u00e9\"]}',"
      " '[2026-01-01 00:00+09,)', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', B'10101', 'public.types',"
      " true), (2, 'infinity', '-infinity', NULL, '-1 day', '', 'NaN', '-Infinity',"
      " 12345678901234567890.0123456789, '-0.01', '', '{}', 'null', 'empty', NULL, NULL, NULL, "
      "false)";
  perform("INSERT INTO public.types " + values);
  perform(create_publication_sql("types", std::vector<TableName>{{"public", "types"}}, false, 0));
  SnapshotKeeper keeper(server().address("foreign_taste"), "types", SlotLifetime::permanent);
  perform("DELETE FROM public.types; INSERT INTO public.types " + values);

  SnapshotReader reader(Connection(server().address("foreign_taste"), ConnectionKind::sql));
  auto const table = describe_table(reader.connection(), {"public", "types"});
  ASSERT_EQ(reader.begin(keeper.slot().snapshot_name, *table, Milliseconds(1000)),
            BeginOutcome::ready);
  reader.start_copy(*table, Split{table->id, 0, std::nullopt, std::nullopt});
  std::vector<std::string> copied;
  while (auto const line = reader.next_line())
    copied.emplace_back(line->data(), line->size());
  reader.end();

  std::vector<std::string> streamed;
  {
    Stream stream("types", "types", keeper.slot().consistent_lsn, "foreign_taste");
    stream.read_to(wal_end());
    for (std::string const& payload : stream.payloads)
      if (payload.front() == 'I')
        streamed.push_back(as_copy_line(payload));
    EXPECT_TRUE(stream.stream.end(Deadline::in(Milliseconds(5000))));
  }
  ASSERT_EQ(copied.size(), 2U);
  EXPECT_EQ(streamed, copied);
  EXPECT_NE(copied[0].find("P1Y2M-3DT4H5M6.7S"), std::string::npos) << copied[0];
  EXPECT_NE(copied[0].find("2026-01-31 03:00:00.25+00"), std::string::npos) << copied[0];
  auto sql = server().sql();
  drop_slot(sql, "types");
}

TEST(Replication, TheStreamHoldsExactlyWhatTheSnapshotDoesNot) {
  perform("CREATE TABLE public.seam (id int PRIMARY KEY); INSERT INTO public.seam VALUES (1);"
          "CREATE PUBLICATION \"seam's \"\"odd\"\" name\" FOR TABLE public.seam");
  OwnSlot const slot("seam");
  perform("INSERT INTO public.seam VALUES (2)");
  Stream stream(slot.name, "seam's \"odd\" name", slot.created.consistent_lsn);
  stream.read_to(wal_end());
  EXPECT_EQ(stream.types(), "BRIC");
  EXPECT_EQ(as_copy_line(stream.payloads[2]), "2");
}

TEST(Replication, EveryKindOfChangeArrives) {
  perform("CREATE TABLE public.kinds (id int PRIMARY KEY, t text);"
          "CREATE TYPE public.mood AS ENUM ('ok');"
          "CREATE TABLE public.moods (id int PRIMARY KEY, m public.mood);"
          "CREATE PUBLICATION kinds FOR TABLE public.kinds, public.moods");
  OwnSlot const slot("kinds");
  perform("INSERT INTO public.kinds VALUES (1, 'a')");
  perform("UPDATE public.kinds SET t = 'b'");
  perform("DELETE FROM public.kinds");
  perform("INSERT INTO public.moods VALUES (1, 'ok')");
  perform("TRUNCATE public.kinds");
  Stream stream(slot.name, "kinds");
  stream.read_to(wal_end());
  EXPECT_EQ(stream.types(), "BRIC"
                            "BUC"
                            "BDC"
                            "BYRIC"
                            "BRTC");
}

TEST(Replication, ATransactionInProgressIsStreamedInBlocks) {
  auto sql = server().sql();
  if (!ProtocolOptions::of_server(sql.server_version()).streaming)
    GTEST_SKIP() << "this server streams committed transactions only";
  perform("CREATE TABLE public.big (id int PRIMARY KEY, t text);"
          "CREATE PUBLICATION big FOR TABLE public.big");
  OwnSlot const slot("big");
  (void)sql.query("BEGIN; INSERT INTO public.big SELECT i, 'x' FROM generate_series(1, 3000) i;"
                  "SAVEPOINT s; INSERT INTO public.big SELECT i, 'y' FROM "
                  "generate_series(3001, 6000) i; ROLLBACK TO s");
  perform("CREATE TABLE public.flushes_wal ()"); // a commit: what is behind it is decoded
  Stream stream(slot.name, "big");
  stream.read_to(wal_end());
  std::string const before = stream.types();
  EXPECT_TRUE(before.starts_with("SRI")) << before.substr(0, 10);
  EXPECT_NE(before.find("IE"), std::string::npos);
  EXPECT_EQ(before.find('c'), std::string::npos);
  (void)sql.query("COMMIT");
  stream.read_to(wal_end());
  std::string const whole = stream.types();
  EXPECT_EQ(whole.back(), 'c');
  EXPECT_NE(whole.find('A'), std::string::npos);
  EXPECT_GE(std::count(whole.begin(), whole.end(), 'I'), 3000);
}

TEST(Replication, OnlyWhatIsFlushedIsConfirmed) {
  perform("CREATE TABLE public.acknowledged (id int PRIMARY KEY);"
          "CREATE PUBLICATION acknowledged FOR TABLE public.acknowledged");
  OwnSlot const slot("acknowledged");
  perform("INSERT INTO public.acknowledged VALUES (1)");
  Lsn const first = wal_end();
  perform("INSERT INTO public.acknowledged VALUES (2)");
  auto sql = server().sql();
  {
    Stream stream(slot.name, "acknowledged");
    stream.read_to(wal_end());
    EXPECT_EQ(find_slot(sql, slot.name)->confirmed_flush_lsn, slot.created.consistent_lsn);
    EXPECT_TRUE(find_slot(sql, slot.name)->active_pid);
    EXPECT_EQ(code_of([&] { require_usable(find_slot(sql, slot.name), slot.name, "postgres"); }),
              ErrorCode::slot_in_use);
    stream.stream.send_status(stream.seen, first, first);
    EXPECT_FALSE(stream.stream.wants_write());
    EXPECT_TRUE(stream.stream.end(Deadline::in(Milliseconds(5000))));
  }
  EXPECT_EQ(find_slot(sql, slot.name)->confirmed_flush_lsn, first);
  Stream again(slot.name, "acknowledged");
  again.read_to(wal_end());
  ASSERT_EQ(again.types(), "BRIC");
  EXPECT_EQ(as_copy_line(again.payloads[2]), "2");
}

TEST(Replication, ASlotIsReadByOneOnly) {
  perform("CREATE PUBLICATION single");
  OwnSlot const slot("single");
  Stream const first(slot.name, "single");
  EXPECT_EQ(code_of([&] { Stream const second(slot.name, "single"); }), ErrorCode::slot_in_use);
  EXPECT_EQ(code_of([&] {
              auto sql = server().sql();
              drop_slot(sql, slot.name);
            }),
            ErrorCode::slot_in_use);
}

TEST(Replication, AMissingSlotIsSaidToBeMissing) {
  EXPECT_EQ(code_of([] { Stream const stream("never_made", "p"); }), ErrorCode::slot_missing);
  auto sql = server().sql();
  EXPECT_FALSE(find_slot(sql, "never_made"));
  EXPECT_EQ(code_of([&] { require_usable(std::nullopt, "never_made", "postgres"); }),
            ErrorCode::slot_missing);
}

TEST(Replication, ASlotWhoseWalIsGoneIsSaidToBeInvalidated) {
  auto sql = server().sql();
  if (sql.server_version() < 130000)
    GTEST_SKIP() << "12 keeps WAL without a limit";
  perform("CREATE TABLE public.floods (t text); CREATE PUBLICATION floods FOR TABLE public.floods");
  OwnSlot const slot("floods");
  (void)sql.query("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
  (void)sql.query("SELECT pg_reload_conf()");
  for (int i = 0; i < 50 && !find_slot(sql, slot.name)->is_lost(); ++i) {
    (void)sql.query("INSERT INTO public.floods VALUES ('x')");
    (void)sql.query("SELECT pg_switch_wal()");
    (void)sql.query("CHECKPOINT");
  }
  (void)sql.query("ALTER SYSTEM RESET max_slot_wal_keep_size");
  (void)sql.query("SELECT pg_reload_conf()");
  ASSERT_TRUE(find_slot(sql, slot.name)->is_lost());
  EXPECT_EQ(code_of([&] { Stream const stream(slot.name, "floods"); }),
            ErrorCode::slot_invalidated);
}

TEST(Replication, AMissingPublicationEndsTheStreamWithItsName) {
  perform("CREATE TABLE public.unpublished (id int PRIMARY KEY)");
  OwnSlot const slot("unpublished");
  perform("INSERT INTO public.unpublished VALUES (1)");
  Stream stream(slot.name, "no_such");
  if (stream.stream.connection().server_version() >= 180000)
    GTEST_SKIP() << "18 warns and skips";
  try {
    stream.read_to(wal_end());
    FAIL() << "the stream went on";
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("no_such"), std::string::npos) << error.what();
    EXPECT_EQ(error.code(), ErrorCode::publication_missing);
  }
}

TEST(Replication, AKilledWalsenderIsALostConnection) {
  perform("CREATE PUBLICATION killed");
  OwnSlot const slot("killed");
  Stream stream(slot.name, "killed");
  stream.read_to(wal_end());
  perform("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
          "WHERE slot_name = 'killed'");
  EXPECT_THROW(stream.read_to(Lsn{~0ULL}), ConnectionLost);
  EXPECT_FALSE(stream.stream.end(Deadline::in(Milliseconds(1000))));
}

TEST(Slot, IsDescribedAndRefusedWhenItIsNotOurs) {
  OwnSlot const slot("described");
  auto sql = server().sql();
  auto found = find_slot(sql, "described");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->plugin, "pgoutput");
  EXPECT_EQ(found->database, "postgres");
  EXPECT_FALSE(found->active_pid);
  EXPECT_FALSE(found->is_lost());
  EXPECT_EQ(found->confirmed_flush_lsn, slot.created.consistent_lsn);
  require_usable(found, "described", "postgres");
  EXPECT_EQ(code_of([&] { require_usable(found, "described", "other"); }), ErrorCode::slot_unknown);
  found->wal_status = "lost";
  EXPECT_EQ(code_of([&] { require_usable(found, "described", "postgres"); }),
            ErrorCode::slot_invalidated);
}

TEST(Slot, ATakenNameIsRefusedWithTheSqlThatDropsIt) {
  OwnSlot const slot("taken");
  auto connection = server().replication();
  try {
    (void)create_slot(connection, "taken", SlotLifetime::permanent);
    FAIL() << "created twice";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::slot_unknown);
    EXPECT_NE(error.advice().find(drop_slot_sql("taken")), std::string_view::npos);
  }
}

TEST(Slot, ATemporaryOneGoesWithItsConnection) {
  {
    SnapshotKeeper const keeper(server().address(), "fleeting", SlotLifetime::temporary);
    EXPECT_FALSE(keeper.slot().snapshot_name.empty());
  }
  auto sql = server().sql();
  while (find_slot(sql, "fleeting"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST(Slot, CreationWaitsForOpenTransactionsAndCanBeStopped) {
  perform("CREATE TABLE public.writers (id int)");
  auto writer = server().sql();
  (void)writer.query("BEGIN; INSERT INTO public.writers VALUES (1)");
  auto sql = server().sql();
  auto const blockers = slot_creation_blockers(sql);
  ASSERT_EQ(blockers.size(), 1U);
  EXPECT_NE(blockers[0].find("idle in transaction"), std::string::npos) << blockers[0];
  std::stop_source stop;
  std::jthread const later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  auto connection = server().replication();
  EXPECT_THROW((void)create_slot(connection, "waiting", SlotLifetime::permanent, stop.get_token()),
               Stopped);
  while (find_slot(sql, "waiting")) // the server drops what was half made
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  (void)writer.query("ROLLBACK");
}

} // namespace
} // namespace walrock
