// The durable spool's way to the disk beside plain writes of the same bytes: stream_log FOLDER
// [MB].
//
// Both append the same payloads and sync every 50 ms, in turns, five rounds; the log also looks at
// every message, compresses and sums. The line is the median of log / plain, and the rates.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "runtime/stream_log.h"

namespace walrock {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kSyncEvery = std::chrono::milliseconds(50);
constexpr int kTransaction = 1000; // payloads
constexpr int kRounds = 5;

// Rows of about 150 bytes, no two alike.
std::vector<std::string> some_payloads() {
  std::vector<std::string> out;
  for (int i = 0; i < 100'000; ++i) {
    std::string row = "I row " + std::to_string(i) + " reference ";
    for (unsigned state = 2654435761U * static_cast<unsigned>(i + 1); row.size() < 150;
         state = state * 1664525U + 1013904223U)
      row += static_cast<char>('a' + (state >> 24) % 26);
    out.push_back(std::move(row));
  }
  return out;
}

template <typename Append, typename Sync>
double seconds_of(std::vector<std::string> const& payloads, std::uint64_t bytes, Append append,
                  Sync sync) {
  auto const began = Clock::now();
  auto due = began + kSyncEvery;
  std::uint64_t done = 0;
  for (std::size_t i = 0; done < bytes; ++i) {
    std::string const& payload = payloads[i % payloads.size()];
    append(payload, i);
    done += payload.size();
    if (i % kTransaction == 0 && Clock::now() >= due) {
      sync();
      due = Clock::now() + kSyncEvery;
    }
  }
  sync();
  return std::chrono::duration<double>(Clock::now() - began).count();
}

double logged(std::string const& folder, std::vector<std::string> const& payloads,
              std::uint64_t bytes) {
  StreamLogSettings settings;
  settings.log_id = settings.job_id = "bench";
  StreamLog log(open_log_folder(folder), settings, {{}, Lsn{1}});
  Lsn end{1};
  return seconds_of(
      payloads, bytes,
      [&](std::string const& payload, std::size_t i) {
        log.append(std::as_bytes(std::span(payload)));
        end.value += payload.size();
        if (i % kTransaction == kTransaction - 1) {
          log.append_boundary(end);
          log.flush();
        }
      },
      [&] {
        log.append_boundary(end);
        log.flush();
        (void)log.sync();
      });
}

double plain(std::string const& path, std::vector<std::string> const& payloads,
             std::uint64_t bytes) {
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::string gathered;
  off_t at = 0;
  auto const write = [&] {
    if (::pwrite(fd, gathered.data(), gathered.size(), at) != static_cast<ssize_t>(gathered.size()))
      std::exit(1);
    at += static_cast<off_t>(gathered.size());
    gathered.clear();
  };
  double const seconds = seconds_of(
      payloads, bytes,
      [&](std::string const& payload, std::size_t) {
        gathered += payload;
        if (gathered.size() >= 256 << 10)
          write();
      },
      [&] {
        write();
        (void)::fdatasync(fd);
      });
  ::close(fd);
  return seconds;
}

int run(std::string const& folder, std::uint64_t bytes) {
  std::vector<std::string> const payloads = some_payloads();
  std::vector<double> ratios, ours, theirs;
  for (int round = 0; round < kRounds; ++round) {
    theirs.push_back(plain(folder + "/plain", payloads, bytes));
    ours.push_back(logged(folder + "/log", payloads, bytes));
    std::filesystem::remove_all(folder + "/log");
    std::filesystem::remove(folder + "/plain");
    ratios.push_back(theirs.back() / ours.back());
  }
  for (auto* const numbers : {&ratios, &ours, &theirs})
    std::sort(numbers->begin(), numbers->end());
  double const size = static_cast<double>(bytes) / 1e6;
  std::printf("durable spool %.0f MB/s, plain %.0f MB/s, ratio %.2f (%.2f to %.2f)\n",
              size / ours[kRounds / 2], size / theirs[kRounds / 2], ratios[kRounds / 2],
              ratios.front(), ratios.back());
  return 0;
}

} // namespace
} // namespace walrock

int main(int count, char** arguments) {
  if (count < 2) {
    std::printf("usage: bench_stream_log FOLDER [MB]\n");
    return 2;
  }
  std::uint64_t const megabytes = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 256;
  return walrock::run(arguments[1], megabytes * 1'000'000);
}
