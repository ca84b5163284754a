// simulate: seeded runs of the pipeline under a virtual clock.
//
//   simulate --seeds 10000              runs seeds 1 to 10000
//   simulate --seed 4711 --trace        one run, with what happened
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "simulation/run.h"

namespace walrock::simulation {
namespace {

struct Wanted {
  std::uint64_t first = 1;
  std::uint64_t count = 1000;
  bool is_traced = false;
  std::size_t most_wrong = 10; // runs; then it stops
  unsigned threads = 1;
};

struct Sum {
  std::uint64_t runs = 0;
  std::uint64_t crashes = 0;
  std::uint64_t transactions = 0;
  std::uint64_t with_quarantine = 0; // runs in which rows were there
  std::uint64_t with_spool = 0;      // a durable one
  std::uint64_t power_cuts = 0;
  std::uint64_t spools_lost = 0;
  std::uint64_t spools_missed = 0;
  std::uint64_t copies_again = 0; // because of partitions
  std::uint64_t with_groups = 0;  // transactions across tables
  std::uint64_t never_apart = 0;
  std::uint64_t groups = 0;
  std::map<std::string, int> set_aside;
  std::map<std::uint64_t, Outcome> wrong;
};

void print(std::uint64_t seed, Outcome const& outcome) {
  for (std::string const& line : outcome.trace)
    std::printf("%s\n", line.c_str());
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
              outcome.is_right ? "right" : outcome.violation.c_str());
}

Sum run_all(Wanted const& wanted) {
  Sum sum;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{wanted.first};
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < wanted.threads; ++i)
    threads.emplace_back([&] {
      for (std::uint64_t seed = next++; seed < wanted.first + wanted.count; seed = next++) {
        Outcome outcome = run(seed, wanted.is_traced);
        std::lock_guard const lock(mutex);
        ++sum.runs;
        sum.crashes += static_cast<std::uint64_t>(outcome.crashes);
        sum.transactions += static_cast<std::uint64_t>(outcome.transactions);
        sum.with_quarantine += outcome.most_quarantined > 0 ? 1 : 0;
        sum.with_spool += outcome.has_durable_spool ? 1 : 0;
        sum.power_cuts += static_cast<std::uint64_t>(outcome.power_cuts);
        sum.spools_lost += static_cast<std::uint64_t>(outcome.spools_lost);
        sum.spools_missed += static_cast<std::uint64_t>(outcome.spools_missed);
        sum.copies_again += static_cast<std::uint64_t>(outcome.copies_again);
        sum.with_groups += outcome.together > 0 ? 1 : 0;
        sum.never_apart += outcome.is_never_apart ? 1 : 0;
        sum.groups += static_cast<std::uint64_t>(outcome.together);
        for (auto const& [reason, count] : outcome.set_aside_because)
          sum.set_aside[reason] += count;
        if (wanted.is_traced)
          print(seed, outcome);
        if (!outcome.is_right)
          sum.wrong.emplace(seed, std::move(outcome));
        if (sum.wrong.size() >= wanted.most_wrong)
          return;
      }
    });
  threads.clear();
  return sum;
}

int report(Wanted const& wanted, Sum const& sum, double seconds) {
  std::printf("%llu runs, %llu source transactions, %llu crashes and restarts in %.1f s\n",
              static_cast<unsigned long long>(sum.runs),
              static_cast<unsigned long long>(sum.transactions),
              static_cast<unsigned long long>(sum.crashes), seconds);
  std::printf("rows in quarantine in %llu runs\n",
              static_cast<unsigned long long>(sum.with_quarantine));
  std::printf(
      "a durable spool in %llu runs, %llu power cuts, %llu times lost and %llu times switched "
      "off while it was needed\n",
      static_cast<unsigned long long>(sum.with_spool),
      static_cast<unsigned long long>(sum.power_cuts),
      static_cast<unsigned long long>(sum.spools_lost),
      static_cast<unsigned long long>(sum.spools_missed));
  std::printf("tables copied again because of their partitions: %llu\n",
              static_cast<unsigned long long>(sum.copies_again));
  std::printf("transactions across tables in %llu runs, %llu of them; in %llu runs no table may go "
              "by itself\n",
              static_cast<unsigned long long>(sum.with_groups),
              static_cast<unsigned long long>(sum.groups),
              static_cast<unsigned long long>(sum.never_apart));
  for (auto const& [reason, count] : sum.set_aside)
    std::printf("tables set aside, %s: %d\n", reason.c_str(), count);
  for (auto const& [seed, outcome] : sum.wrong)
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                outcome.violation.c_str());
  if (!sum.wrong.empty() && !wanted.is_traced) {
    std::printf("\nwhat happened in the first of them:\n");
    print(sum.wrong.begin()->first, run(sum.wrong.begin()->first, true));
  }
  std::printf("%llu passed, %zu failed\n",
              static_cast<unsigned long long>(sum.runs - sum.wrong.size()), sum.wrong.size());
  return sum.wrong.empty() ? 0 : 1;
}

int main_of(int count, char** arguments) {
  Wanted wanted;
  log::set_level(log::Level::off); // what happens is in the traces
  wanted.threads = std::max(1U, std::thread::hardware_concurrency());
  for (int i = 1; i < count; ++i) {
    std::string const option = arguments[i];
    char const* const value = i + 1 < count ? arguments[i + 1] : "";
    if (option == "--trace") {
      wanted.is_traced = true;
    } else if (option == "--seed") {
      wanted.first = std::strtoull(value, nullptr, 10);
      wanted.count = 1;
      ++i;
    } else if (option == "--seeds") {
      wanted.count = std::strtoull(value, nullptr, 10);
      ++i;
    } else if (option == "--from") {
      wanted.first = std::strtoull(value, nullptr, 10);
      ++i;
    } else if (option == "--wrong") {
      wanted.most_wrong = std::strtoull(value, nullptr, 10);
      ++i;
    } else if (option == "--threads") {
      wanted.threads = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
      ++i;
    } else {
      std::printf(
          "usage: simulate [--seed N | --from N --seeds COUNT] [--wrong MOST] [--threads N] "
          "[--trace]\n");
      return 2;
    }
  }
  auto const started = std::chrono::steady_clock::now();
  Sum const sum = run_all(wanted);
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - started;
  return report(wanted, sum, took.count());
}

} // namespace
} // namespace walrock::simulation

int main(int count, char** arguments) {
  return walrock::simulation::main_of(count, arguments);
}
