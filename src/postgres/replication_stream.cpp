// The messages inside the copy-both stream, big-endian:
//
//   from the server  'w' u64 wal_start  u64 wal_end  i64 send_time  payload
//                    'k' u64 wal_end  i64 send_time  u8 reply_requested
//   from us          'r' u64 written  u64 flushed  u64 applied  i64 send_time  u8 reply_requested
#include "postgres/replication_stream.h"

#include <array>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/cursor.h"
#include "base/error.h"
#include "model/names.h"
#include "model/pg_time.h"
#include "postgres/pq_error.h"
#include "postgres/slot.h"

namespace walrock {

namespace {

constexpr Milliseconds kFarewellWait{5'000};

template <std::size_t Size>
void put(std::array<char, Size>& out, std::size_t& at, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out[at++] = static_cast<char>(number >> shift & 0xFFU);
}

std::string start_sql(std::string_view slot_name, std::string_view publication_name, Lsn from,
                      ProtocolOptions options) {
  // publication_names is a list of identifiers inside a literal: quoted twice.
  return fmt::format("START_REPLICATION SLOT {} LOGICAL {} (proto_version '{}', "
                     "publication_names {}{})",
                     quote_pg(slot_name), to_string(from), options.proto_version,
                     quote_pg_literal(quote_pg(publication_name)),
                     options.streaming ? ", streaming 'on'" : "");
}

XLogData read_wal(Cursor& in) {
  XLogData out;
  out.wal_start = Lsn{in.u64()};
  out.wal_end = Lsn{in.u64()};
  out.send_time = in.i64();
  std::string_view const rest = in.text(in.left());
  out.payload = {reinterpret_cast<std::byte const*>(rest.data()), rest.size()};
  return out;
}

Keepalive read_keepalive(Cursor& in) {
  Keepalive out;
  out.wal_end = Lsn{in.u64()};
  out.send_time = in.i64();
  out.reply_requested = in.u8() != 0;
  return out;
}

// The server failed inside: an internal error (PostgreSQL 15 was seen to say "could not map
// filenode to relation OID" of a table that was truncated often), a file it could not read. Nothing
// of it was taken, so the stream is worth its attempts.
bool is_fault_inside(std::string_view sqlstate) {
  return sqlstate.starts_with("XX") || sqlstate.starts_with("58");
}

} // namespace

ProtocolOptions ProtocolOptions::of_server(int server_version) {
  if (server_version >= 160000)
    return {4, true};
  if (server_version >= 150000)
    return {3, true};
  if (server_version >= 140000)
    return {2, true};
  return {1, false};
}

ReplicationStream::~ReplicationStream() {
  free_buffer();
}

void ReplicationStream::free_buffer() noexcept {
  PQfreemem(buffer_);
  buffer_ = nullptr;
}

void ReplicationStream::start(std::string_view slot_name, std::string_view publication_name,
                              Lsn from, ProtocolOptions options, std::stop_token const& stop) {
  connection_.send(start_sql(slot_name, publication_name, from, options));
  auto const result = connection_.next_result(stop);
  if (result != nullptr && PQresultStatus(result.get()) == PGRES_COPY_BOTH)
    return;
  PqFailure failure = failure_of(connection_.raw(), result.get(),
                                 fmt::format("start replication from slot \"{}\"", slot_name));
  while (connection_.next_result(stop) != nullptr) {
  }
  if (failure.sqlstate == "42704") // undefined_object
    failure.code = ErrorCode::slot_missing;
  if (failure.sqlstate == "55000") // a lost slot is refused in other words by every version
    require_usable(find_slot(connection_, slot_name), slot_name, connection_.database());
  raise(std::move(failure));
}

// Takes the next message out of libpq's buffer; reads the socket once when that is empty.
bool ReplicationStream::next_message() {
  free_buffer();
  int size = PQgetCopyData(connection_.raw(), &buffer_, 1);
  if (size == 0) {
    if (!connection_.consume())
      raise(failure_of(connection_.raw(), nullptr, "read the replication stream"));
    size = PQgetCopyData(connection_.raw(), &buffer_, 1);
  }
  if (size < 0)
    throw_ended();
  size_ = static_cast<std::size_t>(size);
  connection_.bound_message(size > 0);
  return size > 0;
}

void ReplicationStream::throw_ended() {
  auto const result = connection_.next_result({}, Deadline::in(kFarewellWait));
  auto const status = result == nullptr ? PGRES_FATAL_ERROR : PQresultStatus(result.get());
  if (status == PGRES_FATAL_ERROR) {
    PqFailure failure = failure_of(connection_.raw(), result.get(), "read the replication stream");
    if (failure.sqlstate == "42704") { // undefined_object: pgoutput looks the publication up late
      failure.code = ErrorCode::publication_missing;
      failure.advice = "The publication was dropped, or created after the slot, which can never "
                       "read past that: drop slot and publication (`walrock drop JOB`) and start "
                       "again.";
    }
    if (is_fault_inside(failure.sqlstate))
      failure.retry = Retry::later;
    raise(std::move(failure));
  }
  throw ConnectionLost(ErrorCode::source_unreachable,
                       "PostgreSQL at " + connection_.peer() + " ended the replication stream");
}

ReadOutcome ReplicationStream::read() {
  if (!next_message())
    return NothingYet{};
  Cursor in(std::string_view(buffer_, size_));
  switch (char const type = static_cast<char>(in.u8()); type) {
  case 'w': return read_wal(in);
  case 'k': return read_keepalive(in);
  default:
    throw ProtocolViolation(fmt::format("unknown message of the replication stream, byte {}",
                                        static_cast<unsigned char>(type)));
  }
}

void ReplicationStream::send_status(Lsn written, Lsn flushed, Lsn applied, bool reply_requested) {
  std::array<char, 34> message{'r'};
  std::size_t at = 1;
  put(message, at, written.value);
  put(message, at, flushed.value);
  put(message, at, applied.value);
  put(message, at, static_cast<std::uint64_t>(pg_now()));
  message[at] = reply_requested ? 1 : 0;
  if (PQputCopyData(connection_.raw(), message.data(), static_cast<int>(message.size())) < 0)
    raise(failure_of(connection_.raw(), nullptr, "acknowledge"));
  flush();
}

void ReplicationStream::flush() {
  int const outcome = PQflush(connection_.raw());
  if (outcome < 0)
    raise(failure_of(connection_.raw(), nullptr, "acknowledge"));
  wants_write_ = outcome > 0;
}

bool ReplicationStream::end(Deadline deadline) noexcept {
  try {
    if (PQputCopyEnd(connection_.raw(), nullptr) < 0)
      return false;
    connection_.flush({}, deadline);
    while (true) { // what was under way is thrown away
      free_buffer();
      int const size = PQgetCopyData(connection_.raw(), &buffer_, 1);
      if (size < 0)
        break;
      if (size > 0)
        continue;
      connection_.wait(Connection::WaitFor::read, {}, deadline);
      if (!connection_.consume())
        return false;
    }
    while (connection_.next_result({}, deadline) != nullptr) {
      if (PQstatus(connection_.raw()) != CONNECTION_OK)
        return false;
    }
    return true;
  } catch (std::exception const&) { // lost or late: the server frees the slot by itself
    return false;
  }
}

} // namespace walrock
