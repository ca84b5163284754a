#include "pipeline/table_batches.h"

#include <cstdlib>
#include <map>
#include <random>
#include <span>

#include <gtest/gtest.h>

#include "model/read_back.h"

namespace walrock {
namespace {

// id INT key, v VARCHAR, big VARCHAR
TablePlan plan() {
  TablePlan plan;
  plan.relation.id = {1};
  plan.relation.name = {"public", "t"};
  plan.relation.columns = {{"id", 23, -1, true}, {"v", 25, -1, false}, {"big", 25, -1, false}};
  plan.target = {"demo", "t"};
  plan.key_count = 1;
  auto const column = [](int source, char const* name, char const* type, bool is_key) {
    ColumnPlan made;
    made.source_index = source;
    made.name = name;
    made.type = type;
    made.conversion = is_key ? Conversion::number : Conversion::text;
    made.is_key = is_key;
    made.is_nullable = !is_key;
    return made;
  };
  plan.columns = {column(0, "id", "INT", true), column(1, "v", "VARCHAR(1048576)", false),
                  column(2, "big", "VARCHAR(1048576)", false)};
  return plan;
}

class TableBatchesTest : public testing::Test {
protected:
  MemoryBudget budget{1 << 30};
  RowEncoder encoder{plan()};
  TableBatches batches{&budget, {}};

  void SetUp() override { batches.use(&encoder); }

  static Value text(std::string const& s) { return Value::of(s); }
  void upsert(std::string const& id, std::string const& v, std::string const& big) {
    std::vector<Value> const row{text(id), text(v), text(big)};
    batches.upsert(row, {});
  }
  void partial(std::string const& id, std::string const& v) {
    std::vector<Value> const row{text(id), text(v), Value::unchanged_toast()};
    batches.upsert(row, {});
  }
  [[nodiscard]] bool rekey(std::string const& from, std::string const& to, std::string const& v) {
    std::vector<Value> const old_row{text(from), Value::null(), Value::null()};
    std::vector<Value> const new_row{text(to), text(v), Value::unchanged_toast()};
    return batches.rekey(old_row, new_row, {});
  }
  void remove(std::string const& id) {
    std::vector<Value> const row{text(id), Value::null(), Value::null()};
    batches.remove(row, {});
  }
};

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out(1);
  for (char const c : text) {
    if (c == at)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

// What a PRIMARY KEY table holds after the labels: id -> (v, big). Labels of one part may be
// applied in any order, so a key in two labels of a part is a failure.
struct Model {
  std::map<std::string, std::pair<std::string, std::string>> rows;

  // What is read back is read before anything of the epoch is there.
  std::string filled(Body const& body,
                     std::map<std::string, std::pair<std::string, std::string>> const& before) {
    std::string out;
    fill_references(
        body.bytes, body.references,
        [&](std::span<WantedRow const> wanted) {
          FieldValues values;
          for (WantedRow const& row : wanted) {
            EXPECT_TRUE(before.contains(row.key->at(0))) << row.key->at(0);
            auto& cells = values.emplace_back();
            for (std::size_t const field : row.fields)
              cells.emplace_back(field == 1 ? before.at(row.key->at(0)).first
                                            : before.at(row.key->at(0)).second);
          }
          return values;
        },
        [&](std::string_view piece) {
          out += piece;
          return true;
        });
    return out;
  }

  void load(Batch const& batch, std::map<std::string, Batch const*>& keys_of_part) {
    bool const is_partial = batch.spec.partial_update;
    for (Body const& body : batch.bodies) {
      if (batch.spec.format == LoadFormat::json) {
        load_json(body, batch, keys_of_part);
        continue;
      }
      for (std::string const& row : split(filled(body, before_), kRowDelimiter)) {
        if (row.empty())
          continue;
        auto const fields = split(row, kColumnSeparator);
        note(fields[0], batch, keys_of_part);
        if (fields.back() == "1")
          rows.erase(fields[0]);
        else if (is_partial)
          rows[fields[0]].first = fields[1];
        else
          rows[fields[0]] = {fields[1], fields[2]};
      }
    }
  }

  // Only what the histories below produce: {"id":1,"v":"...","big":"...","__op":0}
  void load_json(Body const& body, Batch const& batch,
                 std::map<std::string, Batch const*>& keys_of_part) {
    std::string_view rest = body.bytes;
    auto const value_of = [](std::string_view object, std::string const& key) {
      std::size_t at = object.find("\"" + key + "\":");
      EXPECT_NE(at, std::string_view::npos) << key;
      at += key.size() + 3;
      bool const is_string = object[at] == '"';
      std::size_t const from = is_string ? at + 1 : at;
      std::string out(
          object.substr(from, object.find_first_of(is_string ? "\"" : ",}", from) - from));
      std::size_t escape = 0;
      while ((escape = out.find("\\u0001")) != std::string::npos)
        out.replace(escape, 6, "\x01");
      return out;
    };
    while (true) {
      std::size_t const open = rest.find('{');
      if (open == std::string_view::npos)
        return;
      std::string_view const object = rest.substr(open, rest.find('}') - open + 1);
      std::string const id = value_of(object, "id");
      note(id, batch, keys_of_part);
      auto& row = rows[id];
      row.first = value_of(object, "v");
      if (!batch.spec.partial_update)
        row.second = value_of(object, "big");
      rest.remove_prefix(rest.find('}') + 1);
    }
  }

  static void note(std::string const& key, Batch const& batch,
                   std::map<std::string, Batch const*>& keys_of_part) {
    auto const [at, is_new] = keys_of_part.try_emplace(key, &batch);
    EXPECT_TRUE(is_new || at->second == &batch) << "key " << key << " is in two labels of a part";
  }

  std::map<std::string, std::pair<std::string, std::string>> before_;

  void load(std::vector<Part> const& parts) {
    before_ = rows;
    for (Part const& part : parts) {
      std::map<std::string, Batch const*> keys;
      for (Batch const& batch : part.batches)
        load(batch, keys);
    }
  }
};

TEST_F(TableBatchesTest, FullRowsGoIntoOneBatch) {
  upsert("1", "a", "x");
  upsert("2", "b", "y");
  remove("1");
  auto const parts = batches.take();
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].batches.size(), 1u);
  EXPECT_EQ(parts[0].batches[0].row_count, 3u);
  EXPECT_TRUE(batches.is_empty());
}

TEST_F(TableBatchesTest, APartialRowIsFoldedIntoTheFullRowOfItsKey) {
  upsert("1", "a", "huge");
  partial("1", "b");
  auto const parts = batches.take();
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].batches.size(), 1u);
  Model model;
  model.load(parts);
  EXPECT_EQ(model.rows["1"], std::pair(std::string("b"), std::string("huge")));
}

TEST_F(TableBatchesTest, APartialRowOfAnotherKeyGoesIntoALabelOfItsOwn) {
  upsert("1", "a", "x");
  partial("2", "b");
  EXPECT_TRUE(batches.has_partial_rows());
  auto const parts = batches.take();
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].batches.size(), 2u);
  EXPECT_TRUE(parts[0].batches[1].spec.partial_update);
}

TEST_F(TableBatchesTest, AFullRowAfterAPartialOneClosesThePart) {
  partial("1", "a");
  upsert("1", "b", "x");
  EXPECT_EQ(batches.take().size(), 2u);
}

TEST_F(TableBatchesTest, ADeletedKeyThatComesBackPartiallyClosesThePart) {
  upsert("1", "a", "x");
  remove("1");
  partial("1", "b"); // PostgreSQL does not send this; it must not be folded into the dead row
  EXPECT_EQ(batches.take().size(), 2u);
}

TEST_F(TableBatchesTest, ATextThatCsvCannotSayGoesIntoAJsonLabel) {
  upsert("1", "a", "x");
  upsert("2", "b\x01", "y");
  upsert("3", "\\N", "z");
  auto const parts = batches.take();
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].batches.size(), 2u);
  EXPECT_EQ(parts[0].batches[1].spec.format, LoadFormat::json);
  EXPECT_EQ(parts[0].batches[1].row_count, 2u);
}

TEST_F(TableBatchesTest, ANewKeyTakesTheAbsentValueFromTheOldKeysRow) {
  upsert("1", "a", "huge");
  std::vector<Value> const old_row{Value::of("1"), Value::null(), Value::null()};
  std::vector<Value> const new_row{Value::of("9"), Value::of("b"), Value::unchanged_toast()};
  ASSERT_TRUE(batches.rekey(old_row, new_row, {}));
  Model model;
  model.load(batches.take());
  EXPECT_EQ(model.rows.count("1"), 0u);
  EXPECT_EQ(model.rows["9"], std::pair(std::string("b"), std::string("huge")));
}

TEST_F(TableBatchesTest, ANewKeyWithoutTheOldRowIsReadBack) {
  upsert("2", "a", "huge");
  ASSERT_TRUE(rekey("1", "9", "b"));
  EXPECT_TRUE(batches.has_references());
  Model model;
  model.rows["1"] = {"old", "of the target"};
  model.load(batches.take());
  EXPECT_EQ(model.rows.count("1"), 0u);
  EXPECT_EQ(model.rows["9"], std::pair(std::string("b"), std::string("of the target")));
}

TEST_F(TableBatchesTest, WhatIsReadBackGoesWithItsRow) {
  // Two keys change places, and one row is written once more.
  ASSERT_TRUE(rekey("1", "0", "a"));
  ASSERT_TRUE(rekey("2", "1", "b"));
  ASSERT_TRUE(rekey("0", "2", "a"));
  partial("1", "c");
  Model model;
  model.rows = {{"1", {"x", "one"}}, {"2", {"x", "two"}}};
  model.load(batches.take());
  EXPECT_EQ(model.rows.size(), 2u);
  EXPECT_EQ(model.rows["1"], std::pair(std::string("c"), std::string("two")));
  EXPECT_EQ(model.rows["2"], std::pair(std::string("a"), std::string("one")));
}

TEST_F(TableBatchesTest, ANewKeyTakesWhatAPartialRowSays) {
  partial("1", "a"); // v is said here, big is in the target
  ASSERT_TRUE(rekey("1", "9", "b"));
  Model model;
  model.rows["1"] = {"old", "of the target"};
  model.load(batches.take());
  EXPECT_EQ(model.rows["9"], std::pair(std::string("b"), std::string("of the target")));
}

TEST_F(TableBatchesTest, ANewKeyOfARowInAClosedPartIsRefused) {
  upsert("1", "a", "not in the target yet");
  partial("2", "b");
  upsert("2", "c", "d"); // closes the part
  EXPECT_FALSE(rekey("1", "9", "b"));
  EXPECT_TRUE(rekey("3", "8", "b")) << "3 was in no part";
}

TEST_F(TableBatchesTest, UnchangedCellsAreReadBackInTheLabelOfTheOthers) {
  batches.read_back_unchanged();
  upsert("1", "a", "x");
  partial("2", "b");
  EXPECT_FALSE(batches.has_partial_rows());
  auto const parts = batches.take();
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].batches.size(), 1u) << "one label: the table is never half a transaction";
  EXPECT_EQ(parts[0].batches[0].bodies[0].references.size(), 1u);
}

// Of all its values CSV could not say a document that is 5, true or null.
TEST_F(TableBatchesTest, AMarkOfARowWithJsonIsAPartialUpdateAndNeverReadBack) {
  for (bool const has_json : {false, true}) {
    TablePlan marked = plan();
    if (has_json) {
      marked.columns[2].type = "JSON";
      marked.columns[2].conversion = Conversion::json;
    }
    RowEncoder const with_json(marked);
    TableBatches soft{&budget, {}};
    soft.use(&with_json);
    soft.read_back_unchanged();
    std::string const id = "1"; // a value is a view
    std::vector<Value> const row{text(id), Value::null(), Value::null()};
    RowOrigin origin;
    origin.kind = ChangeKind::delete_;
    soft.mark_deleted(row, false, origin);
    EXPECT_EQ(soft.has_references(), !has_json);
    EXPECT_EQ(soft.take().at(0).batches.at(0).spec.partial_update, has_json);
  }
}

// In quarantine the row would lack the value that only the old key's row has.
TEST_F(TableBatchesTest, ANewKeyOfARowThatIsDivertedIsNotTold) {
  TablePlan dated = plan();
  dated.columns[1].type = "DATE";
  RowEncoder const with_date(dated);
  batches.use(&with_date);
  EXPECT_THROW((void)rekey("1", "2", "infinity"), Error); // as it is, without a quarantine
  Quarantine quarantine(&budget, {"public", "t"}, {"demo", "t"}, 1000);
  batches.divert_to(&quarantine);
  try {
    (void)rekey("1", "2", "infinity");
    ADD_FAILURE();
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ErrorCode::copy_needed);
  }
  EXPECT_TRUE(batches.is_empty());
}

TEST_F(TableBatchesTest, ClearDropsEverythingAndCountsIt) {
  upsert("1", "a", "x");
  partial("2", "b");
  EXPECT_EQ(batches.clear(), 2u);
  EXPECT_TRUE(batches.take().empty());
  EXPECT_EQ(budget.used(), 0u);
}

TEST_F(TableBatchesTest, TheBudgetIsGivenBackWithTheBytes) {
  for (int i = 0; i < 1000; ++i)
    upsert(std::to_string(i), "some value", "another value");
  EXPECT_GT(budget.used(), 20'000u);
  batches.take();
  EXPECT_EQ(budget.used(), 0u);
}

TEST_F(TableBatchesTest, ABodyCanLeaveMemoryBetweenRows) {
  upsert("1", "a", std::string(1000, 'x'));
  Body* const body = batches.largest_body(100);
  ASSERT_NE(body, nullptr);
  EXPECT_GT(body->bytes.size(), 1000u);
  body->bytes.clear(); // as spooling does
  body->spooled = nullptr;
  upsert("2", "b", "y");
  auto const parts = batches.take();
  EXPECT_EQ(parts[0].batches[0].bodies.size(), 2u);
  EXPECT_EQ(parts[0].batches[0].row_count, 2u);
}

// Random upserts, partial updates, deletes, key changes and awkward texts, against a map.
TEST(TableBatches, RandomHistoriesEndAsTheirModel) {
  char const* const fixed = std::getenv("WALROCK_SEED");
  unsigned const seed =
      fixed != nullptr ? static_cast<unsigned>(std::atoi(fixed)) : std::random_device{}();
  SCOPED_TRACE("WALROCK_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  RowEncoder const encoder{plan()};
  int rekeyed = 0;
  for (int round = 0; round < 300; ++round) {
    MemoryBudget budget{1 << 30};
    TableBatches batches(&budget, {.body_bytes = 200, .indexed_keys = 20});
    batches.use(&encoder);
    if (round % 2 == 0)
      batches.read_back_unchanged();
    Model target;
    std::map<std::string, std::pair<std::string, std::string>> source;
    auto const number = [&](unsigned below) { return std::to_string(random() % below); };
    for (int step = 0; step < 120; ++step) {
      std::string const id = number(8);
      std::string v = "v" + number(1000);
      if (random() % 10 == 0)
        v += '\x01';
      std::string const big = "big" + number(1000);
      bool const exists = source.contains(id);
      switch (random() % 6) {
      case 0:
      case 1: {
        std::vector<Value> const row{Value::of(id), Value::of(v), Value::of(big)};
        batches.upsert(row, {});
        source[id] = {v, big};
        break;
      }
      case 2:
      case 3: {
        if (!exists)
          break;
        std::vector<Value> const row{Value::of(id), Value::of(v), Value::unchanged_toast()};
        batches.upsert(row, {});
        source[id].first = v;
        break;
      }
      case 4: {
        if (!exists)
          break;
        std::vector<Value> const row{Value::of(id), Value::null(), Value::null()};
        batches.remove(row, {});
        source.erase(id);
        break;
      }
      default: {
        std::string const to = number(8);
        if (!exists || source.contains(to))
          break;
        std::vector<Value> const old_row{Value::of(id), Value::null(), Value::null()};
        std::vector<Value> const new_row{Value::of(to), Value::of(v), Value::unchanged_toast()};
        if (!batches.rekey(old_row, new_row, {}))
          break; // the table is copied again then
        ++rekeyed;
        source[to] = {v, source[id].second};
        source.erase(id);
      }
      }
      if (random() % 40 == 0)
        target.load(batches.take());
    }
    target.load(batches.take());
    ASSERT_EQ(target.rows, source) << "round " << round;
    ASSERT_EQ(budget.used(), 0u);
  }
  EXPECT_GT(rekeyed, 300);
}

} // namespace
} // namespace walrock
