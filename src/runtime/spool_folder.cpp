#include "runtime/spool_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"

namespace walrock {

namespace {

constexpr std::size_t kWriteBytes = 256 << 10;
constexpr std::size_t kReadBytes = 1 << 20;

[[noreturn]] void fail(std::string const& path, char const* what) {
  throw Error(ErrorCode::spool_failed,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

void write_all(int fd, char const* bytes, std::size_t count, std::string const& path) {
  while (count > 0) {
    ssize_t const n = ::write(fd, bytes, count);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      fail(path, "write");
    bytes += n;
    count -= static_cast<std::size_t>(n);
  }
}

// An open file that has no name any more: it goes when it is closed, also after kill -9.
class UnnamedFile {
public:
  explicit UnnamedFile(std::string path) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd_ < 0)
      fail(path_, "create");
    ::unlink(path_.c_str());
  }
  ~UnnamedFile() { ::close(fd_); }
  UnnamedFile(UnnamedFile const&) = delete;
  UnnamedFile& operator=(UnnamedFile const&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string const& path() const { return path_; }

  std::size_t read_at(std::uint64_t offset, char* to, std::size_t count) const {
    for (;;) {
      ssize_t const n = ::pread(fd_, to, count, static_cast<off_t>(offset));
      if (n >= 0)
        return static_cast<std::size_t>(n);
      if (errno != EINTR)
        fail(path_, "read");
    }
  }

private:
  std::string path_;
  int fd_ = -1;
};

class SpooledFile final : public SpooledBytes {
public:
  SpooledFile(std::string path, std::string const& bytes)
      : file_(std::move(path)), size_(bytes.size()) {
    write_all(file_.fd(), bytes.data(), bytes.size(), file_.path());
  }

  [[nodiscard]] std::string read() const override {
    std::string out(size_, '\0');
    for (std::size_t at = 0; at < size_;) {
      std::size_t const n = file_.read_at(at, out.data() + at, size_ - at);
      if (n == 0) {
        errno = EIO;
        fail(file_.path(), "read all of");
      }
      at += n;
    }
    return out;
  }

private:
  UnnamedFile file_;
  std::size_t size_;
};

} // namespace

SpoolFolder::SpoolFolder(std::string path) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  std::filesystem::create_directories(path_, error);
  if (error) {
    errno = error.value();
    fail(path_, "create");
  }
}

std::string SpoolFolder::new_path(char const* kind) {
  MutexLock const lock(mutex_);
  return fmt::format("{}/{}.{}", path_, kind, ++last_);
}

void SpoolFolder::spool(Body& body) {
  if (body.spooled != nullptr || body.bytes.empty())
    return;
  body.spooled = std::make_unique<SpooledFile>(new_path("body"), body.bytes);
  std::string().swap(body.bytes);
  body.charge.resize(0);
}

// A record is u32 size, u32 sub_xid, payload; in the byte order of this machine.
struct TransactionSpool::File {
  explicit File(std::string path) : file(std::move(path)) {}
  UnnamedFile file;
  std::string unwritten;
};

TransactionSpool::TransactionSpool(SpoolFolder& folder) : folder_(folder) {}
TransactionSpool::~TransactionSpool() = default;

void TransactionSpool::append(std::uint32_t xid, std::uint32_t sub_xid,
                              std::span<std::byte const> payload) {
  std::unique_ptr<File>& file = files_[xid];
  if (file == nullptr)
    file = std::make_unique<File>(folder_.new_path("transaction"));
  auto const size = static_cast<std::uint32_t>(payload.size());
  file->unwritten.append(reinterpret_cast<char const*>(&size), sizeof size);
  file->unwritten.append(reinterpret_cast<char const*>(&sub_xid), sizeof sub_xid);
  file->unwritten.append(reinterpret_cast<char const*>(payload.data()), payload.size());
  if (file->unwritten.size() >= kWriteBytes)
    flush(*file);
}

void TransactionSpool::flush(File& file) {
  write_all(file.file.fd(), file.unwritten.data(), file.unwritten.size(), file.file.path());
  file.unwritten.clear();
}

void TransactionSpool::replay(std::uint32_t xid, std::set<std::uint32_t> const& aborted,
                              std::function<bool(std::span<std::byte const>)> const& take) {
  auto const found = files_.find(xid);
  if (found == files_.end())
    return; // it held nothing
  std::unique_ptr<File> const file = std::move(found->second);
  files_.erase(found);
  flush(*file);
  std::string buffer;
  std::size_t at = 0; // of the next record in buffer
  std::uint64_t offset = 0;
  std::size_t const head = 2 * sizeof(std::uint32_t);
  // True when the buffer holds `want` bytes from `at`; false at the end of the file.
  auto const fill = [&](std::size_t want) {
    while (buffer.size() - at < want) {
      buffer.erase(0, at);
      at = 0;
      std::size_t const size = buffer.size();
      buffer.resize(size + std::max(kReadBytes, want - size));
      std::size_t const n = file->file.read_at(offset, buffer.data() + size, buffer.size() - size);
      buffer.resize(size + n);
      offset += n;
      if (n == 0)
        return false;
    }
    return true;
  };
  while (fill(head)) {
    std::uint32_t size = 0;
    std::uint32_t sub_xid = 0;
    std::memcpy(&size, buffer.data() + at, sizeof size);
    std::memcpy(&sub_xid, buffer.data() + at + sizeof size, sizeof sub_xid);
    if (!fill(head + size)) {
      errno = EIO;
      fail(file->file.path(), "read all of");
    }
    std::span<std::byte const> const payload(
        reinterpret_cast<std::byte const*>(buffer.data() + at + head), size);
    at += head + size;
    if (!aborted.contains(sub_xid) && !take(payload))
      return;
  }
}

void TransactionSpool::forget(std::uint32_t xid) {
  files_.erase(xid);
}
void TransactionSpool::clear() {
  files_.clear();
}

} // namespace walrock
