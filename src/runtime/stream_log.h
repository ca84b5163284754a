// The durable spool: the messages of the stream in a local log that stands in the slot's place.
// What is synced here, and named in the checkpoint, is acknowledged to PostgreSQL before StarRocks
// has it. Format: docs/formats/stream-log.md; why: docs/design/durable-spool.md.
//
// Two threads: the replication thread appends and reads, the log thread syncs and lets go. A
// *boundary* is a position between two transactions, at the end of a record; only what is in front
// of the last one is ever read or counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "model/lsn.h"
#include "model/relation.h"
#include "runtime/log_disk.h"
#include "runtime/stream_log_format.h"

namespace walrock {

struct LogSegment {
  LogHead head;
  std::string name;
  std::uint64_t number = 0; // in order, within this process
  std::shared_ptr<LogFile> file;
  std::uint64_t first_offset = 0;  // behind the head
  std::uint64_t end_offset = 0;    // of the last boundary
  std::uint64_t synced_offset = 0; // of the last boundary that is durable
};

// What a start found of a log, see stream_log_start.h.
struct FoundLog {
  std::deque<LogSegment> segments; // durable up to their end_offset, oldest first
  Lsn end_lsn;                     // of the last one
};

struct StreamLogSettings {
  std::string log_id;
  std::string job_id;
  std::uint64_t incarnation = 0;
  std::uint64_t limit = UINT64_MAX;       // bytes on disk
  std::uint64_t segment_bytes = 64 << 20; // a segment ends at the first boundary behind them
  std::size_t record_bytes = 256 << 10;   // so much is gathered at most
};

class StreamLog {
public:
  // Goes on where `found` ends, in a segment of its own: what an earlier process may still write is
  // in files that are over.
  StreamLog(std::unique_ptr<LogDisk> disk, StreamLogSettings settings, FoundLog found);
  ~StreamLog();
  StreamLog(StreamLog const&) = delete;
  StreamLog& operator=(StreamLog const&) = delete;

  // ---- replication thread

  // A new stream begins at end_lsn(): what is open is forgotten, it comes again. After a fault of
  // the disk, everything that was not synced is. Throws spool_failed.
  void begin_stream();
  // The next position that is wanted of the server.
  [[nodiscard]] Lsn end_lsn() const { return end_lsn_; }

  void append(std::span<std::byte const> payload);
  void append_relation(RelationId id, std::span<std::byte const> payload);
  // A transaction ended here; or, with nothing open, the server has nothing below.
  void append_boundary(Lsn end_lsn);
  void append_keepalive(Lsn wal_end);
  // What was appended can be read. When the disk refuses, it is kept and written later: see
  // trouble.
  void flush();

  // A transaction that was begun is taken whole, whatever the limit says.
  [[nodiscard]] bool has_room() const;
  // What the disk says, in words; empty: all is well.
  [[nodiscard]] std::string const& trouble() const { return trouble_; }
  // A sync has failed: begin_stream() is needed.
  [[nodiscard]] std::optional<std::string> fault() const;

  // For the reader: where segment `number` may be read to. is_over: a later one follows.
  struct Readable {
    LogSegment segment;
    bool is_over = false;
  };
  // The segment from which everything at or above `from` can be read. Throws spool_lost.
  [[nodiscard]] Readable find(Lsn from) const;
  // Segment `number`, or, when that was let go, the first one behind it; nothing: none is made yet.
  [[nodiscard]] std::optional<Readable> at(std::uint64_t number) const;

  // ---- log thread

  // True when synced_lsn() has moved.
  bool sync();
  // Removes segments that hold nothing at or above flushed.
  void let_go(Lsn flushed);

  // ---- any thread

  [[nodiscard]] Lsn synced_lsn() const { return Lsn{synced_lsn_.load()}; }
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_.load(); }
  [[nodiscard]] std::uint64_t limit() const { return settings_.limit; }

private:
  void add_entry(LogEntryKind kind, std::string_view bytes);
  void write_record(std::string_view entries, Lsn end_lsn);
  void write_pending();
  void begin_segment(Lsn begin_lsn);
  void forget_unsynced();
  void count_used();

  std::unique_ptr<LogDisk> const disk_;
  StreamLogSettings const settings_;

  // Of the replication thread.
  std::string pending_;           // entries that are not in the file yet
  std::size_t whole_size_ = 0;    // of them in front of the last boundary
  Lsn end_lsn_;                   // that boundary
  bool is_open_ = false;          // something was appended behind it
  std::uint64_t write_at_ = 0;    // in the last segment
  std::shared_ptr<LogFile> file_; // of it
  Lsn begin_lsn_;                 // of it
  // Relation messages of this stream, for the segments that begin in it.
  std::unordered_map<std::uint32_t, std::string> relations_;
  std::string trouble_;

  mutable Mutex mutex_;
  std::deque<LogSegment> segments_ WALROCK_GUARDED_BY(mutex_); // one at least
  Lsn readable_lsn_ WALROCK_GUARDED_BY(mutex_); // boundary at the end of the last segment
  bool has_new_names_ WALROCK_GUARDED_BY(mutex_) = false;
  std::optional<std::string> fault_ WALROCK_GUARDED_BY(mutex_);
  std::uint64_t last_number_ = 0;

  std::atomic<std::uint64_t> synced_lsn_{0};
  std::atomic<std::uint64_t> open_bytes_{0}; // in the file, behind the last boundary
  std::atomic<std::uint64_t> used_bytes_{0};
};

} // namespace walrock
