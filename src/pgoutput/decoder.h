// Decodes pgoutput, protocol versions 1 to 4: the payload of one XLogData message into one Message.
// All integers are big-endian; S is a string that ends with a zero byte.
//
//   Begin         'B' u64 final_lsn  i64 commit_time  u32 xid
//   Commit        'C' u8 flags  u64 commit_lsn  u64 end_lsn  i64 commit_time
//   Origin        'O' u64 commit_lsn  S name
//   Relation      'R' [u32 xid] u32 oid  S namespace  S name  u8 identity  u16 n  n columns:
//                     u8 flags (1: key)  S name  u32 type_oid  i32 typmod
//   Type          'Y' [u32 xid] u32 oid  S namespace  S name
//   Insert        'I' [u32 xid] u32 oid  'N' row
//   Update        'U' [u32 xid] u32 oid  ['K' row | 'O' row]  'N' row
//   Delete        'D' [u32 xid] u32 oid  'K' row | 'O' row
//   Truncate      'T' [u32 xid] u32 n  u8 flags (1: cascade, 2: restart identity)  n oids
//   Message       'M' [u32 xid] u8 flags (1: transactional)  u64 lsn  S prefix  u32 size  bytes
//   StreamStart   'S' u32 xid  u8 is_first                       (protocol 2 and later: all below)
//   StreamStop    'E'
//   StreamCommit  'c' u32 xid  u8 flags  u64 commit_lsn  u64 end_lsn  i64 commit_time
//   StreamAbort   'A' u32 xid  u32 sub_xid  [u64 abort_lsn  i64 abort_time]   (parallel streaming)
//   row               u16 n  n cells: 'n' null | 'u' unchanged toast | 't' u32 size  bytes
//
// [u32 xid] is there only inside a block of StreamStart..StreamStop. The empty namespace stands for
// pg_catalog. Binary cells ('b') and two-phase messages are never asked for, so they are
// violations.
//
// Pure. Malformed input throws ProtocolViolation; trailing bytes are malformed, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/change.h"

namespace walrock {

// What can be told of a message without decoding it, for payloads that are spooled as they are.
struct MessageHead {
  char type = 0;
  // Inside a block the (sub)transaction that made the change; 0 outside and for StreamStop.
  std::uint32_t sub_xid = 0;
  // The relation of I, U, D and R; 0 for every other type.
  RelationId relation_id;
  // Where the rest begins, behind type and xid.
  std::size_t rest = 0;
};

// Throws ProtocolViolation when the payload is too short or its type is unknown.
[[nodiscard]] MessageHead peek(std::span<std::byte const> payload, bool in_stream_block);

class Decoder {
public:
  // The message and the rows in it are valid until the next call; texts are views into payload.
  // in_stream_block: the payload came between StreamStart and StreamStop, then or when it was
  // spooled.
  Message const& decode(std::span<std::byte const> payload, bool in_stream_block);

  // The [u32 xid] of the last message decoded; 0 when it had none.
  [[nodiscard]] std::uint32_t sub_xid() const { return sub_xid_; }

private:
  Message message_;
  std::uint32_t sub_xid_ = 0;
  // Reused from row to row: no allocation once they are as long as the widest table.
  std::vector<Value> new_cells_;
  std::vector<Value> old_cells_;
};

} // namespace walrock
