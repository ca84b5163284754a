// The simulated StarRocks beside tests/support/transaction_rules.json, the same rows that rockpool
// is checked against.
#include "simulation/target.h"

#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace walrock::simulation {
namespace {

struct Rule {
  std::string state, call, when, answer, then;
};

std::vector<Rule> read_rules() {
  std::ifstream file(WALROCK_SOURCE_DIR "/tests/support/transaction_rules.json");
  auto const document = nlohmann::json::parse(file);
  std::vector<Rule> rules;
  for (auto const& row : document.at("rows"))
    rules.push_back(
        {row.at("state"), row.at("call"), row.at("when"), row.at("answer"), row.at("then")});
  return rules;
}

// What the simulation leaves out: the loader never does it, or hides it behind one call.
bool is_left_out(Rule const& rule) {
  static std::set<std::string> const calls{"stream_load", "cancel", "load", "prepare"};
  static std::set<std::string> const whens{"wrong coordinator", "another call runs", "no data",
                                           "bad rows", "idle timed out"};
  bool const commits_without_prepare = rule.state == "PREPARE" && rule.call == "commit";
  return calls.contains(rule.call) || whens.contains(rule.when) || commits_without_prepare;
}

class Server {
public:
  Server() : dice(1), trace(timeline), target(make()) {
    TargetTable table;
    table.name = {"demo", "t"};
    table.columns = {{"id", "INT", false, {}, ""}};
    target->create(table);
  }

  static TargetFaults faults() {
    TargetFaults out;
    out.prepare_timeout = out.prepared_timeout = Milliseconds(60'000);
    out.finished_labels = 3;
    out.running_limit = 10;
    return out;
  }
  std::unique_ptr<Target> make() {
    return std::make_unique<Target>(faults(), timeline, dice, trace);
  }

  static SentLoad sent(Label const& label) {
    SentLoad load;
    load.label = label;
    load.spec.target = {"demo", "t"};
    load.spec.columns = "`id`,`__op`";
    load.bodies = {"1\x01"
                   "0\x02"};
    load.row_count = 1;
    return load;
  }

  void bring_to(std::string const& state) {
    if (state == "none")
      return;
    (void)target->load(sent(label), state != "PREPARE");
    if (state == "ABORTED")
      (void)target->rollback(label);
    if (state == "COMMITTED")
      target->delay_publication(true);
    if (state == "COMMITTED" || state == "VISIBLE" || state == "forgotten")
      (void)target->commit(label);
    for (int i = 0; state == "forgotten" && i < 3; ++i) {
      Label const other{"demo", "other" + std::to_string(i)};
      (void)target->load(sent(other), true);
      (void)target->commit(other);
    }
  }

  void let_happen(std::string const& when) {
    if (when == "no backend alive")
      target->set_away(true);
    else if (when == "coordinator restarted")
      target->restart_backends();
    else if (when == "coordinator taken for dead")
      target->take_backends_for_dead();
    else if (when == "leader restarted")
      target->restart_leader();
    else if (when == "publication is slow" ||
             when == "an earlier commit of the table is in publication")
      target->delay_publication(true);
    else if (when == "timed out")
      pass(Milliseconds(61'000));
    else if (when == "limit reached")
      for (int i = 0; i < 10; ++i)
        (void)target->load(sent({"demo", "running" + std::to_string(i)}), true);
    else
      EXPECT_EQ(when, "") << "a circumstance that the simulation does not know";
  }

  void pass(Milliseconds time) {
    timeline.in(time, [] {});
    TimePoint const until = timeline.now() + time;
    while (timeline.now() < until && timeline.run_next()) {
    }
  }

  std::string state() {
    switch (target->label_state_silently(label)) {
    case LabelState::unknown: return "none";
    case LabelState::prepare: return "PREPARE";
    case LabelState::prepared: return "PREPARED";
    case LabelState::committed: return "COMMITTED";
    case LabelState::visible: return "VISIBLE";
    case LabelState::aborted: return "ABORTED";
    case LabelState::unreachable: break;
    }
    return "";
  }

  Timeline timeline;
  Dice dice;
  Trace trace;
  std::unique_ptr<Target> target;
  Label label{"demo", "the_label"};
};

void expect_begin(Server& server, Rule const& rule) {
  LoadOutcome::Kind const kind = server.target->load(Server::sent(server.label), true).kind;
  if (rule.answer == "OK")
    EXPECT_EQ(kind, LoadOutcome::Kind::prepared); // begin, load and prepare are one call here
  else if (rule.answer == "LABEL_ALREADY_EXISTS")
    EXPECT_EQ(kind, LoadOutcome::Kind::label_exists);
  else if (rule.when == "limit reached")
    EXPECT_EQ(kind, LoadOutcome::Kind::busy);
  else
    EXPECT_EQ(kind, LoadOutcome::Kind::unreachable);
}

void expect_commit(Server& server, Rule const& rule) {
  CommitOutcome const outcome = server.target->commit(server.label);
  using Kind = CommitOutcome::Kind;
  if (rule.then == "VISIBLE" || rule.then == "COMMITTED")
    EXPECT_EQ(outcome.kind, Kind::committed);
  else
    EXPECT_EQ(outcome.kind, rule.then == "ABORTED" ? Kind::aborted : Kind::in_doubt);
  EXPECT_EQ(outcome.is_visible, rule.then == "VISIBLE");
}

void expect_rollback(Server& server, Rule const& rule) {
  using Kind = CallOutcome::Kind;
  Kind const kind = server.target->rollback(server.label).kind;
  if (rule.then == "COMMITTED")
    EXPECT_EQ(kind, Kind::unreachable); // asked again until it is visible
  else
    EXPECT_EQ(kind, rule.then == "VISIBLE" ? Kind::refused : Kind::done);
}

TEST(TransactionRules, HoldForTheSimulatedServer) {
  std::map<std::string, int> asked;
  for (Rule const& rule : read_rules()) {
    if (is_left_out(rule))
      continue;
    SCOPED_TRACE(rule.state + " " + rule.call + " " + rule.when);
    Server server;
    server.bring_to(rule.state);
    std::string const start = rule.state == "forgotten" ? "none" : rule.state;
    ASSERT_EQ(server.state(), start);
    server.let_happen(rule.when);
    // The backend that began it has forgotten it: the loader cancels it at the frontend then.
    bool const is_cancelled = rule.call == "rollback" && rule.answer == "TXN_NOT_EXISTS";
    if (rule.call == "begin")
      expect_begin(server, rule);
    else if (rule.call == "commit")
      expect_commit(server, rule);
    else if (rule.call == "rollback" && is_cancelled)
      continue;
    else if (rule.call == "rollback")
      expect_rollback(server, rule);
    std::string then = rule.then == "forgotten" ? "none" : rule.then;
    then = rule.call == "begin" && rule.answer == "OK" ? "PREPARED" : then;
    server.target->set_away(false);
    if (rule.call == "get_load_state")
      (void)server.target->label_state(server.label);
    EXPECT_EQ(server.state(), then);
    ++asked[rule.call];
  }
  for (char const* const call : {"begin", "commit", "rollback", "get_load_state"})
    EXPECT_GE(asked[call], 10) << call;
}

} // namespace
} // namespace walrock::simulation
