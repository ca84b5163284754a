#include "pipeline/stream_machine.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "pgoutput/wire_for_tests.h"
#include "schema/made_columns.h"
#include "schema/target_design.h"

namespace walrock {
namespace {

Wire begin(std::uint64_t commit_lsn) {
  return std::move(Wire().type('B').u64(commit_lsn).u64(1000).u32(7));
}
Wire commit(std::uint64_t commit_lsn, std::uint64_t end_lsn) {
  return std::move(Wire().type('C').u8(0).u64(commit_lsn).u64(end_lsn).u64(1000));
}
// Columns: "*name" is a key column; all are text but the first, which is int4.
Wire relation(Oid oid, std::vector<std::string> const& columns, char identity = 'd') {
  Wire wire;
  wire.type('R')
      .u32(oid)
      .text("public")
      .text("t" + std::to_string(oid))
      .u8(static_cast<unsigned>(identity));
  wire.u16(static_cast<unsigned>(columns.size()));
  for (std::string const& column : columns) {
    bool const is_key = column[0] == '*';
    wire.u8(is_key || identity == 'f' ? 1 : 0).text(is_key ? column.substr(1) : column);
    wire.u32(is_key ? 23 : 25).u32(0xFFFFFFFF);
  }
  return wire;
}
Wire insert(Oid oid, std::vector<std::string> const& row) {
  return std::move(Wire().type('I').u32(oid).type('N').row(row));
}
Wire update(Oid oid, std::vector<std::string> const& row) {
  return std::move(Wire().type('U').u32(oid).type('N').row(row));
}
Wire update_from(Oid oid, char kind, std::vector<std::string> const& old_row,
                 std::vector<std::string> const& row) {
  return std::move(Wire().type('U').u32(oid).type(kind).row(old_row).type('N').row(row));
}
Wire remove(Oid oid, std::vector<std::string> const& key) {
  return std::move(Wire().type('D').u32(oid).type('K').row(key));
}
Wire truncate(Oid oid) {
  return std::move(Wire().type('T').u32(1).u8(0).u32(oid));
}

SourceColumn source_column(std::string const& name, bool is_key, int attnum) {
  SourceColumn column;
  column.name = name;
  column.attnum = attnum;
  column.type_oid = column.wire_type_oid = is_key ? 23 : 25;
  column.type_name = is_key ? "int4" : "text";
  column.type_namespace = "pg_catalog";
  column.declared_type = is_key ? "integer" : "text";
  column.is_not_null = is_key;
  return column;
}

SourceTable source_table(Oid oid, std::vector<std::string> const& columns) {
  SourceTable table;
  table.id = {oid};
  table.name = {"public", "t" + std::to_string(oid)};
  table.filenode = 1;
  int attnum = 0;
  for (std::string const& column : columns) {
    bool const is_key = column[0] == '*';
    table.columns.push_back(source_column(is_key ? column.substr(1) : column, is_key, ++attnum));
    if (is_key)
      table.primary_key = table.identity_columns = {column.substr(1)};
  }
  return table;
}

class StreamMachineTest : public testing::Test {
protected:
  static constexpr std::uint64_t kStart = 100;

  void follow(Oid oid, Lsn from = Lsn{kStart},
              std::vector<std::string> const& columns = {"*id", "v"}, char relkind = 'r') {
    machine.follow(followed(oid, from, columns, relkind));
  }

  static FollowedTable followed(Oid oid, Lsn from, std::vector<std::string> const& columns,
                                char relkind = 'r') {
    FollowedTable table;
    table.source = source_table(oid, columns);
    table.source.relkind = relkind;
    table.target.name = {"demo", "t" + std::to_string(oid)};
    table.target.key = {"id"};
    for (SourceColumn const& column : table.source.columns) {
      TargetColumn target;
      target.name = column.name;
      target.type = column.type_oid == 23 ? "INT" : "VARCHAR(1048576)";
      target.is_nullable = column.type_oid != 23;
      table.target.columns.push_back(target);
    }
    table.from = from;
    return table;
  }

  // The columns the catalog describes a table with when the machine asks.
  std::map<Oid, std::vector<std::string>> catalog;
  std::string is_generated; // of these columns one is
  std::string is_dropped;   // stood before the last one
  Oid filenode = 1;
  std::string is_unsent;

  SourceTable described(Oid oid) {
    SourceTable table = source_table(oid, catalog.at(oid));
    table.filenode = filenode;
    if (!is_dropped.empty())
      ++table.columns.back().attnum;
    for (SourceColumn& column : table.columns) {
      column.generated = column.name == is_generated ? 's' : '\0';
      column.is_sent = column.name != is_unsent;
    }
    return table;
  }

  void feed(Wire const& wire) {
    machine.on_payload(wire.payload(), now, actions);
    perform();
  }

  void perform() {
    StreamActions const mine = std::exchange(actions, {});
    for (StreamAction const& action : mine) {
      if (auto const* hand_over = std::get_if<HandOver>(&action))
        epochs.push_back(std::move(const_cast<HandOver*>(hand_over)->epoch));
      else if (auto const* wanted = std::get_if<Describe>(&action))
        machine.on_described(wanted->table, described(wanted->table.oid), actions);
      else if (auto const* spooled = std::get_if<SpoolPayload>(&action))
        spool[spooled->xid].push_back(
            {spooled->sub_xid, std::string(reinterpret_cast<char const*>(spooled->payload.data()),
                                           spooled->payload.size())});
      else if (auto const* forgotten = std::get_if<ForgetTransaction>(&action))
        spool.erase(forgotten->xid);
      else if (auto const* aside = std::get_if<SetAside>(&action))
        set_aside.push_back(*aside);
      else if (auto const* truncated = std::get_if<RootTruncated>(&action))
        truncations.push_back(*truncated);
      else if (auto const* row = std::get_if<PartitionWritten>(&action))
        written.push_back(*row);
      else if (auto const* replayed = std::get_if<Replay>(&action))
        replay(*replayed);
    }
    if (!actions.empty())
      perform();
  }

  void replay(Replay const& committed) {
    for (auto const& [sub_xid, payload] : spool[committed.xid])
      if (!committed.aborted_xids.contains(sub_xid))
        machine.on_replayed(std::as_bytes(std::span(payload)), actions);
    spool.erase(committed.xid);
    machine.on_replay_end(now, actions);
  }

  void tick(Milliseconds time = Milliseconds(2000)) {
    now += time;
    machine.on_timer(now, actions);
    perform();
  }

  // All rows handed over for a table, one text per row, separators shown as | and rows' ends cut.
  std::vector<std::string> rows(Oid oid) {
    std::vector<std::string> out;
    for (Epoch const& epoch : epochs)
      for (TableEpoch const& table : epoch.tables)
        for (Part const& part : table.parts)
          for (Batch const& batch : part.batches)
            for (Body const& body : batch.bodies)
              if (table.table.oid == oid) {
                std::string row;
                for (char const c : body.bytes) {
                  if (c == kRowDelimiter)
                    out.push_back(std::exchange(row, ""));
                  else
                    row += c == kColumnSeparator ? '|' : c;
                }
              }
    return out;
  }

  MemoryBudget budget{1 << 30};
  StreamMachine machine{{}, &budget};
  StreamActions actions;
  std::vector<Epoch> epochs;
  std::vector<SetAside> set_aside;
  std::vector<RootTruncated> truncations;
  std::vector<PartitionWritten> written;
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::string>>> spool;
  TimePoint now = TimePoint{} + std::chrono::hours(1);

  void SetUp() override { machine.start(Lsn{kStart}); }
};

using Rows = std::vector<std::string>;

TEST_F(StreamMachineTest, ATransactionBecomesAnEpoch) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(update(1, {"1", "b"}));
  feed(remove(1, {"2", "-"}));
  tick();
  EXPECT_TRUE(epochs.empty()) << "an epoch never ends inside a transaction";
  feed(commit(200, 210));
  tick();
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].end_lsn, Lsn{210});
  EXPECT_EQ(epochs[0].tables[0].after_lsn, Lsn{kStart});
  EXPECT_EQ(rows(1), (Rows{"1|a|0", "1|b|0", "2|\\N|1"}));
}

TEST_F(StreamMachineTest, EveryChangeIsSentOrDropped) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(insert(1, {"2", "b"}));
  feed(truncate(1));
  feed(insert(1, {"3", "c"}));
  feed(update_from(1, 'K', {"3", "-"}, {"4", "c"}));
  feed(commit(200, 210));
  tick();
  TableEpoch const& table = epochs.at(0).tables.at(0);
  EXPECT_TRUE(table.is_truncated);
  EXPECT_TRUE(table.needs_record);
  EXPECT_EQ(table.counts.changes, 5u);
  EXPECT_EQ(table.counts.dropped, 2u);
  EXPECT_EQ(table.counts.sent, 3u);
  EXPECT_EQ(rows(1), (Rows{"3|c|0", "3|\\N|1", "4|c|0"}));
}

TEST_F(StreamMachineTest, ATransactionBelowTheFollowPositionIsSkipped) {
  follow(1, Lsn{300});
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "old"}));
  feed(commit(200, 210));
  feed(begin(300)); // its commit record starts at the position: it is wanted
  feed(insert(1, {"2", "new"}));
  feed(commit(300, 310));
  tick();
  EXPECT_EQ(rows(1), (Rows{"2|new|0"}));
}

TEST_F(StreamMachineTest, WhatWasHandedOverIsNotHandedOverAgainAfterAReconnect) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  tick();
  feed(begin(220));
  feed(insert(1, {"2", "b"}));
  machine.start(Lsn{kStart}); // the connection died in the middle
  for (std::uint64_t lsn : {200, 220}) {
    feed(begin(lsn));
    feed(relation(1, {"*id", "v"}));
    feed(insert(1, {lsn == 200 ? "1" : "2", "again"}));
    feed(commit(lsn, lsn + 10));
  }
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|a|0", "2|again|0"}));
}

TEST_F(StreamMachineTest, AnIdleStreamReportsTheWalEnd) {
  follow(1);
  machine.on_keepalive(Lsn{500}, now, actions);
  tick();
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_TRUE(epochs[0].tables.empty());
  EXPECT_EQ(epochs[0].end_lsn, Lsn{500});
  feed(begin(600));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  machine.on_keepalive(Lsn{700}, now, actions);
  tick();
  EXPECT_EQ(epochs.size(), 1u) << "not while a transaction is open";
  feed(commit(600, 710));
  machine.on_keepalive(Lsn{800}, now, actions);
  perform();
  tick();
  EXPECT_EQ(epochs.at(1).end_lsn, Lsn{710}) << "rows in hand end where their transaction ends";
}

TEST_F(StreamMachineTest, UnchangedToastGoesIntoAPartialUpdate) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(update(1, {"1", "u"}));
  feed(commit(200, 210));
  tick();
  Batch const& batch = epochs.at(0).tables.at(0).parts.at(0).batches.at(0);
  EXPECT_TRUE(batch.spec.partial_update);
  EXPECT_TRUE(epochs[0].tables[0].needs_record);
}

// So comes an UPDATE that carries a row into the publication's row filter: the target lacks it.
TEST_F(StreamMachineTest, AnInsertWithoutALargeValueHasItsTableCopiedAgain) {
  FollowedTable table = followed(1, Lsn{kStart}, {"*id", "v", "w"});
  table.source.row_filter = "(id > 3)";
  machine.follow(std::move(table));
  catalog[1] = {"*id", "v", "w"};
  feed(begin(200));
  feed(relation(1, {"*id", "v", "w"}));
  feed(insert(1, {"4", "a", "u"}));
  feed(commit(200, 210));
  tick();
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::copy_needed);
  EXPECT_EQ(set_aside[0].report.message,
            "an UPDATE of public.t1 carried a row into the publication's row filter (id > 3); "
            "PostgreSQL did not send its large value of column w, which did not change");
  EXPECT_NE(set_aside[0].report.advice.find("ALTER TABLE \"public\".\"t1\" REPLICA IDENTITY FULL"),
            std::string::npos);
  EXPECT_TRUE(rows(1).empty());
}

TEST_F(StreamMachineTest, WithIdentityFullUnchangedToastIsFilledFromTheOldRow) {
  follow(1);
  catalog[1] = {"*id", "v"};
  feed(begin(200));
  feed(relation(1, {"*id", "v"}, 'f'));
  feed(update_from(1, 'O', {"1", "huge"}, {"1", "u"}));
  feed(update_from(1, 'O', {"1", "huge"}, {"2", "u"}));
  feed(commit(200, 210));
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|huge|0", "1|\\N|1", "2|huge|0"}));
}

// The root's letter stands over what the partition's own identity brings.
TEST_F(StreamMachineTest, WhatAnOldRowDoesNotHaveStaysUnchanged) {
  follow(1);
  catalog[1] = {"*id", "v"};
  feed(begin(200));
  feed(relation(1, {"*id", "v"}, 'f'));
  feed(update_from(1, 'O', {"1", "-"}, {"1", "u"}));
  feed(commit(200, 210));
  tick();
  EXPECT_TRUE(epochs.at(0).tables.at(0).parts.at(0).batches.at(0).spec.partial_update);
}

// A row of many columns may have its key stored out of line, however short it is.
TEST_F(StreamMachineTest, AnUnchangedKeyIsThatOfTheOldRow) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(update_from(1, 'K', {"1", "-"}, {"u", "new"}));
  feed(commit(200, 210));
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|new|0"}));
}

TEST_F(StreamMachineTest, AKeyChangeWhoseValueIsNotThereReadsItBack) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(update_from(1, 'K', {"1", "-"}, {"2", "u"}));
  feed(commit(200, 210));
  tick();
  ASSERT_EQ(epochs.size(), 1u);
  TableEpoch const& epoch = epochs[0].tables.at(0);
  EXPECT_TRUE(epoch.reads_back);
  EXPECT_TRUE(epoch.needs_record) << "a restart would look for a row that is gone";
  FieldReference const& read = epoch.parts[0].batches[0].bodies[0].references.at(0);
  EXPECT_EQ(read.key, std::vector<std::string>{"1"});
  EXPECT_EQ(read.field, 1u);
}

// A TRUNCATE apart, only what the stream does not tell makes a table be copied again.
TEST_F(StreamMachineTest, AKeyChangeOfARowOfAClosedPartHasItsTableCopiedAgain) {
  follow(1, Lsn{kStart}, {"*id", "v", "w"});
  follow(2);
  feed(begin(200));
  feed(relation(1, {"*id", "v", "w"}));
  feed(relation(2, {"*id", "v"}));
  feed(insert(1, {"1", "a", "b"}));
  feed(update(1, {"2", "c", "u"}));
  feed(insert(1, {"2", "c", "d"})); // closes the part
  feed(update_from(1, 'K', {"1", "-", "-"}, {"3", "a", "u"}));
  feed(insert(1, {"4", "e", "f"}));
  feed(insert(2, {"1", "a"}));
  feed(commit(200, 210));
  tick();
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_EQ(set_aside[0].table.oid, 1u);
  EXPECT_EQ(set_aside[0].report.retry, Retry::later);
  EXPECT_TRUE(rows(1).empty());
  EXPECT_EQ(rows(2), (Rows{"1|a|0"}));
  // What it is told of layouts meanwhile counts.
  EXPECT_FALSE(machine.follow_from({1}, Lsn{300}, 2));
  feed(begin(300));
  feed(insert(1, {"5", "g", "h"}));
  feed(commit(300, 310));
  tick();
  EXPECT_EQ(rows(1), (Rows{"5|g|h|0"}));
}

TEST_F(StreamMachineTest, AnAddedColumnIsAddedToTheTargetFirst) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  catalog[1] = {"*id", "v", "extra"};
  feed(begin(220));
  feed(relation(1, {"*id", "v", "extra"}));
  feed(insert(1, {"2", "b", "c"}));
  feed(commit(220, 230));
  tick();
  TableEpoch const& table = epochs.at(0).tables.at(0);
  ASSERT_EQ(table.added_columns.size(), 1u);
  EXPECT_EQ(table.added_columns[0].name, "extra");
  EXPECT_EQ(table.parts.size(), 2u) << "two layouts are two labels";
  EXPECT_EQ(rows(1), (Rows{"1|a|0", "2|b|c|0"}));
}

TEST_F(StreamMachineTest, AColumnThatWasNotAddedBeforeAReconnectIsAddedAfterIt) {
  follow(1);
  catalog[1] = {"*id", "v", "extra"};
  for (int attempt = 0; attempt < 2; ++attempt) {
    machine.start(Lsn{kStart});
    feed(begin(220));
    feed(relation(1, {"*id", "v", "extra"}));
    feed(insert(1, {"2", "b", "c"}));
  }
  feed(commit(220, 230));
  tick();
  EXPECT_EQ(epochs.at(0).tables.at(0).added_columns.size(), 1u);
}

TEST_F(StreamMachineTest, AChangedTableIsSetAside) {
  follow(1);
  follow(2);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  catalog[1] = {"*id", "renamed"};
  feed(begin(220));
  feed(relation(1, {"*id", "renamed"}));
  feed(relation(2, {"*id", "v"}));
  feed(insert(1, {"2", "b"}));
  feed(insert(2, {"1", "a"}));
  feed(commit(220, 230));
  tick();
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::table_changed);
  EXPECT_EQ(rows(2), (Rows{"1|a|0"}));
}

// Old rows of the target lack its values, which no stream brings.
TEST_F(StreamMachineTest, AColumnThatBeginsToArriveIsAddedAndTheTableCopiedAgain) {
  for (bool const is_stored : {false, true}) {
    Oid const oid = is_stored ? 2 : 1;
    FollowedTable table = followed(oid, Lsn{kStart}, {"*id", "v", "w"});
    table.source.columns[2].is_sent = false; // a column list, or a generated column
    table.source.columns[2].generated = is_stored ? 's' : '\0';
    table.target.columns.pop_back();
    machine.follow(std::move(table));
    catalog[oid] = {"*id", "v", "w"};
    feed(begin(200));
    feed(relation(oid, {"*id", "v"}));
    feed(commit(200, 210));
    feed(begin(220));
    feed(relation(oid, {"*id", "v", "w"}));
    feed(insert(oid, {"1", "a", "b"}));
    feed(commit(220, 230));
    tick();
    ASSERT_EQ(set_aside.size(), 1U);
    EXPECT_EQ(set_aside[0].report.code, ErrorCode::copy_needed);
    EXPECT_EQ(set_aside[0].report.retry, Retry::later);
    EXPECT_TRUE(rows(oid).empty());
    ASSERT_FALSE(epochs.empty());
    EXPECT_EQ(epochs.back().tables.at(0).added_columns.at(0).name, "w");
    (void)machine.follow_from({oid}, Lsn{240}, 1, {}, {}, {});
    feed(begin(300));
    feed(insert(oid, {"2", "c", "d"}));
    feed(commit(300, 310));
    tick();
    EXPECT_EQ(rows(oid), (Rows{"2|c|d|0"}));
    EXPECT_EQ(set_aside.size(), 1U);
    set_aside.clear();
    epochs.clear();
  }
}

TEST_F(StreamMachineTest, AGeneratedColumnThatIsNewHasTheTableCopiedAgain) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  catalog[1] = {"*id", "v", "w"};
  is_generated = "w";
  feed(begin(220));
  feed(relation(1, {"*id", "v", "w"}));
  feed(commit(220, 230));
  ASSERT_EQ(set_aside.size(), 1U);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::copy_needed);
}

TEST_F(StreamMachineTest, AnotherListInPlaceOfColumnsIsNoRename) {
  FollowedTable table = followed(1, Lsn{kStart}, {"*id", "v", "w"});
  table.source.columns[2].is_sent = false;
  table.target.columns.pop_back();
  machine.follow(std::move(table));
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  catalog[1] = {"*id", "v", "w"};
  is_unsent = "v";
  feed(relation(1, {"*id", "w"}));
  feed(commit(200, 210));
  ASSERT_EQ(set_aside.size(), 1U);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::copy_needed);
}

TEST_F(StreamMachineTest, ATransactionInProgressWaitsForItsCommitWithoutWhatWasRolledBack) {
  follow(1);
  auto const streamed = [](Wire const& wire, std::uint32_t sub_xid) {
    // Inside a block the xid follows the type.
    auto const payload = wire.payload();
    Wire out;
    out.type(static_cast<char>(payload[0])).u32(sub_xid);
    for (std::byte const b : payload.subspan(1))
      out.u8(std::to_integer<unsigned>(b));
    return out;
  };
  feed(Wire().type('S').u32(50).u8(1));
  feed(streamed(relation(1, {"*id", "v"}), 50));
  feed(streamed(insert(1, {"1", "kept"}), 50));
  feed(streamed(insert(1, {"2", "rolled back"}), 51));
  feed(Wire().type('E'));
  feed(begin(200)); // another transaction commits meanwhile
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"9", "other"}));
  feed(commit(200, 210));
  feed(Wire().type('A').u32(50).u32(51));
  feed(Wire().type('S').u32(50).u8(0));
  feed(streamed(insert(1, {"3", "kept"}), 52));
  feed(Wire().type('E'));
  tick();
  EXPECT_EQ(rows(1), (Rows{"9|other|0"}));
  feed(Wire().type('c').u32(50).u8(0).u64(300).u64(310).u64(1000));
  tick();
  EXPECT_EQ(rows(1), (Rows{"9|other|0", "1|kept|0", "3|kept|0"}));
  EXPECT_EQ(epochs.back().end_lsn, Lsn{310});
  EXPECT_TRUE(spool.empty());
}

TEST_F(StreamMachineTest, AStreamedTransactionThatRollsBackLeavesNothing) {
  follow(1);
  feed(Wire().type('S').u32(50).u8(1));
  feed(Wire().type('E'));
  feed(Wire().type('A').u32(50).u32(50));
  tick();
  EXPECT_TRUE(rows(1).empty());
  EXPECT_TRUE(spool.empty());
}

TEST_F(StreamMachineTest, ATableThatWaitsForItsSnapshotLetsEverythingGoBy) {
  follow(1, kNothingWanted);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  tick();
  EXPECT_TRUE(rows(1).empty());
  EXPECT_FALSE(machine.follow_from({1}, Lsn{210}, 1)) << "nothing wanted has gone by";
  feed(begin(210));
  feed(insert(1, {"2", "b"}));
  feed(commit(210, 220));
  tick();
  EXPECT_EQ(rows(1), (Rows{"2|b|0"}));
  EXPECT_EQ(epochs.back().tables.at(0).generation, 1u);
}

TEST_F(StreamMachineTest, WantedRowsThatWentByAreReadAgain) {
  follow(1, kNothingWanted);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  EXPECT_TRUE(machine.follow_from({1}, Lsn{150}, 1));
}

TEST_F(StreamMachineTest, RowsInHandBelowANewSnapshotAreForgotten) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "in the snapshot"}));
  feed(commit(200, 210));
  EXPECT_FALSE(machine.follow_from({1}, Lsn{250}, 2));
  tick();
  EXPECT_TRUE(rows(1).empty());
}

TEST_F(StreamMachineTest, ABacklogMakesEpochsGrow) {
  follow(1);
  machine.on_pace({.epochs_in_flight = 10, .load_time = Milliseconds(5000)});
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  tick(Milliseconds(500));
  EXPECT_TRUE(epochs.empty());
  EXPECT_GT(machine.next_deadline(), now);
  tick(Milliseconds(1000));
  EXPECT_EQ(epochs.size(), 1u) << "but not for ever: another table may be the slow one";
}

TEST_F(StreamMachineTest, ARenameWhileTheStreamWasAwayIsNoAddedColumn) {
  follow(1);
  catalog[1] = {"*id", "renamed"};
  machine.start(Lsn{kStart});
  feed(begin(200));
  feed(relation(1, {"*id", "renamed"}));
  feed(insert(1, {"1", "x"}));
  feed(commit(200, 210));
  EXPECT_EQ(set_aside.size(), 1u);
}

TEST_F(StreamMachineTest, WhatTheTargetCannotFollowIsMadeAnew) {
  FollowedTable table = followed(1, Lsn{kStart}, {"*id", "v"});
  table.may_be_made_anew = true;
  machine.follow(std::move(table));
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  catalog[1] = {"*id", "w", "extra"}; // the catalog is ahead
  feed(begin(220));
  feed(relation(1, {"*id", "w"}));
  feed(insert(1, {"2", "b"}));
  feed(commit(220, 230));
  ASSERT_EQ(set_aside.size(), 1U);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::copy_needed);
  EXPECT_EQ(set_aside[0].report.message, "table public.t1: column v was renamed to w");
  ASSERT_TRUE(set_aside[0].design);
  EXPECT_NE(set_aside[0].design->target.column("w"), nullptr);
  EXPECT_NE(set_aside[0].design->target.column("extra"), nullptr);
  EXPECT_EQ(set_aside[0].design->target.column("v"), nullptr);
  EXPECT_EQ(set_aside[0].design->shape.columns.size(), 3U);
  feed(begin(240));
  feed(relation(1, {"*id", "w", "extra"}));
  feed(insert(1, {"3", "b", "c"}));
  feed(commit(240, 250));
  (void)machine.follow_from({1}, Lsn{260}, 1, {}, {}, {});
  feed(begin(300));
  feed(insert(1, {"4", "d", "e"}));
  feed(commit(300, 310));
  tick();
  EXPECT_EQ(rows(1), (Rows{"4|d|e|0"}));
  EXPECT_EQ(set_aside.size(), 1U);
}

TEST_F(StreamMachineTest, LayoutsOfUnwantedRowsAreNotFollowed) {
  follow(1, Lsn{500});
  catalog[1] = {"*id", "v"};
  feed(begin(200));
  feed(relation(1, {"*id", "v", "gone"})); // dropped since, and not in the target
  feed(insert(1, {"1", "a", "x"}));
  feed(commit(200, 210));
  feed(begin(500));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"2", "b"}));
  feed(commit(500, 510));
  tick();
  EXPECT_TRUE(set_aside.empty());
  EXPECT_EQ(rows(1), (Rows{"2|b|0"}));
  EXPECT_TRUE(epochs.at(0).tables.at(0).added_columns.empty());
}

TEST_F(StreamMachineTest, AnIdleTableIsLookedAtOnceAllBeforeTheLookIsRead) {
  FollowedTable table = followed(1, Lsn{kStart}, {"*id", "v"});
  table.may_be_made_anew = true;
  machine.follow(std::move(table));
  catalog[1] = {"*id", "w"};
  machine.look_again({1}, Lsn{300});
  machine.on_keepalive(Lsn{299}, now, actions);
  perform();
  EXPECT_TRUE(set_aside.empty());
  machine.on_keepalive(Lsn{300}, now, actions);
  perform();
  ASSERT_EQ(set_aside.size(), 1U);
  EXPECT_TRUE(set_aside[0].design);
  catalog[1] = {"*id", "w", "more"}; // what the target can follow waits for its rows
  machine.look_again({1}, Lsn{300});
  machine.on_keepalive(Lsn{301}, now, actions);
  perform();
  EXPECT_EQ(set_aside.size(), 1U);
}

// Where the catalog cannot be asked the driver forgets what is behind the question.
TEST_F(StreamMachineTest, ALookIsAskedAboutBehindTheEpochThatIsDue) {
  follow(1);
  catalog[1] = {"*id", "v"};
  machine.look_again({1}, Lsn{150});
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  machine.on_payload(commit(200, 210).payload(), now, actions);
  now += Milliseconds(5000);
  machine.on_keepalive(Lsn{220}, now, actions);
  std::vector<char> order;
  for (StreamAction const& action : actions)
    if (std::holds_alternative<HandOver>(action))
      order.push_back('h');
    else if (std::holds_alternative<Describe>(action))
      order.push_back('d');
  EXPECT_EQ(std::string(order.begin(), order.end()), "dhd") << "asked until it is answered";
  perform();
  machine.on_keepalive(Lsn{230}, now, actions);
  EXPECT_TRUE(std::none_of(actions.begin(), actions.end(), [](StreamAction const& action) {
    return std::holds_alternative<Describe>(action);
  }));
}

// DROP COLUMN, a row, ADD COLUMN with a volatile default: the catalog has both at the first row.
TEST_F(StreamMachineTest, ARewriteIsNotHiddenByAnEarlierDescription) {
  FollowedTable table = followed(1, Lsn{kStart}, {"*id", "v", "w"});
  table.may_be_made_anew = true;
  machine.follow(std::move(table));
  feed(begin(200));
  feed(relation(1, {"*id", "v", "w"}));
  feed(insert(1, {"1", "a", "b"}));
  feed(commit(200, 210));
  catalog[1] = {"*id", "v", "b"};
  is_dropped = "w";
  filenode = 2;
  feed(begin(220));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"2", "a"}));
  feed(commit(220, 230));
  EXPECT_TRUE(set_aside.empty());
  feed(begin(240));
  feed(relation(1, {"*id", "v", "b"}));
  feed(insert(1, {"3", "a", "x"}));
  feed(commit(240, 250));
  ASSERT_EQ(set_aside.size(), 1U);
  EXPECT_TRUE(set_aside[0].design);
  EXPECT_NE(set_aside[0].report.message.find("filled by rewriting"), std::string::npos)
      << set_aside[0].report.message;
}

TEST_F(StreamMachineTest, ALayoutThatCameAndWentWithUnwantedRowsIsForgotten) {
  follow(1);
  catalog[1] = {"*id", "v"};
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  tick();
  (void)machine.follow_from({1}, Lsn{400}, 1, {}, {}, {});
  feed(begin(220));
  feed(relation(1, {"*id", "other"}));
  feed(relation(1, {"*id", "v"}));
  feed(commit(220, 230));
  epochs.clear();
  feed(begin(400));
  feed(insert(1, {"2", "b"}));
  feed(commit(400, 410));
  tick();
  EXPECT_TRUE(set_aside.empty());
  EXPECT_EQ(rows(1), (Rows{"2|b|0"}));
}

TEST_F(StreamMachineTest, AnOldLayoutThatComesAgainAfterAReconnectIsTaken) {
  follow(1);
  catalog[1] = {"*id", "v", "extra"};
  for (int attempt = 0; attempt < 2; ++attempt) {
    machine.start(Lsn{kStart});
    feed(begin(200));
    feed(relation(1, {"*id", "v"}));
    feed(insert(1, {"1", "a"}));
    feed(commit(200, 210));
    feed(begin(220));
    feed(relation(1, {"*id", "v", "extra"}));
    feed(insert(1, {"2", "b", "c"}));
    feed(commit(220, 230));
  }
  EXPECT_TRUE(set_aside.empty());
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|a|0", "2|b|c|0"}));
}

TEST_F(StreamMachineTest, AColumnThatCameBeforeANewPositionIsStillAdded) {
  follow(1, kNothingWanted);
  catalog[1] = {"*id", "v", "extra"};
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(commit(200, 210));
  feed(begin(220));
  feed(relation(1, {"*id", "v", "extra"}));
  feed(insert(1, {"1", "a", "b"}));
  feed(commit(220, 230));
  EXPECT_FALSE(machine.follow_from({1}, Lsn{300}, 1));
  feed(begin(320));
  feed(insert(1, {"2", "c", "d"}));
  feed(commit(320, 330));
  tick();
  ASSERT_EQ(set_aside.size(), 0u);
  std::size_t added = 0;
  for (Epoch const& epoch : epochs)
    for (TableEpoch const& table : epoch.tables)
      added += table.added_columns.size();
  EXPECT_EQ(added, 1u);
  EXPECT_EQ(rows(1), (Rows{"2|c|d|0"}));
}

// The rows below the position are in the snapshot; they would be applied to it once more.
TEST_F(StreamMachineTest, ColumnsAloneDoNotMoveTheFollowPositionBack) {
  follow(1, Lsn{500});
  catalog[1] = {"*id", "v", "extra"};
  feed(begin(200));
  feed(relation(1, {"*id", "v", "extra"}));
  feed(insert(1, {"1", "a", "b"}));
  feed(commit(200, 210));
  tick();
  ASSERT_EQ(epochs.size(), 1u) << "it brings the column";
  feed(begin(300));
  feed(insert(1, {"2", "a", "b"}));
  feed(commit(300, 310));
  feed(begin(600));
  feed(insert(1, {"3", "a", "b"}));
  feed(commit(600, 610));
  tick();
  EXPECT_EQ(rows(1), (Rows{"3|a|b|0"}));
}

TEST_F(StreamMachineTest, WithoutMemoryTheEpochIsHandedOverOrItsLargestBodySpooled) {
  follow(1);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", std::string(100'000, 'x')}));
  EXPECT_TRUE(machine.relieve(now, actions));
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_NE(std::get_if<SpoolBody>(&actions[0]), nullptr);
  actions.clear();
  feed(commit(200, 210));
  EXPECT_TRUE(machine.relieve(now, actions));
  perform();
  EXPECT_EQ(epochs.size(), 1u);
  EXPECT_FALSE(machine.relieve(now, actions));
}

TEST_F(StreamMachineTest, ACommitThatDoesNotFitItsBeginIsAViolation) {
  follow(1);
  for (auto const& [commit_lsn, end_lsn] :
       {std::pair{201ULL, 210ULL}, std::pair{200ULL, 200ULL}, std::pair{200ULL, 100ULL}}) {
    machine.start(Lsn{kStart});
    feed(begin(200));
    EXPECT_THROW(feed(commit(commit_lsn, end_lsn)), ProtocolViolation) << commit_lsn << end_lsn;
  }
  tick();
  EXPECT_TRUE(epochs.empty());
}

TEST_F(StreamMachineTest, ARowOfATableThatWasNotDescribedIsAViolation) {
  follow(1);
  feed(begin(200));
  EXPECT_THROW(feed(insert(77, {"1", "a"})), ProtocolViolation);
  EXPECT_THROW(feed(truncate(77)), ProtocolViolation);
  feed(relation(77, {"*id", "v"})); // not ours, and described
  EXPECT_NO_THROW(feed(insert(77, {"1", "a"})));
}

TEST_F(StreamMachineTest, ARowOfAnotherLengthIsAViolation) {
  follow(1);
  follow(2);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  catalog[2] = {"*id", "v"};
  feed(relation(2, {"*id", "v"}, 'f'));
  EXPECT_THROW(feed(insert(1, {"1"})), ProtocolViolation);
  EXPECT_THROW(feed(update_from(2, 'O', {"1"}, {"1", "u"})), ProtocolViolation);
  EXPECT_THROW(feed(update_from(2, 'O', {}, {"1", "b"})), ProtocolViolation);
  EXPECT_THROW(feed(remove(1, {})), ProtocolViolation);
}

TEST_F(StreamMachineTest, BlocksDoNotNestNorEndByThemselves) {
  follow(1);
  EXPECT_THROW(feed(Wire().type('E')), ProtocolViolation);
  feed(begin(200));
  EXPECT_THROW(feed(Wire().type('S').u32(50).u8(1)), ProtocolViolation);
}

TEST_F(StreamMachineTest, AChangeOutsideATransactionIsAViolation) {
  follow(1);
  EXPECT_THROW(feed(insert(1, {"1", "a"})), ProtocolViolation);
  EXPECT_THROW(feed(commit(200, 210)), ProtocolViolation);
}

TEST_F(StreamMachineTest, ThePartitionOfARowIsTheOneThatWasDescribedBehindItsRoot) {
  follow(1, Lsn{kStart}, {"*id", "v"}, 'p');
  follow(2);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(relation(11, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(insert(1, {"2", "a"}));
  feed(relation(30, {"*id", "v"})); // a table that nobody follows
  feed(insert(30, {"1", "a"}));
  feed(insert(1, {"3", "a"}));
  feed(relation(31, {"*id", "v"}));
  feed(truncate(31)); // nor this one
  feed(insert(1, {"4", "a"}));
  feed(relation(2, {"*id", "v"}));
  feed(insert(2, {"1", "a"}));
  feed(relation(12, {"*id", "v"}));
  feed(remove(1, {"2", "-"}));
  feed(commit(200, 210));
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0].table, RelationId{1});
  EXPECT_EQ(written[0].partition, 11u);
  EXPECT_EQ(written[0].xid, 7u);
  EXPECT_EQ(written[1].partition, 12u);
}

// pgoutput sends of an old row what the partition's own identity has, under the root's letter.
TEST_F(StreamMachineTest, APartitionWhoseIdentityLacksTheKeySetsItsTableAsideBeforeItsFirstRow) {
  follow(1, Lsn{kStart}, {"*id", "v"}, 'p');
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(relation(11, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  // A column list leaves its key out, by the number that it has in the root.
  feed(relation(13, {"v"}));
  feed(insert(1, {"4", "a"}));
  EXPECT_TRUE(set_aside.empty());
  feed(relation(12, {"id", "*v"}, 'i'));
  feed(update(1, {"2", "b"}));
  feed(insert(1, {"3", "c"}));
  feed(commit(200, 210));
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::replica_identity_missing);
  EXPECT_EQ(set_aside[0].report.message,
            "updates and deletes of its partition public.t12 do not carry (id): what counts is the "
            "partition's own replica identity");
}

TEST_F(StreamMachineTest, ATruncateOfARootIsToldEvenWhereItIsNotWanted) {
  follow(1, kNothingWanted, {"*id", "v"}, 'p');
  follow(2);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(relation(2, {"*id", "v"}));
  feed(truncate(1));
  feed(truncate(2));
  feed(commit(200, 210));
  ASSERT_EQ(truncations.size(), 1u);
  EXPECT_EQ(truncations[0].table, RelationId{1});
  EXPECT_EQ(truncations[0].xid, 7u);
}

class RowsThatStayTest : public StreamMachineTest {
protected:
  void follow_with(TableOptions options, std::vector<std::string> const& made,
                   TableModel model = TableModel::primary) {
    FollowedTable table = followed(1, Lsn{kStart}, {"*id", "v"});
    table.target.model = model;
    for (std::string const& name : made)
      table.target.columns.push_back(made_target_column(made_column_named(name), true));
    table.options = std::move(options);
    machine.follow(std::move(table));
  }
  void follow_softly() {
    TableOptions options;
    options.deletes = Deletes::soft;
    follow_with(options, {"_walrock_deleted", "_walrock_deleted_at"});
  }
  std::vector<TableEpoch> take(Wire const& end = commit(200, 210)) {
    feed(end);
    tick();
    return epochs.empty() ? std::vector<TableEpoch>() : std::move(epochs.back().tables);
  }
  static constexpr char kAt[] = "2000-01-01 00:00:00.001000";
};

TEST_F(RowsThatStayTest, ADeleteMarksTheRowAndEveryOtherChangeDoesNot) {
  follow_softly();
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(remove(1, {"1", "-"}));
  feed(insert(1, {"2", "b"}));
  feed(commit(200, 210));
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|a|0|\\N|0", std::string("1|a|1|") + kAt + "|0", "2|b|0|\\N|0"}));
}

TEST_F(RowsThatStayTest, ADeleteOfARowThatIsNotAtHandIsAPartialUpdate) {
  follow_softly();
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(remove(1, {"1", "-"}));
  auto const tables = take();
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_TRUE(tables[0].needs_record);
  EXPECT_EQ(tables[0].parts[0].batches[0].spec.columns,
            "`id`,`_walrock_deleted`,`_walrock_deleted_at`,`__op`");
}

TEST_F(RowsThatStayTest, AKeyChangeMarksTheOldKey) {
  follow_softly();
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(update_from(1, 'K', {"1", "-"}, {"2", "b"}));
  feed(commit(200, 210));
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|a|0|\\N|0", std::string("1|a|1|") + kAt + "|0", "2|b|0|\\N|0"}));
}

TEST_F(RowsThatStayTest, ATruncateMarksWhatCameBeforeIt) {
  follow_softly();
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(truncate(1));
  feed(truncate(1));
  feed(insert(1, {"2", "b"}));
  auto const tables = take();
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_FALSE(tables[0].is_truncated);
  EXPECT_EQ(tables[0].end_lsn, tables[0].after_lsn) << "a crash repeats it";
  EXPECT_EQ(tables[1].end_lsn, Lsn{210});
  EXPECT_TRUE(tables[1].is_truncated);
  EXPECT_EQ(tables[1].deletion_marks,
            (std::vector<ColumnValue>{{"_walrock_deleted", "1"}, {"_walrock_deleted_at", kAt}}));
}

// A restart would go on behind it, with what the copy of the table has passed.
TEST_F(RowsThatStayTest, WhatIsBeforeATruncateEndsNotBelowWhereTheTableIsFollowedFrom) {
  follow_softly();
  EXPECT_FALSE(machine.follow_from({1}, Lsn{180}, 1));
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(truncate(1));
  auto const tables = take();
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].end_lsn, Lsn{180});
  EXPECT_EQ(tables[1].end_lsn, Lsn{210});
}

TEST_F(RowsThatStayTest, IgnoredDeletesAreDropped) {
  TableOptions options;
  options.deletes = Deletes::ignore;
  follow_with(options, {});
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(remove(1, {"1", "-"}));
  feed(update_from(1, 'K', {"3", "-"}, {"2", "b"}));
  feed(truncate(1));
  feed(commit(200, 210));
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|a|0", "2|b|0"}));
  EXPECT_EQ(epochs.back().tables[0].counts.dropped, 2u);
  EXPECT_FALSE(epochs.back().tables[0].is_truncated);
}

TEST_F(RowsThatStayTest, AHistoryHasEveryVersion) {
  TableOptions options;
  options.history = true;
  follow_with(options, {"_walrock_lsn", "_walrock_index", "_walrock_operation"},
              TableModel::duplicate);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "a"}));
  feed(update(1, {"1", "b"}));
  feed(update_from(1, 'K', {"1", "-"}, {"2", "b"}));
  feed(remove(1, {"2", "-"}));
  feed(truncate(1));
  feed(commit(200, 210));
  tick();
  EXPECT_EQ(rows(1), (Rows{"1|a|200|0|insert", "1|b|200|1|update", "1|\\N|200|2|delete",
                           "2|b|200|3|insert", "2|\\N|200|4|delete", "\\N|\\N|200|5|truncate"}));
  EXPECT_FALSE(epochs.back().tables[0].is_truncated);
}

TEST_F(RowsThatStayTest, AnInsertedVersionThatIsNotToldSetsItsTableAside) {
  TableOptions options;
  options.history = true;
  follow_with(options, {"_walrock_lsn", "_walrock_index"}, TableModel::duplicate);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(insert(1, {"1", "u"}));
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::replica_identity_missing);
  EXPECT_NE(set_aside[0].report.advice.find("REPLICA IDENTITY FULL"), std::string::npos);
}

TEST_F(RowsThatStayTest, AVersionThatIsNotToldSetsItsTableAside) {
  TableOptions options;
  options.history = true;
  follow_with(options, {"_walrock_lsn", "_walrock_index"}, TableModel::duplicate);
  feed(begin(200));
  feed(relation(1, {"*id", "v"}));
  feed(update(1, {"1", "u"}));
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_NE(set_aside[0].report.advice.find("REPLICA IDENTITY FULL"), std::string::npos);
}

TEST_F(StreamMachineTest, WhatWasDecodedGoesAsFarAsACommitOrAKeepalive) {
  machine.on_keepalive(Lsn{150}, now, actions);
  EXPECT_EQ(machine.decoded_lsn(), Lsn{150});
  feed(begin(200));
  machine.on_keepalive(Lsn{205}, now, actions);
  EXPECT_EQ(machine.decoded_lsn(), Lsn{150}) << "its commit was not read yet";
  feed(commit(200, 210));
  EXPECT_EQ(machine.decoded_lsn(), Lsn{210});
}

// ---- rows without a key

class RowsWithoutKeyTest : public StreamMachineTest {
protected:
  void SetUp() override {
    machine.follow(hashed(1));
    catalog[1] = {"a", "v"};
    feed(begin(200));
    feed(relation(1, {"a", "v"}, 'f'));
  }

  static FollowedTable hashed(Oid oid) {
    FollowedTable table = followed(oid, Lsn{kStart}, {"a", "v"});
    table.source.identity = ReplicaIdentity::full;
    table.target = target_table_for(table.source, table.target.name, {});
    return table;
  }

  void commit_all() {
    feed(commit(200, 210));
    tick();
  }

  // Rows of one table without their hashes.
  Rows without_hashes() {
    Rows out = rows(1);
    for (std::string& row : out)
      row.erase(0, row.find('|') + 1);
    return out;
  }

  static Wire remove_whole(std::vector<std::string> const& row) {
    return std::move(Wire().type('D').u32(1).type('O').row(row));
  }
};

TEST_F(RowsWithoutKeyTest, EachInsertStandsUnderItsOrigin) {
  feed(insert(1, {"x", "-"}));
  feed(insert(1, {"x", "-"}));
  commit_all();
  EXPECT_EQ(without_hashes(), (Rows{"200|0|x|\\N|0", "200|1|x|\\N|0"}));
  EXPECT_EQ(rows(1)[0].substr(0, 39), rows(1)[1].substr(0, 39));
  EXPECT_FALSE(epochs.at(0).tables.at(0).reads_back);
  EXPECT_FALSE(epochs[0].tables[0].needs_record) << "the same rows may be loaded again";
}

TEST_F(RowsWithoutKeyTest, ADeleteTakesARowOfItsEpochOrTheNextOfTheTarget) {
  feed(insert(1, {"x", "y"}));
  feed(remove_whole({"x", "y"}));
  feed(remove_whole({"x", "y"}));
  feed(remove_whole({"x", "y"}));
  feed(remove_whole({"x", "-"}));
  commit_all();
  EXPECT_EQ(without_hashes(), (Rows{"200|0|x|y|0", "200|0|\\N|\\N|1", "?1||\\N|\\N|1",
                                    "?2||\\N|\\N|1", "?1||\\N|\\N|1"}));
  EXPECT_TRUE(epochs.at(0).tables.at(0).reads_back);
  EXPECT_TRUE(epochs[0].tables[0].needs_record) << "taken again the ranks are other rows";
  EXPECT_TRUE(epochs[0].tables[0].parts[0].batches[0].bodies[0].has_ranked_rows);
}

TEST_F(RowsWithoutKeyTest, TheNextEpochKnowsNoRowOfTheOneBefore) {
  feed(insert(1, {"x", "y"}));
  feed(remove_whole({"z", "y"}));
  commit_all();
  feed(begin(300));
  feed(remove_whole({"x", "y"}));
  feed(remove_whole({"z", "y"}));
  feed(commit(300, 310));
  tick();
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_EQ(without_hashes(),
            (Rows{"200|0|x|y|0", "?1||\\N|\\N|1", "?1||\\N|\\N|1", "?1||\\N|\\N|1"}));
}

TEST_F(RowsWithoutKeyTest, AnUpdateIsADeleteAndAnInsert) {
  feed(update_from(1, 'O', {"x", "huge"}, {"y", "u"})); // u: unchanged, so as it was
  commit_all();
  EXPECT_EQ(without_hashes(), (Rows{"?1||\\N|\\N|1", "200|1|y|huge|0"}));
  EXPECT_EQ(epochs.at(0).tables.at(0).counts.changes, 2u);
}

TEST_F(RowsWithoutKeyTest, AnUpdateThatChangesNothingSendsNothing) {
  feed(update_from(1, 'O', {"x", "huge"}, {"x", "u"}));
  feed(update_from(1, 'O', {"x", "-"}, {"x", "-"}));
  feed(update_from(1, 'O', {"x", "-"}, {"x", ""}));
  commit_all();
  EXPECT_EQ(without_hashes(), (Rows{"?1||\\N|\\N|1", "200|3|x||0"}));
}

TEST_F(RowsWithoutKeyTest, WhatATruncateRemovesIsNotDeletedAfterIt) {
  feed(insert(1, {"x", "y"}));
  feed(remove_whole({"x", "z"}));
  feed(truncate(1));
  feed(insert(1, {"x", "z"}));
  feed(remove_whole({"x", "z"}));
  commit_all();
  EXPECT_EQ(without_hashes(), (Rows{"200|2|x|z|0", "200|2|\\N|\\N|1"}));
}

TEST_F(RowsWithoutKeyTest, TheIndexDoesNotDependOnOtherTables) {
  follow(2);
  feed(relation(2, {"*id", "v"}));
  feed(insert(1, {"x", "y"}));
  feed(insert(2, {"1", "a"}));
  feed(insert(1, {"x", "y"}));
  feed(commit(200, 210));
  feed(begin(300));
  feed(insert(1, {"x", "y"}));
  feed(commit(300, 310));
  tick();
  EXPECT_EQ(without_hashes(), (Rows{"200|0|x|y|0", "200|1|x|y|0", "300|0|x|y|0"}));
}

TEST_F(RowsWithoutKeyTest, AChangeThatDoesNotTellTheRowSetsItsTableAside) {
  feed(update(1, {"x", "y"}));
  ASSERT_EQ(set_aside.size(), 1u);
  EXPECT_EQ(set_aside[0].report.code, ErrorCode::replica_identity_missing);
}

TEST_F(RowsWithoutKeyTest, ATextThatOnlyJsonSaysIsDeletedInAPartOfItsOwn) {
  feed(insert(1, {"x", "a\x01"}));
  feed(remove_whole({"x", "a\x01"}));
  feed(remove_whole({"x", "a\x01"}));
  commit_all();
  TableEpoch const& epoch = epochs.at(0).tables.at(0);
  ASSERT_EQ(epoch.parts.size(), 2u) << "the delete is applied after its row";
  EXPECT_EQ(epoch.parts[0].batches.at(0).spec.format, LoadFormat::json);
  EXPECT_EQ(epoch.parts[1].batches.at(0).spec.format, LoadFormat::csv);
  EXPECT_EQ(epoch.parts[1].batches[0].row_count, 2u);
}

} // namespace
} // namespace walrock
