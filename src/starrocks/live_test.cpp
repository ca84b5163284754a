// The loader, the SQL connection and the catalog against a running StarRocks or rockpool. Opt-in:
// WALROCK_TEST_STARROCKS=host:http-port:mysql-port, user root without a password.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "starrocks/catalog.h"
#include "starrocks/field_reader.h"
#include "starrocks/stream_loader.h"

namespace walrock {
namespace {

using Load = LoadOutcome::Kind;
using Call = CallOutcome::Kind;

class Live : public testing::Test {
protected:
  void SetUp() override {
    char const* const place = std::getenv("WALROCK_TEST_STARROCKS");
    char host[256] = "";
    int http_port = 0;
    if (place == nullptr ||
        std::sscanf(place, "%255[^:]:%d:%d", host, &http_port, &address_.mysql_port) != 3)
      GTEST_SKIP() << "WALROCK_TEST_STARROCKS=host:http-port:mysql-port names no server";
    address_.frontends = {{host, http_port}};
    address_.username = "root";
    sql_ = std::make_unique<SqlConnection>(address_);
    catalog_ = std::make_unique<TargetCatalog>(*sql_);
    options_.version = catalog_->version();
    table_ = {"walrock_live", "t" + std::to_string(::getpid())};
    catalog_->create_database(table_.database);
    catalog_->drop_table(table_);
    catalog_->execute("CREATE TABLE " + quote_starrocks(table_) +
                      " (`id` INT NOT NULL, `name` VARCHAR(20) NOT NULL, `n` DECIMAL(10,2)) "
                      "PRIMARY KEY (`id`) DISTRIBUTED BY HASH(`id`) BUCKETS 2 "
                      "PROPERTIES(\"replication_num\" = \"1\")");
    loader_ = std::make_unique<StreamLoader>(address_, options_);
  }

  void TearDown() override {
    if (catalog_)
      catalog_->drop_table(table_);
  }

  static Batch batch_of(TargetName const& target, std::string columns,
                        std::vector<std::string> const& bodies, std::uint64_t rows) {
    Batch batch;
    batch.spec.target = target;
    batch.spec.columns = std::move(columns);
    batch.row_count = rows;
    for (std::string const& bytes : bodies) {
      batch.bodies.emplace_back();
      batch.bodies.back().bytes = bytes;
      batch.bodies.back().size = bytes.size();
    }
    return batch;
  }

  Batch rows() {
    return batch_of(table_, "`id`,`name`,`n`,__op",
                    {std::string("1\x01"
                                 "one\x01"
                                 "1.50\x01"
                                 "0\x02"
                                 "2\x01"
                                 "two\x01"
                                 "\\N\x01"
                                 "0\x02"),
                     std::string("3\x01"
                                 "three\x01"
                                 "3\x01"
                                 "0\x02"
                                 "2\x01"
                                 "\x01"
                                 "\\N\x01"
                                 "1\x02")},
                    4);
  }

  Label label(std::string const& name) const {
    return {table_.database,
            "live_" + std::to_string(::getpid()) + "_" + table_.table + "_" + name +
                std::to_string(std::chrono::steady_clock::now().time_since_epoch().count())};
  }

  TargetAddress address_;
  LoadOptions options_;
  TargetName table_;
  std::unique_ptr<SqlConnection> sql_;
  std::unique_ptr<TargetCatalog> catalog_;
  std::unique_ptr<StreamLoader> loader_;
};

TEST_F(Live, RowsAreVisibleAfterTheCommitAndNotBefore) {
  Label const l = label("a");
  Batch const batch = rows();
  LoadOutcome const outcome = loader_->load({l, &batch});
  ASSERT_EQ(outcome.kind, Load::prepared) << outcome.message;
  EXPECT_EQ(outcome.loaded_rows, 4U);
  EXPECT_EQ(loader_->label_state(l), LabelState::prepared);
  EXPECT_FALSE(catalog_->has_rows(table_));
  EXPECT_EQ(loader_->commit(l).kind, CommitOutcome::Kind::committed);
  EXPECT_EQ(loader_->commit(l).kind, CommitOutcome::Kind::committed) << "again";
  EXPECT_EQ(catalog_->row_count(table_), 2U);
  EXPECT_EQ(loader_->label_state(l), LabelState::visible);
  EXPECT_EQ(loader_->rollback(l).kind, Call::refused);
  EXPECT_EQ(loader_->load({l, &batch}).kind, Load::label_exists);
  EXPECT_EQ(loader_->truncate(table_).kind, Call::done);
  EXPECT_EQ(catalog_->row_count(table_), 0U);
}

TEST_F(Live, ARolledBackLabelIsAbortedAndFree) {
  Label const l = label("b");
  Batch const batch = rows();
  ASSERT_EQ(loader_->load({l, &batch}).kind, Load::prepared);
  EXPECT_EQ(loader_->rollback(l).kind, Call::done);
  EXPECT_EQ(loader_->rollback(l).kind, Call::done) << "again";
  EXPECT_EQ(loader_->commit(l).kind, CommitOutcome::Kind::aborted);
  EXPECT_EQ(loader_->load({l, &batch}).kind, Load::prepared);
  EXPECT_EQ(loader_->rollback(l).kind, Call::done);
  EXPECT_EQ(loader_->rollback(label("never")).kind, Call::done);
}

TEST_F(Live, RefusedRowsAreNamed) {
  Batch batch = batch_of(table_, "`id`,`name`,`n`,__op",
                         {std::string("1\x01"
                                      "\\N\x01"
                                      "1\x01"
                                      "0\x02")},
                         1);
  batch.spec.key = {"id"};
  Label const l = label("c");
  LoadOutcome const outcome = loader_->load({l, &batch});
  EXPECT_EQ(outcome.kind, Load::rows_refused) << outcome.message;
  ASSERT_EQ(outcome.refusals.size(), 1U);
  EXPECT_EQ(outcome.refusals[0].key, (std::vector<KeyCell>{{"id", "1"}}));
  EXPECT_EQ(outcome.refusals[0].column, "name");
  EXPECT_NE(loader_->label_state(l), LabelState::prepared);
}

TEST_F(Live, AMissingTableOrColumnIsTheTargetsFault) {
  Batch batch = rows();
  batch.spec.target.table = "nowhere";
  EXPECT_EQ(loader_->load({label("d"), &batch}).kind, Load::target_broken);
  Batch const fewer = batch_of(table_, "`id`,__op",
                               {std::string("1\x01"
                                            "0\x02")},
                               1); // name has no default
  EXPECT_EQ(loader_->load({label("e"), &fewer}).kind, Load::target_broken);
}

TEST_F(Live, CompressedBodiesAreRead) {
  for (Compression const compression : {Compression::lz4, Compression::zstd}) {
    options_.compression = compression;
    StreamLoader loader(address_, options_);
    Label const csv = label("f");
    Batch batch = batch_of(table_, "`id`,`name`,`n`,__op",
                           {std::string("7\x01"
                                        "x\x01"
                                        "1\x01"
                                        "0\x02")},
                           1);
    LoadOutcome const outcome = loader.load({csv, &batch});
    EXPECT_EQ(outcome.kind, Load::prepared) << outcome.message;
    EXPECT_EQ(loader.commit(csv).kind, CommitOutcome::Kind::committed);
    Label const json = label("g");
    batch = batch_of(table_, "`id`,`name`,`n`,__op",
                     {R"([{"id":8,"name":"y","n":"2.5","__op":0}])",
                      R"([{"id":9,"name":"z","n":null,"__op":0}])"},
                     2);
    batch.spec.format = LoadFormat::json;
    LoadOutcome const second = loader.load({json, &batch});
    EXPECT_EQ(second.kind, Load::prepared) << second.message;
    EXPECT_EQ(loader.commit(json).kind, CommitOutcome::Kind::committed);
  }
  EXPECT_EQ(catalog_->row_count(table_), 3U);
}

TEST_F(Live, ManyRowsInSeveralLargeBodiesArrive) {
  std::vector<std::string> bodies(3);
  int id = 0;
  for (std::string& body : bodies)
    while (body.size() < 2'000'000)
      body += std::to_string(++id) + "\x01"
                                     "a name"
                                     "\x01"
                                     "1.25"
                                     "\x01"
                                     "0"
                                     "\x02";
  Batch const batch = batch_of(table_, "`id`,`name`,`n`,__op", bodies, static_cast<unsigned>(id));
  Label const l = label("j");
  LoadOutcome const outcome = loader_->load({l, &batch});
  ASSERT_EQ(outcome.kind, Load::prepared) << outcome.message;
  EXPECT_EQ(loader_->commit(l).kind, CommitOutcome::Kind::committed);
  EXPECT_EQ(catalog_->row_count(table_), static_cast<unsigned>(id));
}

// Two tables beside each other, and the progress.
class LiveGroup : public Live {
protected:
  void SetUp() override {
    Live::SetUp();
    if (IsSkipped())
      return;
    if (options_.version < kFirstWithGroups)
      GTEST_SKIP() << "the server cannot commit several tables at once";
    other_ = {table_.database, table_.table + "_other"};
    catalog_->make_twin(table_, other_);
    TargetTable progress = progress_table(table_.database);
    progress.properties["replication_num"] = "1";
    catalog_->drop_table(progress.name);
    catalog_->execute(create_progress_sql(progress));
  }
  void TearDown() override {
    if (catalog_ && !other_.table.empty())
      catalog_->drop_table(other_);
    Live::TearDown();
  }

  static std::string create_progress_sql(TargetTable const& table) {
    std::string columns;
    for (TargetColumn const& column : table.columns)
      columns += (columns.empty() ? "" : ", ") + column_clause(column);
    return "CREATE TABLE " + quote_starrocks(table.name) + " (" + columns +
           ") PRIMARY KEY (`job`, `table_oid`) DISTRIBUTED BY HASH(`job`) BUCKETS 1 "
           "PROPERTIES(\"replication_num\" = \"1\")";
  }

  // Two rows, or one that is refused.
  static Batch some_rows(TargetName const& target, bool is_refused = false) {
    std::string const name = is_refused ? "\\N" : "name";
    return batch_of(target, "`id`,`name`,`n`,__op",
                    {"1\x01" + name +
                         "\x01"
                         "1.50\x01"
                         "0\x02",
                     "2\x01"
                     "two\x01"
                     "2\x01"
                     "0\x02"},
                    2);
  }

  GroupOutcome load(Label const& label, bool is_refused = false) {
    Batch const one = some_rows(table_);
    Batch const two = some_rows(other_, is_refused);
    Batch const progress = progress_batch("job", label, {{{1}, Lsn{100}}, {{2}, Lsn{100}}});
    return loader_->load_group({label, {&one, &two}, &progress});
  }

  TargetName other_;
};

using Outcome = GroupOutcome::Kind;
using Verdict = GroupVerdict::Kind;

TEST_F(LiveGroup, AllTablesAreVisibleAtOnceAndTheProgressSaysSo) {
  Label const l = label("m");
  GroupOutcome const outcome = load(l);
  EXPECT_EQ(outcome.kind, Outcome::committed) << outcome.message;
  EXPECT_EQ(catalog_->row_count(table_), 2U);
  EXPECT_EQ(catalog_->row_count(other_), 2U);
  GroupVerdict const verdict = loader_->settle_group(l, "job");
  EXPECT_EQ(verdict.kind, Verdict::committed) << verdict.message;
  ASSERT_EQ(verdict.tables.size(), 2U);
  EXPECT_EQ(verdict.tables[0].end_lsn, Lsn{100});
  GroupVerdict const unknown = loader_->settle_group(l, "another_job");
  EXPECT_EQ(unknown.kind, Verdict::unreachable) << "visible, and no row says of which tables";
  EXPECT_THAT(unknown.message, testing::HasSubstr("has no row of it"));
  catalog_->execute("DROP TABLE " + quote_starrocks({l.database, kProgressTable}));
  GroupVerdict const gone = loader_->settle_group(l, "job");
  EXPECT_EQ(gone.kind, Verdict::unreachable);
  EXPECT_THAT(gone.message, testing::HasSubstr("is not there"));
}

TEST_F(LiveGroup, ARefusedRowLeavesNothingAndIsBlamedOnItsTable) {
  Label const l = label("n");
  GroupOutcome const outcome = load(l, true);
  EXPECT_EQ(outcome.kind, Outcome::gone) << outcome.message;
  EXPECT_EQ(outcome.cause, Load::rows_refused) << outcome.message;
  EXPECT_EQ(outcome.culprit, std::optional<std::size_t>(1)) << outcome.message;
  EXPECT_FALSE(catalog_->has_rows(table_));
  EXPECT_EQ(loader_->settle_group(l, "job").kind, Verdict::gone);
  EXPECT_EQ(load(l).cause, Load::label_exists) << "a label stays used";
}

TEST_F(LiveGroup, AMissingTableIsBlamed) {
  other_.table += "_gone";
  GroupOutcome const outcome = load(label("o"));
  EXPECT_EQ(outcome.kind, Outcome::gone) << outcome.message;
  EXPECT_EQ(outcome.culprit, std::optional<std::size_t>(1));
  EXPECT_FALSE(catalog_->has_rows(table_));
}

TEST_F(LiveGroup, WhatWasNeverBegunIsGone) {
  Label const l = label("p");
  EXPECT_EQ(loader_->settle_group(l, "job").kind, Verdict::gone);
  EXPECT_EQ(load(l).cause, Load::label_exists) << "who was overtaken comes too late";
  EXPECT_EQ(loader_->settle_group(l, "job").kind, Verdict::gone);
  EXPECT_FALSE(catalog_->has_rows(table_));
}

TEST_F(Live, TablesAreDescribedAndGrow) {
  auto table = catalog_->describe_table(table_);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->model, TableModel::primary);
  EXPECT_EQ(table->key, std::vector<std::string>{"id"});
  ASSERT_EQ(table->columns.size(), 3U);
  EXPECT_EQ(table->columns[0].type, "INT");
  EXPECT_FALSE(table->columns[0].is_nullable);
  EXPECT_EQ(table->columns[1].type, "VARCHAR(20)");
  EXPECT_EQ(table->columns[2].type, "DECIMAL(10,2)");
  EXPECT_TRUE(table->columns[2].is_nullable);
  EXPECT_EQ(table->buckets, 2);
  EXPECT_FALSE(table->table_id.empty());
  EXPECT_EQ(table->properties["replication_num"], "1");
  EXPECT_FALSE(catalog_->describe_table({table_.database, "nowhere"}));

  std::vector<TargetColumn> const columns{{"note", "VARCHAR(100)", true, std::nullopt, "a note"},
                                          {"flag", "BOOLEAN", false, "1", ""}};
  CallOutcome const added = loader_->add_columns(table_, columns);
  EXPECT_EQ(added.kind, Call::done) << added.message;
  CallOutcome const again = loader_->add_columns(table_, columns);
  EXPECT_EQ(again.kind, Call::done) << again.message;
  table = catalog_->describe_table(table_);
  ASSERT_EQ(table->columns.size(), 5U);
  EXPECT_EQ(table->columns[3].name, "note");
  EXPECT_EQ(table->columns[3].comment, "a note");
  EXPECT_EQ(table->columns[4].type, "BOOLEAN");
  EXPECT_FALSE(table->columns[4].is_nullable);

  Label const l = label("h");
  Batch const batch = batch_of(table_, "`id`,`name`,`n`,`note`,`flag`,__op",
                               {std::string("1\x01"
                                            "a\x01"
                                            "1\x01"
                                            "b\x01"
                                            "1\x01"
                                            "0\x02")},
                               1);
  ASSERT_EQ(loader_->load({l, &batch}).kind, Load::prepared);
  EXPECT_EQ(loader_->commit(l).kind, CommitOutcome::Kind::committed);
  CallOutcome const bad = loader_->add_columns(table_, {{"x", "NO_TYPE", true, std::nullopt, ""}});
  EXPECT_EQ(bad.kind, Call::refused) << bad.message;
  EXPECT_EQ(loader_->add_columns({table_.database, "nowhere"}, columns).kind, Call::refused);
}

TEST_F(Live, TheClusterIsDescribed) {
  EXPECT_GE(catalog_->version().major_number, 2);
  auto const databases = catalog_->databases();
  EXPECT_NE(std::find(databases.begin(), databases.end(), table_.database), databases.end());
  auto const tables = catalog_->tables(table_.database);
  EXPECT_NE(std::find(tables.begin(), tables.end(), table_.table), tables.end());
  auto const backends = catalog_->backends();
  ASSERT_TRUE(backends);
  ASSERT_FALSE(backends->empty());
  EXPECT_TRUE(backends->front().is_alive);
  EXPECT_GT(backends->front().http_port, 0);
  EXPECT_EQ(catalog_->running_transaction_limit().value_or(1000), 1000U);
}

TEST_F(Live, TablesChangePlaces) {
  TargetName const twin{table_.database, table_.table + "_twin"};
  catalog_->drop_table(twin);
  catalog_->execute("CREATE TABLE " + quote_starrocks(twin) + " LIKE " + quote_starrocks(table_));
  std::string const before = catalog_->describe_table(table_)->table_id;
  catalog_->swap(table_, twin);
  EXPECT_NE(catalog_->describe_table(table_)->table_id, before);
  EXPECT_EQ(catalog_->describe_table(twin)->table_id, before);
  catalog_->drop_table(twin);
}

TEST_F(Live, RowsWithoutAKeyAreFoundByHashAndRank) {
  TargetName const hashed{table_.database, table_.table + "_hashed"};
  catalog_->drop_table(hashed);
  catalog_->execute("CREATE TABLE " + quote_starrocks(hashed) +
                    " (`_walrock_hash` LARGEINT NOT NULL, `_walrock_lsn` BIGINT NOT NULL, "
                    "`_walrock_index` BIGINT NOT NULL, `v` INT) PRIMARY KEY (`_walrock_hash`, "
                    "`_walrock_lsn`, `_walrock_index`) DISTRIBUTED BY HASH(`_walrock_hash`) "
                    "BUCKETS 1 PROPERTIES(\"replication_num\" = \"1\")");
  catalog_->execute("INSERT INTO " + quote_starrocks(hashed) +
                    " VALUES (7, 200, 5, 1), (7, 100, 9, 1), (7, 200, 4, 1), (-8, 300, 0, 2)");
  LoadSpec spec;
  spec.target = hashed;
  spec.key = {"_walrock_hash", "_walrock_lsn", "_walrock_index"};
  using Places = std::vector<std::pair<std::string, std::string>>;
  auto const places = [&](std::vector<RankedRow> const& wanted) {
    Places out;
    for (RowPlace const& place : read_places(*sql_, spec, wanted))
      out.emplace_back(place.lsn, place.index);
    return out;
  };
  EXPECT_EQ(places({{"7", 3}, {"-8", 1}, {"7", 1}}),
            (Places{{"200", "5"}, {"300", "0"}, {"100", "9"}}));
  try {
    (void)places({{"7", 4}, {"7", 2}});
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::copy_needed);
    EXPECT_NE(std::string(error.what()).find("1 of 2 rows that were deleted are not in"),
              std::string::npos);
  }
  catalog_->drop_table(hashed);
}

TEST_F(Live, AWrongPasswordIsALoginRefused) {
  address_.password = Secret("wrong-secret");
  SqlConnection connection(address_);
  try {
    connection.open();
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::target_login_refused) << error.what();
    EXPECT_EQ(std::string(error.what()).find("wrong-secret"), std::string::npos);
  }
  StreamLoader loader(address_, options_);
  Batch const batch = rows();
  LoadOutcome const outcome = loader.load({label("i"), &batch});
  EXPECT_EQ(outcome.kind, Load::unreachable);
  EXPECT_NE(outcome.message.find("Access denied"), std::string::npos) << outcome.message;
}

TEST_F(Live, AWrongStatementKeepsTheServersWords) {
  try {
    sql_->query("SELECT nothing FROM nowhere.at_all");
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::target_query_failed) << error.what();
  }
  EXPECT_EQ(sql_->query("SELECT 1").rows.size(), 1U) << "the connection lives on";
}

} // namespace
} // namespace walrock
