// A status as the API sends it; docs: the fields of GET /api/v1/status. Pure.
//
//   {"job", "name", "state", "phase", "trouble", "flushed_lsn", "received_lsn", "server_lsn",
//    "lag_bytes", "lag_seconds", "received_changes", "memory_used_bytes", "uptime_ms",
//    "restart_count", "error": null | {"code", "message", "advice"},
//    "tables": [{"name", "target", "state", "rows", "estimated_rows", "changes", "applied_lsn",
//                "reason", "trouble"}]}
//
// rows: rows of the copy that are committed in the target. changes: rows changed since then and
// since walrock started. estimated_rows is null when unknown. Fields are added, never renamed.
#pragma once

#include <string>

#include "runtime/status.h"

namespace walrock {

// One line without a final newline, always valid UTF-8.
[[nodiscard]] std::string status_json(Status const& status);

} // namespace walrock
