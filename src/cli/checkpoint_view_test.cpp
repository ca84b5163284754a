// What a person reads of a checkpoint: the tables, the labels, and what a restart makes of them.
#include "cli/checkpoint_view.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace walrock {
namespace {

TableRecord table(Oid oid, std::string name, TableState state, std::uint64_t applied) {
  TableRecord record;
  record.id = {oid};
  record.source = {"public", name};
  record.target = {"demo", std::move(name)};
  record.state = state;
  record.applied_lsn = Lsn{applied};
  record.copied_rows = 1234;
  return record;
}

LabelRecord label(std::string text, Oid oid, LabelRecord::State state) {
  return {{"demo", std::move(text)}, {oid}, 7, 0, state, Lsn{0x900}, 90};
}

Checkpoint checkpoint() {
  using enum LabelRecord::State;
  Checkpoint out;
  out.job.emplace();
  out.job->slot_name = "shop_slot";
  out.job->source_database = "shop";
  out.job->system_identifier = "7312";
  out.job->consistent_lsn = Lsn{0x100};
  out.flushed_lsn = Lsn{0x800};
  out.incarnation = 42;
  out.format = 2;
  out.write_number = 17;
  out.written_at_ms = 1'800'000'000'000;
  out.tables = {table(2, "users", TableState::ready, 0x850),
                table(1, "orders", TableState::copying, 0),
                table(3, "bad", TableState::errored, 0x200)};
  out.tables[2].reason = "load_rejected: too long";
  out.labels = {label("a", 2, recorded), label("b", 2, intended), label("c", 1, recorded),
                label("d", 3, recorded), label("e", 9, recorded), label("f", 0, intended)};
  return out;
}

ShownCheckpoint shown() {
  return {"shop", "/state/checkpoint.db", false, 1'800'000'075'000};
}

TEST(CheckpointView, ARestartCommitsWhatIsRecordedAndRollsBackTheRest) {
  RestartPlan const plan = restart_plan(checkpoint());
  EXPECT_EQ(plan.start_lsn, Lsn{0x800});
  std::string committed;
  for (RestartLabel const& one : plan.labels)
    if (one.is_committed)
      committed += one.record.label.text;
  EXPECT_EQ(committed, "a");
  ASSERT_EQ(plan.tables.size(), 3U);
  EXPECT_EQ(plan.tables[0].action, "stays set aside");
  EXPECT_EQ(plan.tables[1].action, "is emptied and copied again: its snapshot is gone");
  EXPECT_EQ(plan.tables[2].action, "follows from 0/850");
}

TEST(CheckpointView, APersonReadsEverythingARestartNeeds) {
  std::string const text = checkpoint_text(checkpoint(), shown());
  for (char const* const part :
       {"job shop, not running", "/state/checkpoint.db (format 2)", "1m15s ago, record 17",
        "incarnation  42", "slot shop_slot of database shop", "flushed_lsn  0/800",
        "a restart reads the slot from 0/800", "public.orders", "1,234",
        "public.bad: load_rejected: too long", "labels that may be alive in StarRocks: 6", "demo.a",
        "unless it is committed", "is committed: prepared and recorded",
        "is rolled back: its table left the job"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(CheckpointView, ScriptsReadTheSame) {
  auto const json = nlohmann::json::parse(checkpoint_json(checkpoint(), shown()));
  EXPECT_EQ(json.at("slot"), "shop_slot");
  EXPECT_EQ(json.at("start_lsn"), "0/800");
  EXPECT_EQ(json.at("tables").size(), 3U);
  EXPECT_EQ(json.at("labels").at(0).at("restart"), "roll back");
  EXPECT_EQ(json.at("written_at_ms"), 1'800'000'000'000);
}

TEST(CheckpointView, ACheckpointWithoutAJobSaysSo) {
  std::string const text = checkpoint_text({}, shown());
  EXPECT_NE(text.find("It was never begun"), std::string::npos) << text;
}

} // namespace
} // namespace walrock
