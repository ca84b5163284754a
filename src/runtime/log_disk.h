// The file system under the durable spool, as the log wants it: a folder of files that are written
// at a position and synced. A seam, so that tests can lose what was not synced. Errors:
// spool_failed.
//
// What was written counts only once the file was synced; a name that was made or removed, once the
// names were. One file may be used by two threads, as long as they do not write the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace walrock {

class LogFile {
public:
  virtual ~LogFile() = default;
  virtual void write(std::uint64_t at, std::string_view bytes) = 0;
  // As many of `size` bytes as there are.
  [[nodiscard]] virtual std::string read(std::uint64_t at, std::size_t size) const = 0;
  virtual void sync() = 0;
  virtual void cut(std::uint64_t size) = 0;
};

class LogDisk {
public:
  virtual ~LogDisk() = default;
  // An empty file, in place of one that may have the name.
  [[nodiscard]] virtual std::unique_ptr<LogFile> create(std::string const& name) = 0;
  [[nodiscard]] virtual std::unique_ptr<LogFile> open(std::string const& name) = 0;
  [[nodiscard]] virtual std::vector<std::string> names() = 0;
  virtual void remove(std::string const& name) = 0;
  virtual void sync_names() = 0;
  // For messages.
  [[nodiscard]] virtual std::string path() const = 0;
};

// A folder; made, readable by its owner only, when it is missing.
[[nodiscard]] std::unique_ptr<LogDisk> open_log_folder(std::string const& path);

} // namespace walrock
