#include "pgoutput/decoder.h"

#include <bit>
#include <cstring>
#include <string>

#include "base/cursor.h"

namespace walrock {

namespace {

using Bytes = std::span<std::byte const>;

std::string shown(char type) {
  auto const byte = static_cast<unsigned char>(type);
  if (byte >= 0x20 && byte < 0x7F)
    return std::string("'") + type + "'";
  return "byte " + std::to_string(byte);
}

[[noreturn]] void ends_early(char const* inside) {
  throw ProtocolViolation(std::string("pgoutput message ends inside ") + inside);
}

bool has_xid_in_block(char type) {
  switch (type) {
  case 'R':
  case 'Y':
  case 'I':
  case 'U':
  case 'D':
  case 'T':
  case 'M': return true;
  default: return false;
  }
}

void require_known(char type) {
  if (!has_xid_in_block(type) && (type == 0 || std::strchr("BCOSEcA", type) == nullptr))
    throw ProtocolViolation("unknown pgoutput message type " + shown(type));
}

// The hot path: I, U and D. A raw pointer with one check per field; everything else uses Cursor.
struct RowCursor {
  std::byte const* at;
  std::byte const* end;

  std::size_t left() const { return static_cast<std::size_t>(end - at); }

  template <typename Unsigned> Unsigned number(char const* inside) {
    if (left() < sizeof(Unsigned))
      ends_early(inside);
    Unsigned out;
    std::memcpy(&out, at, sizeof out);
    at += sizeof out;
    if constexpr (std::endian::native == std::endian::little) {
      if constexpr (sizeof(Unsigned) == 4)
        out = __builtin_bswap32(out);
      else if constexpr (sizeof(Unsigned) == 2)
        out = __builtin_bswap16(out);
    }
    return out;
  }

  char letter(char const* inside) {
    if (at == end)
      ends_early(inside);
    return static_cast<char>(*at++);
  }
};

Value read_cell(RowCursor& in) {
  switch (char const kind = in.letter("a row"); kind) {
  case 't': {
    auto const size = in.number<std::uint32_t>("a row");
    if (in.left() < size)
      ends_early("a cell");
    std::string_view const text(reinterpret_cast<char const*>(in.at), size);
    in.at += size;
    return Value::of(text);
  }
  case 'n': return Value::null();
  case 'u': return Value::unchanged_toast();
  case 'b': throw ProtocolViolation("pgoutput sent a binary cell, which was not asked for");
  default: throw ProtocolViolation("unknown pgoutput cell kind " + shown(kind));
  }
}

Row read_row(RowCursor& in, std::vector<Value>& cells) {
  std::size_t const count = in.number<std::uint16_t>("a row");
  if (count > in.left()) // every cell takes a byte at least: no allocation for a false count
    ends_early("a row");
  if (cells.size() < count)
    cells.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    cells[i] = read_cell(in);
  return {cells.data(), count};
}

OldRowKind old_kind_of(char letter) {
  return letter == 'K' ? OldRowKind::key : OldRowKind::full;
}

Insert decode_insert(RowCursor& in, std::vector<Value>& new_cells) {
  Insert m;
  m.relation_id = {in.number<std::uint32_t>("an insert")};
  if (char const letter = in.letter("an insert"); letter != 'N')
    throw ProtocolViolation("insert with row kind " + shown(letter));
  m.new_row = read_row(in, new_cells);
  return m;
}

Update decode_update(RowCursor& in, std::vector<Value>& old_cells, std::vector<Value>& new_cells) {
  Update m;
  m.relation_id = {in.number<std::uint32_t>("an update")};
  char letter = in.letter("an update");
  if (letter == 'K' || letter == 'O') {
    m.old_kind = old_kind_of(letter);
    m.old_row = read_row(in, old_cells);
    letter = in.letter("an update");
  }
  if (letter != 'N')
    throw ProtocolViolation("update with row kind " + shown(letter));
  m.new_row = read_row(in, new_cells);
  return m;
}

Delete decode_delete(RowCursor& in, std::vector<Value>& old_cells) {
  Delete m;
  m.relation_id = {in.number<std::uint32_t>("a delete")};
  char const letter = in.letter("a delete");
  if (letter != 'K' && letter != 'O')
    throw ProtocolViolation("delete with row kind " + shown(letter));
  m.old_kind = old_kind_of(letter);
  m.old_row = read_row(in, old_cells);
  return m;
}

Begin decode_begin(Cursor& in) {
  Begin m;
  m.final_lsn = Lsn{in.u64()};
  m.commit_time = in.i64();
  m.xid = in.u32();
  return m;
}

Commit decode_commit(Cursor& in) {
  Commit m;
  in.u8(); // flags, unused
  m.commit_lsn = Lsn{in.u64()};
  m.end_lsn = Lsn{in.u64()};
  m.commit_time = in.i64();
  return m;
}

Origin decode_origin(Cursor& in) {
  Origin m;
  m.commit_lsn = Lsn{in.u64()};
  m.name = in.zero_terminated();
  return m;
}

std::string_view namespace_of(std::string_view sent) {
  return sent.empty() ? "pg_catalog" : sent;
}

ReplicaIdentity decode_identity(std::uint8_t letter) {
  switch (letter) {
  case 'd':
  case 'n':
  case 'f':
  case 'i': return static_cast<ReplicaIdentity>(letter);
  default: throw ProtocolViolation("unknown replica identity " + shown(static_cast<char>(letter)));
  }
}

RelationMessage decode_relation(Cursor& in) {
  RelationMessage m;
  m.relation.id = {in.u32()};
  m.relation.name.namespace_name = namespace_of(in.zero_terminated());
  m.relation.name.table_name = in.zero_terminated();
  m.relation.identity = decode_identity(in.u8());
  std::size_t const count = in.u16();
  for (std::size_t i = 0; i < count; ++i) {
    RelationColumn column;
    column.is_key = (in.u8() & 1U) != 0;
    column.name = in.zero_terminated();
    column.type_oid = in.u32();
    column.typmod = in.i32();
    m.relation.columns.push_back(std::move(column));
  }
  return m;
}

TypeMessage decode_type(Cursor& in) {
  TypeMessage m;
  m.type_oid = in.u32();
  m.namespace_name = namespace_of(in.zero_terminated());
  m.name = in.zero_terminated();
  return m;
}

Truncate decode_truncate(Cursor& in) {
  Truncate m;
  std::size_t const count = in.u32();
  std::uint8_t const flags = in.u8();
  m.cascade = (flags & 1U) != 0;
  m.restart_identity = (flags & 2U) != 0;
  if (count > in.left() / sizeof(Oid)) // no allocation for a false count
    ends_early("a truncate");
  m.relation_ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    m.relation_ids.push_back({in.u32()});
  return m;
}

LogicalMessage decode_logical_message(Cursor& in) {
  LogicalMessage m;
  m.is_transactional = (in.u8() & 1U) != 0;
  m.lsn = Lsn{in.u64()};
  m.prefix = in.zero_terminated();
  m.content = in.text(in.u32());
  return m;
}

StreamStart decode_stream_start(Cursor& in) {
  StreamStart m;
  m.xid = in.u32();
  m.is_first = in.u8() != 0;
  return m;
}

StreamCommit decode_stream_commit(Cursor& in) {
  StreamCommit m;
  m.xid = in.u32();
  m.commit = decode_commit(in);
  return m;
}

StreamAbort decode_stream_abort(Cursor& in) {
  StreamAbort m;
  m.xid = in.u32();
  m.sub_xid = in.u32();
  if (!in.at_end()) { // only with streaming 'parallel'
    in.u64();         // abort_lsn
    in.i64();         // abort_time
  }
  return m;
}

Message decode_rare(char type, Cursor& in) {
  switch (type) {
  case 'B': return decode_begin(in);
  case 'C': return decode_commit(in);
  case 'O': return decode_origin(in);
  case 'R': return decode_relation(in);
  case 'Y': return decode_type(in);
  case 'T': return decode_truncate(in);
  case 'M': return decode_logical_message(in);
  case 'S': return decode_stream_start(in);
  case 'E': return StreamStop{};
  case 'c': return decode_stream_commit(in);
  case 'A': return decode_stream_abort(in);
  default: throw ProtocolViolation("unknown pgoutput message type " + shown(type));
  }
}

// The type, and inside a block the xid of those types that carry one.
char read_start(RowCursor& in, bool in_stream_block, std::uint32_t& sub_xid) {
  char const type = in.letter("its type");
  sub_xid = in_stream_block && has_xid_in_block(type) ? in.number<std::uint32_t>("its xid") : 0;
  return type;
}

void require_end(char type, bool at_end) {
  if (!at_end)
    throw ProtocolViolation("trailing bytes in pgoutput message of type " + shown(type));
}

} // namespace

MessageHead peek(std::span<std::byte const> payload, bool in_stream_block) {
  RowCursor in{payload.data(), payload.data() + payload.size()};
  MessageHead head;
  head.type = read_start(in, in_stream_block, head.sub_xid);
  require_known(head.type);
  head.rest = payload.size() - in.left();
  if (head.type == 'I' || head.type == 'U' || head.type == 'D' || head.type == 'R')
    head.relation_id = {in.number<std::uint32_t>("its relation")};
  return head;
}

Message const& Decoder::decode(std::span<std::byte const> payload, bool in_stream_block) {
  RowCursor in{payload.data(), payload.data() + payload.size()};
  char const type = read_start(in, in_stream_block, sub_xid_);
  switch (type) {
  case 'I': message_ = decode_insert(in, new_cells_); break;
  case 'U': message_ = decode_update(in, old_cells_, new_cells_); break;
  case 'D': message_ = decode_delete(in, old_cells_); break;
  default: {
    Cursor rest(Bytes(in.at, in.left()));
    message_ = decode_rare(type, rest);
    require_end(type, rest.at_end());
    return message_;
  }
  }
  require_end(type, in.at == in.end);
  return message_;
}

} // namespace walrock
