#include "runtime/spool_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <lz4.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file_bytes.h"

namespace walrock {

namespace {

constexpr std::size_t kChunkBytes = 256 << 10;         // of a transaction in progress
constexpr std::uint64_t kSegmentBytes = 64ULL << 20;   // on disk, of bodies
constexpr std::size_t kMostBytes = LZ4_MAX_INPUT_SIZE; // in one piece

[[noreturn]] void fail(std::string const& path, char const* what) {
  throw Error(ErrorCode::spool_failed,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

[[noreturn]] void fail_damaged(std::string const& path) {
  errno = EIO;
  fail(path, "read all of");
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

  [[nodiscard]] std::string const& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // At the end; returns where. What a failed write left there is written over by the next.
  std::uint64_t append(std::string_view bytes) {
    if (!write_bytes(fd_, size_, bytes))
      fail(path_, "write");
    return std::exchange(size_, size_ + bytes.size());
  }

  void read_at(std::uint64_t offset, char* to, std::size_t count) const {
    auto const there = read_bytes(fd_, offset, to, count);
    if (!there)
      fail(path_, "read");
    if (*there < count)
      fail_damaged(path_);
  }

private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// LZ4's block format: the sizes are kept by whoever keeps the place.
std::string packed(std::string_view bytes, std::string const& path) {
  if (bytes.size() > kMostBytes) {
    errno = EFBIG;
    fail(path, "compress for");
  }
  auto const size = static_cast<int>(bytes.size());
  std::string out(static_cast<std::size_t>(LZ4_compressBound(size)), '\0');
  int const packed_size =
      LZ4_compress_default(bytes.data(), out.data(), size, static_cast<int>(out.size()));
  WALROCK_ASSERT(packed_size > 0, "lz4 fails only without room");
  out.resize(static_cast<std::size_t>(packed_size));
  return out;
}

std::string unpacked(UnnamedFile const& file, std::uint64_t offset, std::size_t packed_size,
                     std::size_t size) {
  std::string in(packed_size, '\0');
  file.read_at(offset, in.data(), in.size());
  std::string out(size, '\0');
  int const got = LZ4_decompress_safe(in.data(), out.data(), static_cast<int>(in.size()),
                                      static_cast<int>(out.size()));
  if (got < 0 || static_cast<std::size_t>(got) != size)
    fail_damaged(file.path());
  return out;
}

} // namespace

// Counts its bytes while it is there.
class SpoolFolder::Segment {
public:
  Segment(std::string path, std::shared_ptr<std::atomic<std::uint64_t>> used)
      : file_(std::move(path)), used_(std::move(used)) {}
  ~Segment() { used_->fetch_sub(file_.size(), std::memory_order_relaxed); }
  Segment(Segment const&) = delete;
  Segment& operator=(Segment const&) = delete;

  std::uint64_t append(std::string_view bytes) {
    std::uint64_t const at = file_.append(bytes);
    used_->fetch_add(bytes.size(), std::memory_order_relaxed);
    return at;
  }
  [[nodiscard]] UnnamedFile const& file() const { return file_; }

private:
  UnnamedFile file_;
  std::shared_ptr<std::atomic<std::uint64_t>> used_;
};

class SpoolFolder::SpooledBody final : public SpooledBytes {
public:
  SpooledBody(std::shared_ptr<Segment> segment, std::uint64_t offset, std::size_t packed_size,
              std::size_t size)
      : segment_(std::move(segment)), offset_(offset), packed_size_(packed_size), size_(size) {}

  [[nodiscard]] std::string read() const override {
    return unpacked(segment_->file(), offset_, packed_size_, size_);
  }

private:
  std::shared_ptr<Segment> segment_;
  std::uint64_t offset_;
  std::size_t packed_size_;
  std::size_t size_;
};

SpoolFolder::SpoolFolder(std::string path, std::uint64_t limit)
    : path_(std::move(path)), limit_(limit),
      used_(std::make_shared<std::atomic<std::uint64_t>>(0)) {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  std::filesystem::create_directories(path_, error);
  if (error) {
    errno = error.value();
    fail(path_, "create");
  }
}

SpoolFolder::~SpoolFolder() = default;

std::string SpoolFolder::new_path(char const* kind) {
  MutexLock const lock(mutex_);
  return fmt::format("{}/{}.{}", path_, kind, ++last_);
}

void SpoolFolder::spool(Body& body) {
  if (body.spooled != nullptr || body.bytes.empty())
    return;
  std::string const bytes = packed(body.bytes, path_);
  {
    MutexLock const lock(write_mutex_);
    std::shared_ptr<Segment> segment = segment_.lock();
    if (segment == nullptr || segment->file().size() >= std::min(kSegmentBytes, limit_ / 8))
      segment_ = segment = std::make_shared<Segment>(new_path("bodies"), used_);
    std::uint64_t const at = segment->append(bytes);
    body.spooled = std::make_unique<SpooledBody>(segment, at, bytes.size(), body.bytes.size());
  }
  std::string().swap(body.bytes);
  body.charge.resize(0);
}

// Records of u32 size, u32 sub_xid, payload, in the byte order of this machine, gathered into
// chunks that are compressed.
struct TransactionSpool::File {
  explicit File(std::string path) : file(std::move(path)) {}
  struct Chunk {
    std::uint64_t offset = 0;
    std::size_t packed_size = 0;
    std::size_t size = 0;
  };
  UnnamedFile file;
  std::string unwritten;
  std::vector<Chunk> chunks;
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
  if (file->unwritten.size() >= kChunkBytes)
    flush(*file);
}

void TransactionSpool::flush(File& file) {
  if (file.unwritten.empty())
    return;
  std::string const bytes = packed(file.unwritten, file.file.path());
  file.chunks.push_back({file.file.append(bytes), bytes.size(), file.unwritten.size()});
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
  for (File::Chunk const& chunk : file->chunks) {
    std::string const records = unpacked(file->file, chunk.offset, chunk.packed_size, chunk.size);
    for (std::size_t at = 0; at < records.size();) {
      std::uint32_t size = 0;
      std::uint32_t sub_xid = 0;
      std::memcpy(&size, records.data() + at, sizeof size);
      std::memcpy(&sub_xid, records.data() + at + sizeof size, sizeof sub_xid);
      at += sizeof size + sizeof sub_xid;
      std::span<std::byte const> const payload(
          reinterpret_cast<std::byte const*>(records.data() + at), size);
      at += size;
      if (!aborted.contains(sub_xid) && !take(payload))
        return;
    }
  }
}

void TransactionSpool::forget(std::uint32_t xid) {
  files_.erase(xid);
}
void TransactionSpool::clear() {
  files_.clear();
}

} // namespace walrock
