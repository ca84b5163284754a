// The tables inside checkpoint.db: how they are made, brought to the present format, filled and
// read back. Format: docs/formats/checkpoint.md. Lives on the thread of its connection.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/sqlite.h"
#include "model/checkpoint.h"

namespace walrock {

inline constexpr int kNewestFormat = 4;

// <folder>/checkpoint.db
[[nodiscard]] std::string checkpoint_path(std::string const& folder);
// The file with its journal.
void remove_with_journal(std::string const& path);
// Nothing of a checkpoint is in the folder. A journal without its file is a damaged checkpoint.
[[nodiscard]] bool is_without_checkpoint(std::string const& folder);
// An empty checkpoint of the newest format. Throws checkpoint_failed.
void create_checkpoint(std::string const& folder);

// The format of the file. Throws checkpoint_failed for a file that is damaged or foreign,
// checkpoint_mismatch for a format that this program does not know.
[[nodiscard]] int check_format(Sqlite& database);
// Rewrites an older format as the newest, in one transaction.
void upgrade_format(Sqlite& database, int from);
// Everything, of one moment.
[[nodiscard]] Checkpoint read_all(Sqlite& database, int format);

// The statements that write records, prepared once. Run them inside a transaction.
class RecordWriter {
public:
  explicit RecordWriter(Sqlite& database); // must outlive this
  ~RecordWriter();
  RecordWriter(RecordWriter const&) = delete;
  RecordWriter& operator=(RecordWriter const&) = delete;

  // Everything of the update but the positions of progress.
  void write(CheckpointUpdate const& update);
  struct Progress {
    Lsn flushed_lsn;
    Lsn logged_lsn;
    std::uint64_t incarnation = 0;
    std::uint64_t write_number = 0;
    std::int64_t written_at_ms = 0;
  };
  [[nodiscard]] Progress read_progress();
  void write_progress(Progress const& progress);

private:
  struct Statements;
  Sqlite& database_;
  std::unique_ptr<Statements> statements_;
};

} // namespace walrock
