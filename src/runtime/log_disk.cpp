#include "runtime/log_disk.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file_bytes.h"

namespace walrock {

namespace {

[[noreturn]] void fail(std::string_view what, std::string const& path, int error) {
  throw Error(ErrorCode::spool_failed,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)))
      .set_advice("Check space and permissions of the folder (walrock.durable-spool).");
}

class PosixFile final : public LogFile {
public:
  PosixFile(std::string path, int flags)
      : path_(std::move(path)), fd_(::open(path_.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0)
      fail((flags & O_CREAT) != 0 ? "make" : "open", path_, errno);
  }
  ~PosixFile() override { ::close(fd_); }
  PosixFile(PosixFile const&) = delete;
  PosixFile& operator=(PosixFile const&) = delete;

  void write(std::uint64_t at, std::string_view bytes) override {
    if (!write_bytes(fd_, at, bytes))
      fail("write", path_, errno);
  }

  std::string read(std::uint64_t at, std::size_t size) const override {
    std::string out(size, '\0');
    auto const count = read_bytes(fd_, at, out.data(), size);
    if (!count)
      fail("read", path_, errno);
    out.resize(*count);
    return out;
  }

  void sync() override {
    if (::fsync(fd_) != 0)
      fail("sync", path_, errno);
  }

  void cut(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
      fail("shorten", path_, errno);
  }

private:
  std::string path_;
  int fd_;
};

class PosixDisk final : public LogDisk {
public:
  explicit PosixDisk(std::string path) : path_(std::move(path)) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
    if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST)
      fail("make the folder", path_, errno);
    if (!std::filesystem::is_directory(path_, error))
      fail("make the folder", path_, ENOTDIR);
  }

  std::unique_ptr<LogFile> create(std::string const& name) override {
    remove(name);
    return std::make_unique<PosixFile>(path_ + "/" + name, O_RDWR | O_CREAT | O_EXCL);
  }
  std::unique_ptr<LogFile> open(std::string const& name) override {
    return std::make_unique<PosixFile>(path_ + "/" + name, O_RDWR);
  }
  std::vector<std::string> names() override {
    std::vector<std::string> out;
    std::error_code error;
    for (auto const& entry : std::filesystem::directory_iterator(path_, error))
      out.push_back(entry.path().filename().string());
    if (error)
      fail("read the folder", path_, error.value());
    return out;
  }
  void remove(std::string const& name) override {
    if (::unlink((path_ + "/" + name).c_str()) != 0 && errno != ENOENT)
      fail("remove", path_ + "/" + name, errno);
  }
  void sync_names() override {
    int const fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
      fail("open the folder", path_, errno);
    int const outcome = ::fsync(fd);
    int const error = errno;
    ::close(fd);
    if (outcome != 0)
      fail("sync the folder", path_, error);
  }
  std::string path() const override { return path_; }

private:
  std::string path_;
};

} // namespace

std::unique_ptr<LogDisk> open_log_folder(std::string const& path) {
  return std::make_unique<PosixDisk>(path);
}

} // namespace walrock
