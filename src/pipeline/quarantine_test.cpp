#include "pipeline/quarantine.h"

#include <gtest/gtest.h>

#include "pipeline/table_batches.h"

namespace walrock {
namespace {

TablePlan plan() {
  TablePlan plan;
  plan.relation.id = {1};
  plan.relation.name = {"public", "t"};
  plan.relation.columns = {{"id", 23, -1, true}, {"v", 25, -1, false}, {"big", 25, -1, false}};
  plan.target = {"demo", "t"};
  plan.key_count = 1;
  int source = 0;
  for (char const* const name : {"id", "v", "big"}) {
    ColumnPlan column;
    column.source_index = source++;
    column.name = name;
    column.type = "VARCHAR(100)";
    column.is_key = source == 1;
    column.is_nullable = source > 1;
    plan.columns.push_back(column);
  }
  return plan;
}

// A table whose rows with these texts StarRocks will refuse.
class QuarantineTest : public testing::Test {
protected:
  MemoryBudget budget{1 << 30};
  RowEncoder encoder{plan()};
  Quarantine quarantine{&budget, {"public", "t"}, {"demo", "t"}, 5};
  TableBatches batches{&budget, {}};

  void SetUp() override {
    batches.divert_to(&quarantine);
    batches.use(&encoder);
  }

  static std::string csv(std::string const& id, std::string const& v, std::string const& big) {
    return id + "\x01" + v + "\x01" + big + "\x01" + "0";
  }
  RefusedRow refused(std::string const& bytes, bool is_partial = false) {
    ColumnSet absent;
    if (is_partial)
      absent.add(2);
    return {{}, "v", "too long", "", row_hash(encoder.spec_for(LoadFormat::csv, absent), bytes)};
  }
  void upsert(std::string const& id, std::string const& v, std::string const& big) {
    std::vector<Value> const row{Value::of(id), Value::of(v), Value::of(big)};
    batches.upsert(row, {Lsn{7}, 0, 0});
  }
  void partial(std::string const& id, std::string const& v) {
    std::vector<Value> const row{Value::of(id), Value::of(v), Value::unchanged_toast()};
    batches.upsert(row, {Lsn{7}, 0, 0});
  }
  void remove(std::string const& id) {
    std::vector<Value> const row{Value::of(id), Value::null(), Value::null()};
    batches.remove(row, {});
  }
  static KeyHash key(std::string const& id) { return key_hash({"demo", "t"}, id + "\x01"); }
  // "number:row_values:op" of every row, in order.
  static std::vector<std::string> shown(std::optional<Batch> const& batch) {
    std::vector<std::string> out;
    if (!batch)
      return out;
    for (Body const& body : batch->bodies)
      for (std::string_view row : rows_of_body(body.bytes, LoadFormat::csv)) {
        std::vector<std::string> fields(1);
        for (char const c : row)
          if (c == '\x01')
            fields.emplace_back();
          else
            fields.back() += c;
        out.push_back(fields.at(1) + ":" + fields.at(7) + ":" + fields.at(11));
      }
    return out;
  }
};

TEST_F(QuarantineTest, ARefusedRowIsDivertedAndTheOthersGoOn) {
  quarantine.begin_at({}, {refused(csv("2", "bad", "B"))});
  upsert("1", "good", "A");
  upsert("2", "bad", "B");
  EXPECT_EQ(batches.row_count(), 1U);
  Quarantine::Taken const taken = quarantine.take();
  EXPECT_EQ(taken.changes, 1U);
  EXPECT_EQ(shown(taken.batch),
            (std::vector<std::string>{R"(0:{"id":"2","v":"bad","big":"B"}:0)"}));
  EXPECT_EQ(taken.keys, (QuarantinedKeys{{key("2"), 1}}));
}

TEST_F(QuarantineTest, APartialRowOfAKeyInQuarantineJoinsIt) {
  quarantine.begin_at({{key("2"), 1}}, {});
  partial("2", "later");
  partial("3", "of another key");
  EXPECT_EQ(batches.row_count(), 1U);
  Quarantine::Taken const taken = quarantine.take();
  EXPECT_EQ(shown(taken.batch), (std::vector<std::string>{R"(1:{"id":"2","v":"later"}:0)"}));
  EXPECT_EQ(taken.keys, (QuarantinedKeys{{key("2"), 2}}));
}

TEST_F(QuarantineTest, AFullRowAndADeleteReleaseTheirKeys) {
  quarantine.begin_at({{key("2"), 2}, {key("3"), 1}}, {});
  upsert("2", "good", "B");
  remove("3");
  EXPECT_EQ(batches.row_count(), 2U);
  Quarantine::Taken const taken = quarantine.take();
  EXPECT_EQ(taken.changes, 0U) << "a release is no change";
  EXPECT_EQ(taken.keys, (QuarantinedKeys{{key("2"), 0}, {key("3"), 0}}));
  EXPECT_EQ(shown(taken.batch), (std::vector<std::string>{"0:\\N:1", "1:\\N:1", "0:\\N:1"}));
  EXPECT_FALSE(quarantine.holds("2\x01"));
}

TEST_F(QuarantineTest, ARefusedFullRowTakesThePlaceOfAllBeforeIt) {
  quarantine.begin_at({{key("2"), 3}}, {refused(csv("2", "bad", "B"))});
  upsert("2", "bad", "B");
  Quarantine::Taken const taken = quarantine.take();
  EXPECT_EQ(taken.keys, (QuarantinedKeys{{key("2"), 1}}));
  EXPECT_EQ(shown(taken.batch).size(), 3U);
}

TEST_F(QuarantineTest, APartialRowIsNotFoldedIntoTheRowBeforeTheRefusedOne) {
  quarantine.begin_at({}, {refused(csv("2", "bad", "NEW"))});
  upsert("2", "good", "OLD");
  upsert("2", "bad", "NEW");
  partial("2", "later");
  EXPECT_EQ(batches.row_count(), 1U);
  EXPECT_EQ(quarantine.take().changes, 2U);
}

TEST_F(QuarantineTest, ARowThatIsRefusedWhenItIsFoldedIsDivertedAsItCame) {
  quarantine.begin_at({}, {refused(csv("2", "bad", "OLD"))});
  upsert("2", "good", "OLD");
  partial("2", "bad");
  EXPECT_EQ(batches.row_count(), 1U);
  EXPECT_EQ(shown(quarantine.take().batch),
            (std::vector<std::string>{R"(0:{"id":"2","v":"bad"}:0)"}));
}

TEST_F(QuarantineTest, AKeyChangeOfAKeyInQuarantineIsNotGuessed) {
  quarantine.begin_at({}, {refused(csv("2", "bad", "NEW"))});
  upsert("2", "good", "OLD");
  upsert("2", "bad", "NEW");
  std::vector<Value> const old_key{Value::of("2"), Value::null(), Value::null()};
  std::vector<Value> const now{Value::of("9"), Value::of("x"), Value::unchanged_toast()};
  EXPECT_FALSE(batches.rekey(old_key, now, {})) << "OLD is not its last value";
}

TEST_F(QuarantineTest, AnEpochThatIsDroppedChangesNothing) {
  quarantine.begin_at({{key("2"), 1}}, {refused(csv("3", "bad", "C"))});
  remove("2");
  upsert("3", "bad", "C");
  batches.clear();
  quarantine.forget();
  EXPECT_TRUE(quarantine.holds("2\x01"));
  EXPECT_FALSE(quarantine.holds("3\x01"));
  EXPECT_FALSE(quarantine.take().batch);
}

TEST_F(QuarantineTest, ATruncateReleasesEveryKeyAndDropsWhatTheEpochDiverted) {
  quarantine.begin_at({{key("2"), 1}}, {refused(csv("3", "bad", "C"))});
  upsert("3", "bad", "C");
  batches.clear();
  EXPECT_EQ(quarantine.clear(), 1U);
  Quarantine::Taken const taken = quarantine.take();
  EXPECT_EQ(taken.keys, (QuarantinedKeys{{key("2"), 0}}));
  EXPECT_EQ(shown(taken.batch).size(), 1U);
}

TEST_F(QuarantineTest, MoreRowsThanTheLimitStopTheTable) {
  quarantine.begin_at({{key("1"), 5}}, {});
  try {
    partial("1", "x");
    FAIL() << "a sixth row";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::quarantine_full);
    EXPECT_NE(std::string(error.what()).find("more than 5 rows of public.t"), std::string::npos);
  }
}

TEST_F(QuarantineTest, TheKeyOfAnEncodedRowIsTheKeyOfTheRow) {
  for (std::string const id : {"5", "a\x01", "\\N", "x\x02y", ""}) {
    std::vector<Value> const row{Value::of(id), Value::of("v"), Value::null()};
    std::string expected;
    encoder.append_key(row, expected);
    std::string bytes;
    LoadFormat format = LoadFormat::csv;
    if (!encoder.encode_csv(row, Op::upsert, {}, bytes)) {
      format = LoadFormat::json;
      encoder.encode_json(row, Op::upsert, {}, bytes);
      RowEncoder::finish_json(bytes);
    }
    auto const rows = rows_of_body(bytes, format);
    ASSERT_EQ(rows.size(), 1U);
    EncodedRow const read = read_encoded(encoder.spec_for(format, {}), rows[0]);
    EXPECT_EQ(read.key, expected);
    EXPECT_EQ(read.row_json, json_of_row(encoder.plan(), row, false));
    EXPECT_EQ(read.key_json, json_of_row(encoder.plan(), row, true));
  }
}

TEST_F(QuarantineTest, RowsAreTakenOutOfABatchAndTheRestStays) {
  upsert("1", "a", "A");
  upsert("2", "bad", "B");
  upsert("3", "c", "C");
  Batch batch = std::move(batches.take().at(0).batches.at(0));
  auto const taken = take_rows_out(batch, {refused(csv("2", "bad", "B"))});
  EXPECT_EQ(taken, (std::vector<std::string>{csv("2", "bad", "B")}));
  EXPECT_EQ(batch.row_count, 2U);
  EXPECT_EQ(batch.bodies[0].bytes, csv("1", "a", "A") + "\x02" + csv("3", "c", "C") + "\x02");
}

} // namespace
} // namespace walrock
