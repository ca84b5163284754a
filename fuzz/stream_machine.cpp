// The stream machine under messages of any kind: it takes them or throws what the driver catches,
// and its own assertions hold. What it hands over ends where a transaction that was whole ended.
#include <cstring>
#include <map>
#include <utility>

#include "base/error.h"
#include "input.h"
#include "pipeline/stream_machine.h"

namespace {

using namespace walrock;

constexpr Oid kTable = 1;
constexpr std::size_t kMostReplayed = 1000;

SourceTable source_table() {
  SourceTable table;
  table.id = {kTable};
  table.name = {"public", "t1"};
  table.filenode = 1;
  int attnum = 0;
  for (char const* const name : {"id", "v"}) {
    SourceColumn column;
    bool const is_key = attnum == 0;
    column.name = name;
    column.attnum = ++attnum;
    column.type_oid = column.wire_type_oid = is_key ? 23 : 25;
    column.type_name = is_key ? "int4" : "text";
    column.type_namespace = "pg_catalog";
    column.declared_type = is_key ? "integer" : "text";
    column.is_not_null = is_key;
    table.columns.push_back(std::move(column));
  }
  table.primary_key = table.identity_columns = {"id"};
  return table;
}

FollowedTable followed() {
  FollowedTable table;
  table.source = source_table();
  table.target.name = {"demo", "t1"};
  table.target.key = {"id"};
  for (SourceColumn const& column : table.source.columns) {
    TargetColumn target;
    target.name = column.name;
    target.type = column.type_oid == 23 ? "INT" : "VARCHAR(1048576)";
    target.is_nullable = column.type_oid != 23;
    table.target.columns.push_back(target);
  }
  table.from = Lsn{1};
  return table;
}

// Performs the actions as the replication thread does, in memory.
class Driver {
public:
  Driver() {
    machine_.follow(followed());
    machine_.start(Lsn{1});
  }

  void take(std::span<std::byte const> payload) {
    machine_.on_payload(payload, now_, actions_);
    perform();
  }
  void keepalive(Lsn end) {
    machine_.on_keepalive(end, now_, actions_);
    perform();
  }
  void tick() {
    now_ += Milliseconds(700);
    machine_.on_timer(now_, actions_);
    perform();
  }
  void relieve() {
    (void)machine_.relieve(now_, actions_);
    perform();
  }
  void start_again() {
    actions_.clear();
    spool_.clear();
    machine_.start(Lsn{1});
  }

private:
  void perform() {
    while (!actions_.empty()) {
      StreamActions const mine = std::exchange(actions_, {});
      for (StreamAction const& action : mine)
        perform(action);
    }
  }
  void perform(StreamAction const& action) {
    if (auto const* wanted = std::get_if<Describe>(&action))
      machine_.on_described(wanted->table, source_table(), actions_);
    else if (auto const* spooled = std::get_if<SpoolPayload>(&action))
      spool_[spooled->xid].emplace_back(
          spooled->sub_xid, std::string(reinterpret_cast<char const*>(spooled->payload.data()),
                                        spooled->payload.size()));
    else if (auto const* forgotten = std::get_if<ForgetTransaction>(&action))
      spool_.erase(forgotten->xid);
    else if (auto const* replayed = std::get_if<Replay>(&action))
      replay(*replayed);
    else if (auto const* spool = std::get_if<SpoolBody>(&action))
      spool->body->bytes = std::string(); // its file is not needed here
  }
  void replay(Replay const& committed) {
    auto const payloads = std::exchange(spool_[committed.xid], {});
    spool_.erase(committed.xid);
    for (auto const& [sub_xid, payload] : payloads)
      if (!committed.aborted_xids.contains(sub_xid))
        machine_.on_replayed(std::as_bytes(std::span(payload)), actions_);
    machine_.on_replay_end(now_, actions_);
  }

  MemoryBudget budget_{1 << 20};
  StreamMachine machine_{{}, &budget_};
  StreamActions actions_;
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::string>>> spool_;
  TimePoint now_ = TimePoint{} + std::chrono::hours(1);
};

void step(Driver& driver, Input& in) {
  switch (in.byte() % 8) {
  case 0: driver.tick(); return;
  case 1: driver.keepalive(Lsn{in.byte() * 100ULL}); return;
  case 2: driver.start_again(); return;
  default: break;
  }
  std::string const frame(in.frame());
  driver.take(std::as_bytes(std::span(frame)));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  Input in(bytes, size);
  Driver driver;
  for (std::size_t steps = 0; !in.at_end() && steps < kMostReplayed; ++steps) {
    try {
      step(driver, in);
    } catch (Error const&) {
      driver.start_again(); // as the thread does: a new connection
    }
  }
  return 0;
}
