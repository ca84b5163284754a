#include "http/status_json.h"

#include <nlohmann/json.hpp>

namespace walrock {

namespace {

using Json = nlohmann::ordered_json;

Json table_json(TableStatus const& table) {
  Json out;
  out["name"] = to_string(table.name);
  out["target"] = to_string(table.target);
  out["state"] = to_string(table.state);
  out["rows"] = table.copied_rows;
  out["estimated_rows"] = table.estimated_rows < 0 ? Json(nullptr) : Json(table.estimated_rows);
  out["changes"] = table.applied_rows;
  out["applied_lsn"] = to_string(table.applied_lsn);
  out["reason"] = table.reason;
  out["trouble"] = table.trouble;
  out["quarantined_rows"] = table.quarantined_rows;
  out["changed_values"] = Json::object();
  for (auto const& [column, count] : table.changed_values)
    out["changed_values"][column] = count;
  return out;
}

Json error_json(Status const& status) {
  if (status.state != EngineState::failed)
    return nullptr;
  return {{"code", error_policy(status.error.code).word},
          {"message", status.error.message},
          {"advice", status.error.advice}};
}

template <typename Number> Json known_or_null(std::optional<Number> const& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json slot_json(SlotStatus const& slot) {
  if (slot.name.empty())
    return nullptr;
  return {{"name", slot.name},
          {"wal_status", slot.wal_status},
          {"retained_bytes", slot.retained_bytes},
          {"limit", slot.limit},
          {"left_bytes", known_or_null(slot.left_bytes)},
          {"bytes_per_second", known_or_null(slot.bytes_per_second)},
          {"seconds_left", known_or_null(slot.seconds_left)},
          {"warning", slot.warning}};
}

} // namespace

std::string status_json(Status const& status) {
  Json out;
  out["job"] = status.job_id;
  out["name"] = status.job_name;
  out["state"] = to_string(status.state);
  out["phase"] = status.phase;
  out["trouble"] = status.trouble;
  out["flushed_lsn"] = to_string(status.flushed_lsn);
  out["logged_lsn"] = status.log_limit == 0 ? Json(nullptr) : Json(to_string(status.logged_lsn));
  out["received_lsn"] = to_string(status.received_lsn);
  out["server_lsn"] = to_string(status.server_lsn);
  out["lag_bytes"] = status.lag_bytes;
  out["lag_seconds"] = status.lag_seconds;
  out["received_changes"] = status.received_changes;
  out["memory_used_bytes"] = status.memory_used;
  out["spool_used_bytes"] = status.spool_used;
  out["durable_spool_used_bytes"] = status.log_limit == 0 ? Json(nullptr) : Json(status.log_used);
  out["durable_spool_limit_bytes"] = status.log_limit == 0 ? Json(nullptr) : Json(status.log_limit);
  out["uptime_ms"] = status.uptime_ms;
  out["restart_count"] = status.restart_count;
  out["error"] = error_json(status);
  out["slot"] = slot_json(status.slot);
  out["tables"] = Json::array();
  for (TableStatus const& table : status.tables)
    out["tables"].push_back(table_json(table));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace walrock
