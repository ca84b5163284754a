// A file system for SQLite that lies over the real one: it fails the calls that a test chooses, and
// knows what a disk would hold after a power cut. For tests; while one is there it is SQLite's
// default. One thread.
//
// A disk keeps what was synced. Of what was written since then it keeps any 512-byte sectors, in
// any order. A sync that fails loses them for good although a reader still sees them, as Linux does
// it.
#pragma once

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace walrock {

class FaultVfs {
public:
  enum class Call { write, sync, truncate, remove };
  struct File {
    std::string synced;
    struct Change {
      std::int64_t at = 0;
      std::string bytes;
      bool is_truncation = false; // to `at` bytes
    };
    std::vector<Change> unsynced;
  };
  using Disk = std::map<std::string, File>;

  FaultVfs();
  ~FaultVfs();
  FaultVfs(FaultVfs const&) = delete;
  FaultVfs& operator=(FaultVfs const&) = delete;

  // Asked before every call that changes a file: SQLITE_OK lets it through, another code is its
  // answer and the file stays as it is.
  std::function<int(Call, std::string const& path)> verdict;
  [[nodiscard]] Disk const& disk() const { return disk_; }

private:
  struct Opened;
  static FaultVfs& of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }
  static int open(sqlite3_vfs*, char const* name, sqlite3_file*, int flags, int* out_flags);
  static int remove(sqlite3_vfs*, char const* name, int sync_folder);
  static sqlite3_io_methods const* methods();
  int ask(Call call, std::string const& path) { return verdict ? verdict(call, path) : SQLITE_OK; }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  Disk disk_;
};

struct FaultVfs::Opened : sqlite3_file {
  FaultVfs* vfs;
  std::string* path;
  // The real file lies behind it.
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  static Opened& of(sqlite3_file* file) { return *static_cast<Opened*>(file); }
};

inline FaultVfs::FaultVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.zName = "fault";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(Opened)) + real_->szOsFile;
  vfs_.xOpen = &FaultVfs::open;
  vfs_.xDelete = &FaultVfs::remove;
  sqlite3_vfs_register(&vfs_, 1);
}

inline FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

inline int FaultVfs::open(sqlite3_vfs* self, char const* name, sqlite3_file* file, int flags,
                          int* out_flags) {
  FaultVfs& vfs = of(self);
  Opened& opened = Opened::of(file);
  opened.pMethods = nullptr;
  int const code = vfs.real_->xOpen(vfs.real_, name, opened.real(), flags, out_flags);
  if (code != SQLITE_OK)
    return code;
  opened.vfs = &vfs;
  opened.path = new std::string(name == nullptr ? "" : name);
  opened.pMethods = methods();
  if (!vfs.disk_.contains(*opened.path)) { // new, or renamed to this name after it was synced
    std::ifstream in(*opened.path, std::ios::binary);
    vfs.disk_[*opened.path].synced.assign(std::istreambuf_iterator<char>(in), {});
  }
  return SQLITE_OK;
}

inline int FaultVfs::remove(sqlite3_vfs* self, char const* name, int sync_folder) {
  FaultVfs& vfs = of(self);
  if (int const code = vfs.ask(Call::remove, name); code != SQLITE_OK)
    return code;
  vfs.disk_.erase(name);
  return vfs.real_->xDelete(vfs.real_, name, sync_folder);
}

inline void apply(std::string& content, FaultVfs::File::Change const& change) {
  auto const at = static_cast<std::size_t>(change.at);
  if (change.is_truncation) {
    content.resize(at);
    return;
  }
  if (content.size() < at + change.bytes.size())
    content.resize(at + change.bytes.size());
  content.replace(at, change.bytes.size(), change.bytes);
}

inline sqlite3_io_methods const* FaultVfs::methods() {
  static sqlite3_io_methods const of_faults = [] {
    sqlite3_io_methods m{};
    m.iVersion = 2; // with shared memory, without mapped files
    m.xClose = [](sqlite3_file* f) {
      Opened& o = Opened::of(f);
      delete o.path;
      return o.real()->pMethods->xClose(o.real());
    };
    m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xRead(real, to, size, at);
    };
    m.xWrite = [](sqlite3_file* f, void const* from, int size, sqlite3_int64 at) {
      Opened& o = Opened::of(f);
      if (int const code = o.vfs->ask(Call::write, *o.path); code != SQLITE_OK)
        return code;
      std::string bytes(static_cast<char const*>(from), static_cast<std::size_t>(size));
      o.vfs->disk_[*o.path].unsynced.push_back({at, std::move(bytes), false});
      return o.real()->pMethods->xWrite(o.real(), from, size, at);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      Opened& o = Opened::of(f);
      if (int const code = o.vfs->ask(Call::truncate, *o.path); code != SQLITE_OK)
        return code;
      o.vfs->disk_[*o.path].unsynced.push_back({size, "", true});
      return o.real()->pMethods->xTruncate(o.real(), size);
    };
    m.xSync = [](sqlite3_file* f, int) {
      Opened& o = Opened::of(f);
      File& file = o.vfs->disk_[*o.path];
      if (int const code = o.vfs->ask(Call::sync, *o.path); code != SQLITE_OK) {
        file.unsynced.clear();
        return code;
      }
      for (File::Change const& change : file.unsynced)
        apply(file.synced, change);
      file.unsynced.clear();
      return SQLITE_OK; // the disk under the tests need not be waited for
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xFileSize(real, size);
    };
    m.xLock = [](sqlite3_file* f, int level) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xLock(real, level);
    };
    m.xUnlock = [](sqlite3_file* f, int level) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xUnlock(real, level);
    };
    m.xCheckReservedLock = [](sqlite3_file* f, int* is_reserved) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xCheckReservedLock(real, is_reserved);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xFileControl(real, op, argument);
    };
    m.xSectorSize = [](sqlite3_file*) { return 512; };
    // Nothing is promised: neither atomic writes nor an order.
    m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xShmMap(real, page, size, extend, to);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xShmLock(real, offset, count, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) {
      sqlite3_file* const real = Opened::of(f).real();
      real->pMethods->xShmBarrier(real);
    };
    m.xShmUnmap = [](sqlite3_file* f, int remove_file) {
      sqlite3_file* const real = Opened::of(f).real();
      return real->pMethods->xShmUnmap(real, remove_file);
    };
    return m;
  }();
  return &of_faults;
}

// What is on the platter after a power cut: the bytes of every file by its path.
inline std::map<std::string, std::string> after_power_cut(FaultVfs::Disk const& disk,
                                                          double kept_share, std::mt19937& dice) {
  constexpr std::size_t kSector = 512;
  std::map<std::string, std::string> out;
  std::bernoulli_distribution is_kept(kept_share);
  for (auto const& [path, file] : disk) {
    std::string content = file.synced;
    for (FaultVfs::File::Change const& change : file.unsynced) {
      if (change.is_truncation) {
        if (is_kept(dice))
          apply(content, change);
        continue;
      }
      for (std::size_t from = 0; from < change.bytes.size(); from += kSector)
        if (is_kept(dice))
          apply(content, {change.at + static_cast<std::int64_t>(from),
                          change.bytes.substr(from, kSector), false});
    }
    out[path] = std::move(content);
  }
  return out;
}

} // namespace walrock
