// Format 2 differs from format 1 by log_id of the job and logged_lsn of the owner, format 3 from
// format 2 by reads_back of the labels, format 4 from format 3 by the token of the owner, which is
// the record of its row.
#include "starrocks/checkpoint_rows.h"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace walrock {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestJobKey = 60; // a primary key of StarRocks has 128 bytes

std::uint64_t fnv(std::string_view text, std::uint64_t basis) {
  for (char const c : text)
    basis = (basis ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return basis;
}

// 128 bits in hex.
std::string digest(std::string_view text) {
  return fmt::format("{:016x}{:016x}", fnv(text, 14695981039346656037ULL),
                     fnv(text, 0x9E3779B97F4A7C15ULL));
}

std::string key_of(Label const& label) {
  return digest(label.database + '\n' + label.text);
}

// PostgreSQL's names are UTF-8; a message that was cut may end inside a character.
std::string text_of(Json const& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view word_of(LabelRecord::State state) {
  return state == LabelRecord::State::recorded ? "recorded" : "intended";
}

std::string_view word_of(OwnerRecord::State state) {
  switch (state) {
  case OwnerRecord::State::claimed: return "claimed";
  case OwnerRecord::State::active: return "active";
  case OwnerRecord::State::released: return "released";
  }
  return "";
}

CheckpointRow row_of(JobRecord const& job) {
  return {"job", "",
          text_of({{"job_id", job.job_id},
                   {"system_identifier", job.system_identifier},
                   {"source_database", job.source_database},
                   {"slot_name", job.slot_name},
                   {"publication_name", job.publication_name},
                   {"consistent_lsn", to_string(job.consistent_lsn)},
                   {"timeline", job.timeline},
                   {"timeline_start", to_string(job.timeline_start)},
                   {"log_id", job.log_id}})};
}

CheckpointRow row_of(TableRecord const& table) {
  return {"table", std::to_string(table.id.oid),
          text_of({{"oid", table.id.oid},
                   {"namespace_name", table.source.namespace_name},
                   {"table_name", table.source.table_name},
                   {"target_database", table.target.database},
                   {"target_table", table.target.table},
                   {"state", to_string(table.state)},
                   {"applied_lsn", to_string(table.applied_lsn)},
                   {"copied_rows", table.copied_rows},
                   {"filenode", table.filenode},
                   {"layout", table.layout},
                   {"reason", table.reason}})};
}

CheckpointRow row_of(LabelRecord const& label) {
  return {"label", key_of(label.label),
          text_of({{"database", label.label.database},
                   {"label", label.label.text},
                   {"table_oid", label.table.oid},
                   {"epoch", label.epoch},
                   {"part", label.part},
                   {"state", word_of(label.state)},
                   {"end_lsn", to_string(label.end_lsn)},
                   {"row_count", label.row_count},
                   {"reads_back", label.reads_back}})};
}

[[noreturn]] void fail_damaged(std::string const& why) {
  throw Error(ErrorCode::checkpoint_failed,
              fmt::format("the checkpoint in StarRocks is damaged: {}", why))
      .set_retry(Retry::never)
      .set_advice("Run `walrock drop JOB` and copy the tables again.");
}

Lsn lsn_of(Json const& json, char const* name) {
  auto const text = json.at(name).get<std::string>();
  auto const lsn = parse_lsn(text);
  if (!lsn)
    fail_damaged(fmt::format("'{}' is not an LSN", text));
  return *lsn;
}

template <typename Read> auto parsed(std::string_view content, Read read) {
  try {
    return read(Json::parse(content));
  } catch (Json::exception const& error) {
    fail_damaged(error.what());
  }
}

JobRecord job_of(Json const& json) {
  JobRecord job;
  job.job_id = json.at("job_id");
  job.system_identifier = json.at("system_identifier");
  job.source_database = json.at("source_database");
  job.slot_name = json.at("slot_name");
  job.publication_name = json.at("publication_name");
  job.consistent_lsn = lsn_of(json, "consistent_lsn");
  job.timeline = json.at("timeline");
  job.timeline_start = lsn_of(json, "timeline_start");
  job.log_id = json.value("log_id", "");
  return job;
}

TableRecord table_of(Json const& json) {
  TableRecord table;
  table.id = {json.at("oid").get<Oid>()};
  table.source = {json.at("namespace_name"), json.at("table_name")};
  table.target = {json.at("target_database"), json.at("target_table")};
  auto const word = json.at("state").get<std::string>();
  auto const state = parse_table_state(word);
  if (!state)
    fail_damaged(fmt::format("'{}' is not a table state", word));
  table.state = *state;
  table.applied_lsn = lsn_of(json, "applied_lsn");
  table.copied_rows = json.at("copied_rows");
  table.filenode = json.at("filenode");
  table.layout = json.at("layout");
  table.reason = json.at("reason");
  return table;
}

LabelRecord label_of(Json const& json) {
  LabelRecord label;
  label.label = {json.at("database"), json.at("label")};
  label.table = {json.at("table_oid").get<Oid>()};
  label.epoch = json.at("epoch");
  label.part = json.at("part");
  auto const word = json.at("state").get<std::string>();
  if (word != "intended" && word != "recorded")
    fail_damaged(fmt::format("'{}' is not a label state", word));
  label.state = word == "recorded" ? LabelRecord::State::recorded : LabelRecord::State::intended;
  label.end_lsn = lsn_of(json, "end_lsn");
  label.row_count = json.at("row_count");
  label.reads_back = json.value("reads_back", true);
  return label;
}

OwnerRecord::State owner_state_of(std::string const& word) {
  using enum OwnerRecord::State;
  for (auto const state : {claimed, active, released})
    if (word == word_of(state))
      return state;
  fail_damaged(fmt::format("'{}' is not the state of an owner", word));
}

} // namespace

std::string make_owner_token() {
  std::random_device dice; // the system's own, 32 bits a time
  std::string token;
  for (int i = 0; i < 4; ++i)
    token += fmt::format("{:08x}", dice());
  return token;
}

std::string job_key(std::string_view job_id) {
  // No job id has a tilde.
  return job_id.size() <= kLongestJobKey
             ? std::string(job_id)
             : fmt::format("{}~{}", job_id.substr(0, 27), digest(job_id));
}

std::vector<CheckpointRow> rows_of(CheckpointUpdate const& update) {
  std::vector<CheckpointRow> all;
  if (update.job)
    all.push_back(row_of(*update.job));
  for (TableRecord const& table : update.tables)
    all.push_back(row_of(table));
  for (RelationId const id : update.dropped_tables)
    all.push_back({"table", std::to_string(id.oid), "", true});
  for (LabelRecord const& label : update.labels)
    all.push_back(row_of(label));
  for (Label const& label : update.finished_labels)
    all.push_back({"label", key_of(label), "", true});
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> last;
  for (std::size_t i = 0; i < all.size(); ++i)
    last[{all[i].kind, all[i].record}] = i;
  std::vector<CheckpointRow> rows;
  for (auto const& [key, i] : last)
    rows.push_back(all[i]);
  return rows;
}

CheckpointRow row_of(OwnerRecord const& owner) {
  return {"owner", owner.token,
          text_of({{"format", owner.format},
                   {"state", word_of(owner.state)},
                   {"host", owner.host},
                   {"pid", owner.pid},
                   {"started_at_ms", owner.started_at_ms},
                   {"beat", owner.beat},
                   {"silence_ms", owner.silence_ms},
                   {"write_number", owner.write_number},
                   {"written_at_ms", owner.written_at_ms},
                   {"flushed_lsn", to_string(owner.flushed_lsn)},
                   {"logged_lsn", to_string(owner.logged_lsn)}})};
}

std::string load_body(std::vector<CheckpointRow> const& rows, std::string const& job,
                      std::uint64_t incarnation) {
  Json body = Json::array();
  for (CheckpointRow const& row : rows)
    body.push_back({{"job", job},
                    {"incarnation", incarnation},
                    {"kind", row.kind},
                    {"record", row.record},
                    {"content", row.content},
                    {"__op", row.is_deleted ? 1 : 0}});
  return text_of(body);
}

OwnerRecord read_owner(std::string_view record, std::string_view content) {
  return parsed(content, [record](Json const& json) {
    OwnerRecord owner;
    owner.token = record;
    owner.format = json.at("format");
    if (owner.format > kStarRocksCheckpointFormat)
      throw Error(
          ErrorCode::checkpoint_mismatch,
          fmt::format("the checkpoint in StarRocks has format {}, this walrock knows formats "
                      "up to {}",
                      owner.format, kStarRocksCheckpointFormat))
          .set_advice("Run the newer walrock that wrote it.");
    owner.state = owner_state_of(json.at("state"));
    owner.host = json.at("host");
    owner.pid = json.at("pid");
    owner.started_at_ms = json.at("started_at_ms");
    owner.beat = json.at("beat");
    owner.silence_ms = json.at("silence_ms");
    owner.write_number = json.at("write_number");
    owner.written_at_ms = json.at("written_at_ms");
    owner.flushed_lsn = lsn_of(json, "flushed_lsn");
    if (owner.format >= 2)
      owner.logged_lsn = lsn_of(json, "logged_lsn");
    return owner;
  });
}

void add_row(Checkpoint& checkpoint, std::string_view kind, std::string_view content) {
  parsed(content, [&](Json const& json) {
    if (kind == "job")
      checkpoint.job = job_of(json);
    else if (kind == "table")
      checkpoint.tables.push_back(table_of(json));
    else if (kind == "label")
      checkpoint.labels.push_back(label_of(json));
    else
      fail_damaged(fmt::format("'{}' is not a kind of record", kind));
    return true;
  });
}

void sort_records(Checkpoint& checkpoint) {
  std::sort(checkpoint.tables.begin(), checkpoint.tables.end(),
            [](TableRecord const& a, TableRecord const& b) { return a.id < b.id; });
  std::sort(checkpoint.labels.begin(), checkpoint.labels.end(),
            [](LabelRecord const& a, LabelRecord const& b) {
              return std::tie(a.table, a.epoch, a.part, a.label) <
                     std::tie(b.table, b.epoch, b.part, b.label);
            });
}

} // namespace walrock
