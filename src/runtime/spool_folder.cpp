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
constexpr Milliseconds kFirstRetry(100);
constexpr Milliseconds kLastRetry(5'000);

[[noreturn]] void fail(std::string const& path, char const* what) {
  throw Error(ErrorCode::spool_failed,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

[[noreturn]] void fail_damaged(std::string const& path) {
  errno = EIO;
  fail(path, "read all of");
}

// For a person: what, where, and what to do.
std::string told(Error const& error) {
  return fmt::format("the spool waits for its disk: {}. What it does not take stays in memory, and "
                     "nothing is read until it does. {}",
                     error.what(), error.advice());
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

std::string unpacked(std::string_view in, std::size_t size, std::string const& path) {
  std::string out(size, '\0');
  int const got = LZ4_decompress_safe(in.data(), out.data(), static_cast<int>(in.size()),
                                      static_cast<int>(out.size()));
  if (got < 0 || static_cast<std::size_t>(got) != size)
    fail_damaged(path);
  return out;
}

std::string packed_in(UnnamedFile const& file, std::uint64_t offset, std::size_t packed_size) {
  std::string in(packed_size, '\0');
  file.read_at(offset, in.data(), in.size());
  return in;
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

// The bytes of one body, compressed: in memory until the disk has taken them.
class SpoolFolder::Content {
public:
  Content(std::string packed, std::size_t size) : packed_(std::move(packed)), size_(size) {}
  ~Content() { end_hold(); }
  Content(Content const&) = delete;
  Content& operator=(Content const&) = delete;

  // Before anybody else knows of it.
  void hold(Charge charge, std::shared_ptr<std::atomic<std::size_t>> held) {
    packed_.shrink_to_fit();
    charge_ = std::move(charge);
    charge_.resize(packed_.capacity());
    held_ = std::move(held);
    held_->fetch_add(1);
  }

  // Nobody else changes them.
  [[nodiscard]] std::string_view packed() const { return packed_; }

  void move_to(std::shared_ptr<Segment> segment, std::uint64_t offset) {
    MutexLock const lock(mutex_);
    segment_ = std::move(segment);
    offset_ = offset;
    packed_size_ = packed_.size();
    std::string().swap(packed_);
    charge_.resize(0);
    end_hold();
  }

  [[nodiscard]] std::string read() const {
    {
      MutexLock const lock(mutex_);
      if (segment_ == nullptr)
        return unpacked(packed_, size_, "memory");
    }
    UnnamedFile const& file = segment_->file(); // once there, it stays
    return unpacked(packed_in(file, offset_, packed_size_), size_, file.path());
  }

private:
  void end_hold() {
    if (auto const held = std::exchange(held_, nullptr))
      held->fetch_sub(1);
  }

  mutable Mutex mutex_; // around the one change from memory to disk
  std::string packed_;
  Charge charge_; // for packed_, while it is held
  std::shared_ptr<std::atomic<std::size_t>> held_;
  std::shared_ptr<Segment> segment_; // nullptr: in memory
  std::uint64_t offset_ = 0;
  std::size_t packed_size_ = 0; // in the segment
  std::size_t size_;
};

class SpoolFolder::SpooledBody final : public SpooledBytes {
public:
  explicit SpooledBody(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  [[nodiscard]] std::string read() const override { return content_->read(); }

private:
  std::shared_ptr<Content> content_;
};

SpoolFolder::SpoolFolder(std::string path, std::uint64_t limit)
    : path_(std::move(path)), limit_(limit), used_(std::make_shared<std::atomic<std::uint64_t>>(0)),
      held_(std::make_shared<std::atomic<std::size_t>>(0)),
      retry_backoff_(kFirstRetry, kLastRetry) {
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
  auto const content = std::make_shared<Content>(packed(body.bytes, path_), body.bytes.size());
  std::string().swap(body.bytes);
  try {
    write(*content);
    body.charge.resize(0);
  } catch (Error const& error) {
    MutexLock const lock(mutex_);
    content->hold(std::move(body.charge), held_);
    refused_.push_back(content);
    fault_ = told(error);
  }
  body.spooled = std::make_unique<SpooledBody>(content);
}

void SpoolFolder::write(Content& content) {
  MutexLock const lock(write_mutex_);
  std::shared_ptr<Segment> segment = segment_.lock();
  if (segment == nullptr || segment->file().size() >= std::min(kSegmentBytes, limit_ / 8))
    segment_ = segment = std::make_shared<Segment>(new_path("bodies"), used_);
  std::uint64_t const at = segment->append(content.packed());
  content.move_to(std::move(segment), at);
}

void SpoolFolder::retry(TimePoint now) {
  if (held_->load() == 0 || now < retry_at_)
    return;
  std::vector<std::weak_ptr<Content>> waiting;
  {
    MutexLock const lock(mutex_);
    waiting.swap(refused_);
  }
  std::size_t done = 0;
  try {
    for (; done < waiting.size(); ++done)
      if (auto const content = waiting[done].lock())
        write(*content);
    retry_backoff_.reset();
  } catch (Error const& error) {
    retry_at_ = now + retry_backoff_.next();
    MutexLock const lock(mutex_);
    refused_.insert(refused_.end(), waiting.begin() + static_cast<std::ptrdiff_t>(done),
                    waiting.end());
    fault_ = told(error);
  }
}

std::string SpoolFolder::trouble() const {
  if (held_->load() == 0)
    return {};
  MutexLock const lock(mutex_);
  return fault_;
}

// Records of u32 size, u32 sub_xid, payload, in the byte order of this machine, gathered into
// chunks that are compressed.
struct TransactionSpool::File {
  struct Chunk {
    std::uint64_t offset = 0;
    std::size_t packed_size = 0;
    std::size_t size = 0;
  };
  std::unique_ptr<UnnamedFile> file; // of the first chunk on
  std::vector<Chunk> chunks;
  std::string unwritten;

  [[nodiscard]] bool is_large() const { return unwritten.size() >= kChunkBytes; }
};

TransactionSpool::TransactionSpool(SpoolFolder& folder)
    : folder_(folder), retry_backoff_(kFirstRetry, kLastRetry) {}
TransactionSpool::~TransactionSpool() = default;

void TransactionSpool::append(std::uint32_t xid, std::uint32_t sub_xid,
                              std::span<std::byte const> payload) {
  std::unique_ptr<File>& file = files_[xid];
  if (file == nullptr)
    file = std::make_unique<File>();
  auto const size = static_cast<std::uint32_t>(payload.size());
  file->unwritten.append(reinterpret_cast<char const*>(&size), sizeof size);
  file->unwritten.append(reinterpret_cast<char const*>(&sub_xid), sizeof sub_xid);
  file->unwritten.append(reinterpret_cast<char const*>(payload.data()), payload.size());
  flush_large(*file);
}

void TransactionSpool::flush_large(File& file) {
  if (!file.is_large())
    return;
  try {
    flush(file);
  } catch (Error const& error) {
    trouble_ = told(error);
  }
}

void TransactionSpool::flush(File& file) {
  if (file.file == nullptr)
    file.file = std::make_unique<UnnamedFile>(folder_.new_path("transaction"));
  std::string const bytes = packed(file.unwritten, file.file->path());
  file.chunks.push_back({file.file->append(bytes), bytes.size(), file.unwritten.size()});
  file.unwritten.clear();
}

void TransactionSpool::retry(TimePoint now) {
  if (has_room() || now < retry_at_)
    return;
  for (auto const& [xid, file] : files_)
    flush_large(*file);
  look_for_room();
  if (has_room())
    retry_backoff_.reset();
  else
    retry_at_ = now + retry_backoff_.next();
}

void TransactionSpool::look_for_room() {
  if (!has_room() && std::none_of(files_.begin(), files_.end(),
                                  [](auto const& entry) { return entry.second->is_large(); }))
    trouble_.clear();
}

void TransactionSpool::replay(std::uint32_t xid, std::set<std::uint32_t> const& aborted,
                              std::function<bool(std::span<std::byte const>)> const& take) {
  auto const found = files_.find(xid);
  if (found == files_.end())
    return; // it held nothing
  std::unique_ptr<File> const file = std::move(found->second);
  forget(xid);
  auto const take_records = [&](std::string_view records) {
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
        return false;
    }
    return true;
  };
  for (File::Chunk const& chunk : file->chunks)
    if (!take_records(unpacked(packed_in(*file->file, chunk.offset, chunk.packed_size), chunk.size,
                               file->file->path())))
      return;
  (void)take_records(file->unwritten);
}

void TransactionSpool::forget(std::uint32_t xid) {
  files_.erase(xid);
  look_for_room();
}
void TransactionSpool::clear() {
  files_.clear();
  trouble_.clear();
}

} // namespace walrock
