#include "cli/read_status.h"

#include <algorithm>
#include <array>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "checkpoint/endpoint_file.h"
#include "http/status_json.h"
#include "operate/job_checkpoint.h"

namespace walrock {

namespace {

using Json = nlohmann::json;

constexpr int kTries = 3; // it may be starting or ending just now
constexpr Milliseconds kPause{200};

std::optional<std::string> ask(std::string const& address) {
  httplib::Client client("http://" + address);
  client.set_connection_timeout(2);
  client.set_read_timeout(5);
  auto const answer = client.Get("/api/v1/status");
  if (!answer || answer->status != 200)
    return std::nullopt;
  std::string body = answer->body;
  body.erase(body.find_last_not_of('\n') + 1);
  return body;
}

Status named_status(JobSpec const& job, EngineState state) {
  Status status;
  status.job_id = job.id;
  status.job_name = job.name;
  status.state = state;
  return status;
}

std::optional<EngineState> parse_state(std::string const& word) {
  for (int i = 0; i <= static_cast<int>(EngineState::failed); ++i)
    if (auto const state = static_cast<EngineState>(i); to_string(state) == word)
      return state;
  return std::nullopt;
}

// "public.users", "demo.users": the first dot divides.
std::array<std::string, 2> halves_of(std::string const& name) {
  std::size_t const dot = name.find('.');
  if (dot == std::string::npos)
    return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

TableStatus table_of(Json const& json) {
  TableStatus table;
  auto const [namespace_name, table_name] = halves_of(json.at("name"));
  table.name = {namespace_name, table_name};
  auto const [database, target] = halves_of(json.value("target", ""));
  table.target = {database, target};
  table.state = parse_table_state(json.at("state").get<std::string>()).value_or(TableState::init);
  table.copied_rows = json.at("rows");
  table.applied_rows = json.value("changes", std::uint64_t(0));
  table.quarantined_rows = json.value("quarantined_rows", std::uint64_t(0));
  table.changed_values = json.value("changed_values", std::map<std::string, std::uint64_t>());
  if (auto const estimate = json.find("estimated_rows");
      estimate != json.end() && !estimate->is_null())
    table.estimated_rows = estimate->get<std::int64_t>();
  table.reason = json.value("reason", "");
  table.trouble = json.value("trouble", "");
  return table;
}

} // namespace

std::optional<std::string> read_status_json(JobSpec const& job) {
  std::string const& folder = job.engine.checkpoint_folder;
  std::string silent;
  for (int i = 0; i < kTries; ++i) {
    if (i > 0)
      std::this_thread::sleep_for(kPause);
    auto const endpoint = read_endpoint(folder);
    if (!endpoint || !endpoint->is_alive) {
      auto const checkpoint = read_job_checkpoint(job);
      if (!checkpoint || !checkpoint->job)
        return std::nullopt;
      return status_json(status_of(job, *checkpoint));
    }
    silent = endpoint->address;
    if (silent.empty())
      continue;
    if (auto answer = ask(silent))
      return answer;
  }
  if (silent.empty())
    return status_json(named_status(job, EngineState::starting));
  throw Error(ErrorCode::http_listen_failed,
              fmt::format("walrock runs this job, but its API at {} does not answer", silent))
      .set_advice("Look at its log; if it hangs, stop it with SIGTERM.");
}

std::optional<Status> parse_status(std::string_view text) {
  try {
    Json const json = Json::parse(text);
    Status status;
    status.job_id = json.value("job", "");
    status.job_name = json.value("name", status.job_id);
    auto const state = parse_state(json.at("state"));
    if (!state)
      return std::nullopt;
    status.state = *state;
    status.phase = json.value("phase", "");
    status.trouble = json.value("trouble", "");
    status.flushed_lsn = parse_lsn(json.at("flushed_lsn").get<std::string>()).value_or(Lsn{});
    status.lag_bytes = json.at("lag_bytes");
    status.lag_seconds = json.at("lag_seconds");
    status.memory_used = json.value("memory_used_bytes", std::uint64_t(0));
    status.uptime_ms = json.value("uptime_ms", std::uint64_t(0));
    if (auto const error = json.find("error"); error != json.end() && error->is_object())
      status.error.message = error->value("message", "");
    if (auto const slot = json.find("slot"); slot != json.end() && slot->is_object()) {
      status.slot.name = slot->value("name", "");
      status.slot.warning = slot->value("warning", "");
      status.slot.retained_bytes = slot->value("retained_bytes", std::int64_t(0));
    }
    for (Json const& table : json.at("tables"))
      status.tables.push_back(table_of(table));
    return status;
  } catch (Json::exception const&) {
    return std::nullopt;
  }
}

Status status_of(JobSpec const& job, Checkpoint const& checkpoint) {
  Status status = named_status(job, EngineState::stopped);
  status.phase = "not running; as its checkpoint says";
  status.flushed_lsn = checkpoint.flushed_lsn;
  for (TableRecord const& record : checkpoint.tables) {
    TableStatus table;
    table.name = record.source;
    table.target = record.target;
    table.state = record.state;
    table.copied_rows = record.copied_rows;
    table.applied_lsn = record.applied_lsn;
    table.reason = record.reason;
    status.tables.push_back(std::move(table));
  }
  std::sort(status.tables.begin(), status.tables.end(),
            [](auto const& a, auto const& b) { return a.name < b.name; });
  return status;
}

} // namespace walrock
