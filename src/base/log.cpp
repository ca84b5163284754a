#include "base/log.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "base/mutex.h"

namespace walrock::log {

namespace {

std::atomic<Level> lowest{Level::info};
std::atomic<Sink> sink{nullptr};

char const* word(Level level) {
  switch (level) {
  case Level::debug: return "debug";
  case Level::info: return "info";
  case Level::warning: return "warning";
  case Level::error: return "error";
  case Level::off: return "off";
  }
  return "";
}

std::string timestamp() {
  auto const now = std::chrono::system_clock::now();
  std::time_t const seconds = std::chrono::system_clock::to_time_t(now);
  auto const millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

} // namespace

void set_level(Level level) {
  lowest = level;
}
void set_sink(Sink to) {
  sink = to;
}

void write(Level level, std::string_view message) {
  if (level < lowest.load())
    return;
  std::string const line = fmt::format("{} {} {}", timestamp(), word(level), message);
  if (Sink const to = sink.load(); to != nullptr) {
    to(level, line);
    return;
  }
  // One call, so that lines of several threads do not mix.
  std::fputs((line + "\n").c_str(), stderr);
}

} // namespace walrock::log
