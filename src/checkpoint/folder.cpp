#include "checkpoint/folder.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

namespace {

// Larger than any file that is read this way.
constexpr std::size_t kSmallFileBytes = 4096;

Error failure(std::string_view what, std::string const& path, int error) {
  return Error(ErrorCode::checkpoint_failed,
               fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

// A descriptor that closes itself.
struct File {
  int fd;
  explicit File(int descriptor) : fd(descriptor) {}
  ~File() {
    if (fd >= 0)
      ::close(fd);
  }
  File(File const&) = delete;
  File& operator=(File const&) = delete;
};

void write_all(File const& file, std::string const& path, std::string_view content) {
  while (!content.empty()) {
    ssize_t const written = ::write(file.fd, content.data(), content.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      throw failure("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

} // namespace

void make_checkpoint_folder(std::string const& folder) {
  std::filesystem::path const path(folder);
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return;
  if (path.has_parent_path())
    std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw failure("make the checkpoint folder", folder, errno);
  if (!std::filesystem::is_directory(path, error))
    throw failure("make the checkpoint folder", folder, ENOTDIR);
}

void write_file_atomically(std::string const& path, std::string_view content) {
  std::string const fresh = path + ".new";
  {
    File const file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.fd < 0)
      throw failure("make", fresh, errno);
    write_all(file, fresh, content);
    if (::fsync(file.fd) != 0)
      throw failure("sync", fresh, errno);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    throw failure("replace", path, errno);
}

std::optional<std::string> read_small_file(std::string const& path) {
  File const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::nullopt;
  if (file.fd < 0)
    throw failure("open", path, errno);
  std::string content(kSmallFileBytes, '\0');
  ssize_t const got = ::read(file.fd, content.data(), content.size());
  if (got < 0)
    throw failure("read", path, errno);
  content.resize(static_cast<std::size_t>(got));
  return content;
}

void sync_folder(std::string const& folder) {
  File const file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd < 0 || ::fsync(file.fd) != 0)
    throw failure("sync", folder, errno);
}

} // namespace walrock
