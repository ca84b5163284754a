#include "simulation/walsender.h"

#include <algorithm>

#include "pgoutput/wire_for_tests.h"

namespace walrock::simulation {

namespace {
constexpr std::uint32_t kSubXid = 1'000'000; // added to the xid of its transaction
} // namespace

Walsender::Walsender(Source const& source, Lsn from, bool uses_streaming)
    : source_(source), uses_streaming_(uses_streaming) {
  // A transaction is sent when its commit record begins at or behind the position.
  Lsn const start = std::max(from, source.confirmed());
  auto const& log = source.transactions();
  while (next_ < log.size() && log[next_].commit_lsn < start)
    ++next_;
}

std::optional<std::string> Walsender::next() {
  while (at_ >= payloads_.size()) {
    payloads_.clear();
    at_ = 0;
    if (next_ >= source_.transactions().size())
      return std::nullopt;
    send_transaction(next_++);
  }
  return payloads_[at_++];
}

namespace {

std::string text_of(Wire const& wire) {
  auto const payload = wire.payload();
  return {reinterpret_cast<char const*>(payload.data()), payload.size()};
}

std::vector<std::string> wire_row(Cells const& cells, std::size_t count, bool is_big_unchanged) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(i == kBig && is_big_unchanged ? "u"
                  : i < cells.size()            ? cells[i].value_or("-")
                                                : "-");
  return out;
}

std::int64_t commit_time(SourceTransaction const& transaction) {
  return static_cast<std::int64_t>(transaction.commit_lsn.value);
}

} // namespace

void Walsender::send_transaction(std::size_t number) {
  auto const& log = source_.transactions();
  SourceTransaction const& transaction = log[number];
  if (uses_streaming_ && number + 1 < log.size() && log[number + 1].is_streamed &&
      log[number + 1].is_early && !sent_early_.contains(log[number + 1].xid)) {
    SourceTransaction const& next = log[number + 1];
    sent_early_[next.xid] = next.changes.size() / 2;
    send_block(next, 0, next.changes.size() / 2);
  }
  if (uses_streaming_ && transaction.is_streamed) {
    send_block(transaction, sent_early_[transaction.xid], transaction.changes.size());
    bool const rolls_back =
        std::any_of(transaction.changes.begin(), transaction.changes.end(),
                    [](SourceChange const& change) { return change.is_rolled_back; });
    if (rolls_back && !transaction.is_aborted)
      payloads_.push_back(
          text_of(Wire().type('A').u32(transaction.xid).u32(transaction.xid + kSubXid)));
    // What a block said of a table counts from its commit on; here it is said again.
    for (SourceChange const& change : transaction.changes)
      described_.erase(change.partition != 0 ? change.partition : oid_of(change));
    if (transaction.is_aborted)
      payloads_.push_back(text_of(Wire().type('A').u32(transaction.xid).u32(transaction.xid)));
    else
      payloads_.push_back(text_of(Wire()
                                      .type('c')
                                      .u32(transaction.xid)
                                      .u8(0)
                                      .u64(transaction.commit_lsn.value)
                                      .u64(transaction.end_lsn.value)
                                      .u64(static_cast<std::uint64_t>(commit_time(transaction)))));
    return;
  }
  bool const is_empty = std::all_of(transaction.changes.begin(), transaction.changes.end(),
                                    [](SourceChange const& change) { return change.kind == 'P'; });
  if (transaction.is_aborted || (is_empty && !source_.sends_empty_transactions()))
    return;
  payloads_.push_back(text_of(Wire()
                                  .type('B')
                                  .u64(transaction.commit_lsn.value)
                                  .u64(static_cast<std::uint64_t>(commit_time(transaction)))
                                  .u32(transaction.xid)));
  send_changes(transaction, 0, transaction.changes.size(), false);
  payloads_.push_back(text_of(Wire()
                                  .type('C')
                                  .u8(0)
                                  .u64(transaction.commit_lsn.value)
                                  .u64(transaction.end_lsn.value)
                                  .u64(static_cast<std::uint64_t>(commit_time(transaction)))));
}

void Walsender::send_block(SourceTransaction const& transaction, std::size_t first,
                           std::size_t end) {
  payloads_.push_back(text_of(Wire().type('S').u32(transaction.xid).u8(first == 0 ? 1 : 0)));
  send_changes(transaction, first, end, true);
  payloads_.push_back(text_of(Wire().type('E')));
}

void Walsender::send_changes(SourceTransaction const& transaction, std::size_t first,
                             std::size_t end, bool in_block) {
  for (std::size_t i = first; i < end; ++i) {
    SourceChange const& change = transaction.changes[i];
    if (change.is_rolled_back && !in_block)
      continue;
    if (change.kind == 'P') {
      described_.clear(); // what is known of its tables is not valid any more
    } else if (change.kind == 'T') {
      i = send_truncate(transaction, i, end, in_block);
    } else {
      send_change(transaction, change, in_block);
    }
  }
}

// Sent once, for all tables that it empties; returns the last of them.
std::size_t Walsender::send_truncate(SourceTransaction const& transaction, std::size_t first,
                                     std::size_t end, bool in_block) {
  SourceChange const& change = transaction.changes[first];
  std::vector<std::uint32_t> oids;
  std::size_t last = first;
  for (std::size_t i = first; i < end; ++i) {
    SourceChange const& other = transaction.changes[i];
    bool const is_of_it = other.kind == 'T' && other.is_rolled_back == change.is_rolled_back &&
                          (i == first || other.table > transaction.changes[last].table);
    if (!is_of_it)
      break;
    require_described(transaction, other, in_block);
    oids.push_back(oid_of(other));
    last = i;
  }
  constexpr unsigned kCascade = 1;
  constexpr unsigned kRestartIdentity = 2;
  Wire wire;
  wire.type('T');
  if (in_block)
    wire.u32(xid_of(transaction, change));
  wire.u32(oids.size()).u8(oids.size() > 1 ? kCascade : kRestartIdentity);
  for (std::uint32_t const oid : oids)
    wire.u32(oid);
  payloads_.push_back(text_of(wire));
  return last;
}

std::uint32_t Walsender::xid_of(SourceTransaction const& transaction, SourceChange const& change) {
  return transaction.xid + (change.is_rolled_back ? kSubXid : 0);
}

std::uint32_t Walsender::oid_of(SourceChange const& change) {
  return kFirstOid + static_cast<Oid>(change.table);
}

// A partition is described behind the table that its rows are sent as.
void Walsender::require_described(SourceTransaction const& transaction, SourceChange const& change,
                                  bool in_block) {
  Oid const oid = change.partition != 0 ? change.partition : oid_of(change);
  bool const is_known = in_block
                            ? !described_in_block_[transaction.xid].insert(oid).second
                            : described_.contains(oid) && described_[oid] == change.column_count;
  std::uint32_t const xid = in_block ? xid_of(transaction, change) : 0;
  if (!is_known)
    describe(change, oid_of(change), xid);
  if (!is_known && oid != oid_of(change))
    describe(change, oid, xid);
  if (!in_block)
    described_[oid] = change.column_count;
  // A description that is rolled back with its subtransaction counts for nothing.
  if (in_block && change.is_rolled_back)
    described_in_block_[transaction.xid].erase(oid);
}

void Walsender::send_change(SourceTransaction const& transaction, SourceChange const& change,
                            bool in_block) {
  require_described(transaction, change, in_block);
  Wire wire;
  wire.type(change.kind);
  if (in_block)
    wire.u32(xid_of(transaction, change));
  wire.u32(oid_of(change));
  bool const is_whole = is_full(source_.kind(change.table));
  bool const has_new_key = change.kind == 'U' && change.old_row[0] != change.new_row[0];
  if (change.kind == 'D' || (change.kind == 'U' && (is_whole || has_new_key))) {
    Cells old_row = change.old_row;
    if (!is_whole)
      std::fill(old_row.begin() + 1, old_row.end(), std::nullopt);
    wire.type(is_whole ? 'O' : 'K').row(wire_row(old_row, change.column_count, false));
  }
  if (change.kind != 'D')
    wire.type('N').row(wire_row(change.new_row, change.column_count, change.is_big_unchanged));
  payloads_.push_back(text_of(wire));
}

void Walsender::describe(SourceChange const& change, std::uint32_t oid,
                         std::uint32_t xid_in_block) {
  TableKind const kind = source_.kind(change.table);
  char const identity = kind == TableKind::append_only ? 'n' : is_full(kind) ? 'f' : 'd';
  Wire wire;
  wire.type('R');
  if (xid_in_block != 0)
    wire.u32(xid_in_block);
  std::string const root = "t" + std::to_string(change.table);
  wire.u32(oid)
      .text("public")
      .text(oid == oid_of(change) ? root : root + "_" + std::to_string(oid))
      .u8(static_cast<unsigned>(identity))
      .u16(static_cast<unsigned>(change.column_count));
  for (std::size_t i = 0; i < change.column_count; ++i) {
    bool const is_key = identity == 'f' || (identity == 'd' && i == 0);
    wire.u8(is_key ? 1 : 0).text(column_name(i)).u32(i == 0 ? 23 : 25).u32(0xFFFFFFFF);
  }
  payloads_.push_back(text_of(wire));
}

} // namespace walrock::simulation
