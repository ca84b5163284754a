// What pgoutput sends, decoded: one Message per payload. Views and rows are valid until the next
// payload is decoded; the decoder owns the cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "model/lsn.h"
#include "model/relation.h"
#include "model/value.h"

namespace walrock {

// Microseconds since 2000-01-01 00:00:00 UTC, as on the wire.
using PgTimestamp = std::int64_t;

struct Begin {
  Lsn final_lsn; // commit_lsn of the Commit that will follow
  PgTimestamp commit_time = 0;
  std::uint32_t xid = 0;
};

struct Commit {
  Lsn commit_lsn; // start of the commit record
  Lsn end_lsn;    // end of it: the only LSN that is ever acknowledged
  PgTimestamp commit_time = 0;
};

struct Origin {
  Lsn commit_lsn;
  std::string_view name;
};

struct RelationMessage {
  Relation relation;
};

struct TypeMessage {
  Oid type_oid = 0;
  std::string_view namespace_name;
  std::string_view name;
};

struct Insert {
  RelationId relation_id;
  Row new_row;
};

// What an old row holds: 'K' only the identity's columns (all others are absent, not NULL), 'O'
// all.
enum class OldRowKind : std::uint8_t { none, key, full };

struct Update {
  RelationId relation_id;
  OldRowKind old_kind = OldRowKind::none;
  Row old_row;
  Row new_row;
};

struct Delete {
  RelationId relation_id;
  OldRowKind old_kind = OldRowKind::key;
  Row old_row;
};

struct Truncate {
  std::vector<RelationId> relation_ids;
  bool cascade = false;
  bool restart_identity = false;
};

struct LogicalMessage {
  bool is_transactional = false;
  Lsn lsn;
  std::string_view prefix;
  std::string_view content;
};

// Protocol 2 and later: a block of a transaction that is still in progress.
struct StreamStart {
  std::uint32_t xid = 0;
  bool is_first = false;
};
struct StreamStop {};
struct StreamCommit {
  std::uint32_t xid = 0;
  Commit commit;
};
struct StreamAbort {
  std::uint32_t xid = 0;     // the top-level transaction
  std::uint32_t sub_xid = 0; // the one that rolled back; equal to xid for the whole
};

using Message =
    std::variant<Begin, Commit, Origin, RelationMessage, TypeMessage, Insert, Update, Delete,
                 Truncate, LogicalMessage, StreamStart, StreamStop, StreamCommit, StreamAbort>;

} // namespace walrock
