// A status as the API sends it; docs: the fields of GET /api/v1/status. Pure.
//
//   {"job", "name", "state", "phase", "trouble", "flushed_lsn", "logged_lsn", "received_lsn",
//   "server_lsn",
//    "lag_bytes", "lag_seconds", "received_changes", "memory_used_bytes", "uptime_ms",
//    "durable_spool_used_bytes", "durable_spool_limit_bytes", "restart_count", "error": null |
//    {"code", "message", "advice"}, "tables": [{"name", "target", "state", "rows",
//    "estimated_rows", "changes", "applied_lsn",
//                "reason", "trouble"}]}
//
// rows: rows of the copy that are committed in the target. changes: rows changed since then and
// since walrock started. estimated_rows is null when unknown, logged_lsn and durable_spool_*
// without a durable spool. Fields are added, never renamed.
#pragma once

#include <string>

#include "runtime/status.h"

namespace walrock {

// One line without a final newline, always valid UTF-8.
[[nodiscard]] std::string status_json(Status const& status);

} // namespace walrock
