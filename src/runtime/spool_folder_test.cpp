#include "runtime/spool_folder.h"

#include <csignal>
#include <filesystem>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

namespace walrock {
namespace {

struct Folder {
  Folder() : path(testing::TempDir() + "walrock-spool-" + std::to_string(::getpid())) {}
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

Body body_of(std::string bytes) {
  Body body;
  body.size = bytes.size();
  body.bytes = std::move(bytes);
  return body;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out)
    c = static_cast<char>(random());
  return out;
}

std::size_t open_files() {
  std::size_t count = 0;
  for (auto const& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

// No file may grow: writes fail as on a full disk.
class FullDisk {
public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit const none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(FullDisk const&) = delete;
  FullDisk& operator=(FullDisk const&) = delete;

private:
  rlimit before_{};
};

TEST(SpoolFolder, BodiesComeBackAsTheyWere) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  std::vector<std::string> const texts{"a", std::string(1 << 20, 'x'), noise(100'000, 1),
                                       std::string("\0\xff", 2)};
  std::vector<Body> bodies;
  for (std::string const& text : texts) {
    bodies.push_back(body_of(text));
    spool.spool(bodies.back());
    EXPECT_TRUE(bodies.back().bytes.empty());
  }
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(bodies[i].spooled->read(), texts[i]) << i;
}

TEST(SpoolFolder, WhatIsEqualTakesLittleRoom) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  Body body = body_of(std::string(4 << 20, 'x'));
  spool.spool(body);
  EXPECT_LT(spool.used_bytes(), 100'000U);
}

TEST(SpoolFolder, AThousandBodiesNeedOneFile) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  std::size_t const before = open_files();
  std::vector<Body> bodies;
  for (unsigned i = 0; i < 1000; ++i) {
    bodies.push_back(body_of(noise(20'000, i)));
    spool.spool(bodies.back());
  }
  EXPECT_EQ(open_files(), before + 1);
  EXPECT_EQ(bodies[777].spooled->read(), noise(20'000, 777));
  bodies.clear();
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(spool.used_bytes(), 0U);
}

TEST(SpoolFolder, AtItsLimitItHasNoRoomUntilBodiesGo) {
  Folder const folder;
  SpoolFolder spool(folder.path, 1 << 20);
  std::vector<Body> bodies;
  while (spool.has_room()) {
    bodies.push_back(body_of(noise(50'000, static_cast<unsigned>(bodies.size()))));
    spool.spool(bodies.back());
  }
  EXPECT_GE(spool.used_bytes(), 1U << 20);
  EXPECT_LT(spool.used_bytes(), (1U << 20) + 60'000);
  bodies.erase(bodies.begin(), bodies.begin() + 10);
  EXPECT_TRUE(spool.has_room());
}

TEST(SpoolFolder, BodiesOutliveIt) {
  Folder const folder;
  auto spool = std::make_unique<SpoolFolder>(folder.path);
  Body body = body_of("stays");
  spool->spool(body);
  spool.reset();
  EXPECT_EQ(body.spooled->read(), "stays");
}

TEST(SpoolFolder, WhatAnEarlierRunLeftIsRemoved) {
  Folder const folder;
  std::filesystem::create_directories(folder.path);
  std::string const left = folder.path + "/body.1";
  fclose(fopen(left.c_str(), "w"));
  SpoolFolder const spool(folder.path);
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST(SpoolFolder, WhatTheDiskDoesNotTakeStaysInMemoryUntilItDoes) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  MemoryBudget budget(1 << 20);
  std::vector<std::string> const texts{noise(50'000, 1), noise(60'000, 2),
                                       std::string(70'000, 'x')};
  std::vector<Body> bodies;
  for (std::string const& text : texts) {
    bodies.push_back(body_of(text));
    bodies.back().charge = Charge(&budget);
    bodies.back().charge.resize(bodies.back().bytes.capacity());
  }
  spool.spool(bodies[0]);
  EXPECT_EQ(spool.trouble(), "");
  TimePoint at{};
  {
    FullDisk const full;
    spool.spool(bodies[1]);
    spool.spool(bodies[2]);
    EXPECT_FALSE(spool.has_room());
    EXPECT_GT(budget.used(), 60'000U) << "what is in memory is counted";
    EXPECT_LT(budget.used(), 65'000U) << "what compresses well takes little of it";
    for (std::size_t i = 0; i < texts.size(); ++i)
      EXPECT_EQ(bodies[i].spooled->read(), texts[i]) << i;
    spool.retry(at);
    EXPECT_FALSE(spool.has_room());
    EXPECT_NE(spool.trouble().find(folder.path), std::string::npos) << spool.trouble();
    EXPECT_NE(spool.trouble().find("File too large"), std::string::npos) << spool.trouble();
    EXPECT_NE(spool.trouble().find("Check space"), std::string::npos) << spool.trouble();
  }
  spool.retry(at); // not due
  EXPECT_FALSE(spool.has_room());
  spool.retry(at + Milliseconds(10'000));
  EXPECT_TRUE(spool.has_room());
  EXPECT_EQ(spool.trouble(), "");
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_GT(spool.used_bytes(), 110'000U);
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(bodies[i].spooled->read(), texts[i]) << i;
}

TEST(SpoolFolder, WhatTheDiskDidNotTakeAndIsGoneHoldsNothingBack) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  MemoryBudget budget(1 << 20);
  {
    FullDisk const full;
    Body body = body_of(noise(50'000, 1));
    body.charge = Charge(&budget);
    spool.spool(body);
    EXPECT_FALSE(spool.has_room());
  }
  EXPECT_TRUE(spool.has_room());
  EXPECT_EQ(spool.trouble(), "");
  EXPECT_EQ(budget.used(), 0U);
  spool.retry(TimePoint{});
  EXPECT_EQ(spool.used_bytes(), 0U);
}

TEST(SpoolFolder, AFolderThatIsAwayIsWaitedForToo) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  std::filesystem::remove_all(folder.path);
  Body body = body_of("stays");
  spool.spool(body);
  EXPECT_FALSE(spool.has_room());
  EXPECT_EQ(body.spooled->read(), "stays");
  std::filesystem::create_directories(folder.path);
  spool.retry(TimePoint{});
  EXPECT_TRUE(spool.has_room());
  EXPECT_EQ(body.spooled->read(), "stays");
}

TEST(TransactionSpool, PayloadsComeBackInOrderWithoutTheAborted) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  TransactionSpool transactions(spool);
  std::vector<std::string> wanted;
  for (unsigned i = 0; i < 3000; ++i) {
    std::string const payload = noise(i % 700, i);
    std::uint32_t const sub_xid = i % 3;
    transactions.append(7, sub_xid, std::as_bytes(std::span(payload)));
    if (sub_xid != 1)
      wanted.push_back(payload);
  }
  std::vector<std::string> got;
  transactions.replay(7, {1}, [&](std::span<std::byte const> payload) {
    got.emplace_back(reinterpret_cast<char const*>(payload.data()), payload.size());
    return true;
  });
  EXPECT_EQ(got, wanted);
  transactions.replay(7, {}, [](auto) {
    ADD_FAILURE() << "it is forgotten once it was replayed";
    return true;
  });
}

TEST(TransactionSpool, WhatTheDiskDoesNotTakeStaysUntilItDoes) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  TransactionSpool transactions(spool);
  std::vector<std::string> payloads;
  auto const append = [&](std::uint32_t xid) {
    payloads.push_back(noise(100'000, static_cast<unsigned>(payloads.size())));
    transactions.append(xid, 0, std::as_bytes(std::span(payloads.back())));
  };
  TimePoint const at{};
  for (int i = 0; i < 4; ++i)
    append(7);
  {
    FullDisk const full;
    while (transactions.has_room() && payloads.size() < 20)
      append(7);
    EXPECT_LT(payloads.size(), 9U) << "nothing more should be appended";
    transactions.retry(at);
    EXPECT_FALSE(transactions.has_room());
    EXPECT_NE(transactions.trouble().find(folder.path), std::string::npos);
  }
  transactions.retry(at); // not due
  EXPECT_FALSE(transactions.has_room());
  transactions.retry(at + Milliseconds(10'000));
  EXPECT_TRUE(transactions.has_room());
  append(7);
  std::vector<std::string> got;
  transactions.replay(7, {}, [&](std::span<std::byte const> payload) {
    got.emplace_back(reinterpret_cast<char const*>(payload.data()), payload.size());
    return true;
  });
  EXPECT_EQ(got, payloads);
}

TEST(TransactionSpool, OneThatGoesAwayLeavesRoom) {
  Folder const folder;
  SpoolFolder spool(folder.path);
  TransactionSpool transactions(spool);
  FullDisk const full;
  std::string const payload = noise(300'000, 1);
  transactions.append(7, 0, std::as_bytes(std::span(payload)));
  EXPECT_FALSE(transactions.has_room());
  transactions.forget(7);
  EXPECT_TRUE(transactions.has_room());
}

} // namespace
} // namespace walrock
