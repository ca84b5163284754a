// A disk in memory that loses what was not synced, and refuses when a test says so. A sync that
// fails loses what it was to write for good, although a reader still sees it, as Linux does it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "base/error.h"
#include "runtime/log_disk.h"

namespace walrock {

struct MemoryDisk {
  struct Content {
    std::string seen;
    std::string synced;
    std::string cut_away; // what a power cut may bring back
  };
  using Names = std::map<std::string, std::shared_ptr<Content>>;
  Names seen;
  Names synced;
  enum class Call { create, write, sync, cut, remove, sync_names };
  // Asked before every call that changes something; true: it is refused.
  std::function<bool(Call, std::string const& name)> refuses;

  void ask(Call call, std::string const& name) const {
    if (refuses && refuses(call, name))
      throw Error(ErrorCode::spool_failed, "the disk refuses");
  }

  // What another program finds after a power cut: of what was not synced any beginning, and of the
  // names that were made or removed since any.
  [[nodiscard]] std::shared_ptr<MemoryDisk> after_power_cut(std::mt19937& dice) const {
    auto out = std::make_shared<MemoryDisk>();
    Names all = synced;
    all.insert(seen.begin(), seen.end());
    for (auto const& [name, content] : all) {
      bool const was = synced.contains(name);
      bool const is = seen.contains(name);
      auto const& kept = is ? seen.at(name) : synced.at(name);
      if (was != is && dice() % 2 == 0)
        continue;
      auto left = std::make_shared<Content>();
      left->seen = kept->synced;
      if (dice() % 2 == 0 && kept->seen.size() > left->seen.size())
        left->seen = kept->seen.substr(0, left->seen.size() +
                                              dice() % (kept->seen.size() - left->seen.size() + 1));
      if (dice() % 4 == 0)
        left->seen += kept->cut_away; // garbage behind the end
      left->synced = left->seen;
      out->seen[name] = out->synced[name] = left;
    }
    return out;
  }
};

class MemoryFile final : public LogFile {
public:
  MemoryFile(std::shared_ptr<MemoryDisk> disk, std::string name,
             std::shared_ptr<MemoryDisk::Content> content)
      : disk_(std::move(disk)), name_(std::move(name)), content_(std::move(content)) {}
  void write(std::uint64_t at, std::string_view bytes) override {
    disk_->ask(MemoryDisk::Call::write, name_);
    std::string& seen = content_->seen;
    if (seen.size() < at + bytes.size())
      seen.resize(at + bytes.size());
    seen.replace(at, bytes.size(), bytes);
  }
  std::string read(std::uint64_t at, std::size_t size) const override {
    return at >= content_->seen.size() ? std::string() : content_->seen.substr(at, size);
  }
  void sync() override {
    try {
      disk_->ask(MemoryDisk::Call::sync, name_);
    } catch (Error const&) {
      has_lost_ = true;
      throw;
    }
    if (!has_lost_) // else the pages count as clean, and nothing is written
      content_->synced = content_->seen;
  }
  void cut(std::uint64_t size) override {
    disk_->ask(MemoryDisk::Call::cut, name_);
    content_->cut_away = content_->seen.substr(size);
    content_->seen.resize(size);
  }

private:
  std::shared_ptr<MemoryDisk> disk_;
  std::string name_;
  std::shared_ptr<MemoryDisk::Content> content_;
  bool has_lost_ = false;
};

class MemoryLogDisk final : public LogDisk {
public:
  explicit MemoryLogDisk(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}
  std::unique_ptr<LogFile> create(std::string const& name) override {
    disk_->ask(MemoryDisk::Call::create, name);
    disk_->seen[name] = std::make_shared<MemoryDisk::Content>();
    return open(name);
  }
  std::unique_ptr<LogFile> open(std::string const& name) override {
    return std::make_unique<MemoryFile>(disk_, name, disk_->seen.at(name));
  }
  std::vector<std::string> names() override {
    std::vector<std::string> out;
    for (auto const& [name, content] : disk_->seen)
      out.push_back(name);
    return out;
  }
  void remove(std::string const& name) override {
    disk_->ask(MemoryDisk::Call::remove, name);
    disk_->seen.erase(name);
  }
  void sync_names() override {
    disk_->ask(MemoryDisk::Call::sync_names, "");
    disk_->synced = disk_->seen;
  }
  std::string path() const override { return "memory"; }

private:
  std::shared_ptr<MemoryDisk> disk_;
};

} // namespace walrock
