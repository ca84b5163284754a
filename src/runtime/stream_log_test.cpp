// The durable spool: what was acknowledged because of it is there after every death of program and
// machine, or its loss is named; it is read as a server would send it.
#include "runtime/stream_log.h"

#include <filesystem>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "runtime/log_disk_for_tests.h"
#include "runtime/stream_log_intake.h"
#include "runtime/stream_log_reader.h"
#include "runtime/stream_log_start.h"

namespace walrock {
namespace {

using Call = MemoryDisk::Call;

void put(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(number >> shift & 0xFF);
}
std::string begin_of(std::uint64_t commit) {
  std::string out = "B";
  put(out, commit, 8);
  put(out, 0, 8);
  put(out, 7, 4);
  return out;
}
std::string commit_of(std::uint64_t commit, std::uint64_t end) {
  std::string out("C\0", 2);
  put(out, commit, 8);
  put(out, end, 8);
  put(out, 0, 8);
  return out;
}
std::string relation(std::uint32_t oid, int columns = 1) {
  std::string out = "R";
  put(out, oid, 4);
  out += std::string("s\0t\0d", 5);
  put(out, static_cast<std::uint64_t>(columns), 2);
  for (int i = 0; i < columns; ++i) {
    out += std::string("\1c\0", 3);
    put(out, 25, 4);
    put(out, 0xFFFFFFFF, 4);
  }
  return out;
}
std::string insert(std::uint32_t oid, std::string const& text) {
  std::string out = "I";
  put(out, oid, 4);
  out += 'N';
  put(out, 1, 2);
  out += 't';
  put(out, text.size(), 4);
  return out + text;
}
std::span<std::byte const> bytes_of(std::string const& text) {
  return {reinterpret_cast<std::byte const*>(text.data()), text.size()};
}

// A server: transaction n commits at 100 n and ends at 100 n + 50.
struct Server {
  static void send(StreamLogIntake& to, std::uint64_t n, bool is_described, std::size_t size = 20) {
    to.take(bytes_of(begin_of(100 * n)));
    if (is_described)
      to.take(bytes_of(relation(5)));
    to.take(bytes_of(insert(5, std::to_string(n) + std::string(size, 'x'))));
    to.take(bytes_of(commit_of(100 * n, 100 * n + 50)));
  }
};

// What a reader says, a word each: "R5 B300 I C350 K400".
std::string all_read(StreamLogReader& reader) {
  std::string out;
  while (true) {
    auto const outcome = reader.read();
    if (std::holds_alternative<StreamLogReader::AllRead>(outcome))
      return out;
    std::string word;
    if (auto const* idle = std::get_if<StreamLogReader::Idle>(&outcome))
      word = "K" + std::to_string(idle->wal_end.value);
    else {
      auto const bytes = std::get<StreamLogReader::Payload>(outcome).bytes;
      std::string const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
      auto const number = [&](std::size_t at) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 8; ++i)
          value = value << 8 | static_cast<unsigned char>(text[at + i]);
        return std::to_string(value);
      };
      word = text.substr(0, 1);
      if (text[0] == 'B')
        word += number(1);
      if (text[0] == 'C')
        word += number(10);
      if (text[0] == 'I')
        word += text.substr(13, text.find('x') - 13);
    }
    out += (out.empty() ? "" : " ") + word;
  }
}

ErrorCode code_of(auto const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

class StreamLogs : public testing::Test {
protected:
  StreamLogSettings settings() {
    StreamLogSettings out;
    out.log_id = "id";
    out.job_id = "shop";
    out.incarnation = ++incarnation_;
    out.segment_bytes = segment_bytes_;
    out.record_bytes = 200;
    return out;
  }
  std::unique_ptr<StreamLog> open(FoundLog found) {
    return std::make_unique<StreamLog>(std::make_unique<MemoryLogDisk>(disk_), settings(),
                                       std::move(found));
  }
  std::unique_ptr<StreamLog> begin(Lsn from) { return open({{}, from}); }
  FoundLog find(Lsn from, Lsn logged, Lsn same_until = Lsn{UINT64_MAX}) {
    MemoryLogDisk disk(disk_);
    return find_log(disk, {"id", "shop", from, logged, same_until});
  }
  static std::string content(StreamLog const& log, Lsn from) {
    StreamLogReader reader(log);
    reader.seek(from);
    return all_read(reader);
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::uint64_t incarnation_ = 0;
  std::uint64_t segment_bytes_ = 300;
};

TEST_F(StreamLogs, IsReadAsTheServerSentIt) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  StreamLogReader reader(*log);
  reader.seek(Lsn{100});
  Server::send(intake, 1, true);
  EXPECT_EQ(all_read(reader), "") << "nothing can be read before it is flushed";
  intake.take_keepalive(Lsn{170});
  Server::send(intake, 2, false);
  log->flush();
  EXPECT_EQ(all_read(reader), "B100 R I1 C150 K170 B200 I2 C250");
  Server::send(intake, 3, false);
  log->flush();
  EXPECT_EQ(all_read(reader), "B300 I3 C350");
  EXPECT_EQ(log->end_lsn(), Lsn{350});
  EXPECT_EQ(log->synced_lsn(), Lsn{100});
  EXPECT_TRUE(log->sync());
  EXPECT_EQ(log->synced_lsn(), Lsn{350});
  EXPECT_FALSE(log->sync());
}

TEST_F(StreamLogs, ATableIsDescribedBeforeItsFirstRowWhereverReadingBegins) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  for (std::uint64_t n = 1; n <= 30; ++n) {
    Server::send(intake, n, n == 1, 40);
    log->flush();
  }
  EXPECT_GT(log->used_bytes(), 3 * segment_bytes_);
  for (std::uint64_t n = 2; n <= 30; ++n) {
    std::string const text = content(*log, Lsn{100 * n});
    std::string const first = "B" + std::to_string(100 * n) + " R I" + std::to_string(n) + " C";
    EXPECT_EQ(text.substr(0, first.size()), first);
    EXPECT_EQ(text.find('R', first.size()), std::string::npos) << "once is enough: " << text;
    EXPECT_NE(text.find("C3050"), std::string::npos);
  }
}

TEST_F(StreamLogs, OnlyWholeTransactionsAreRead) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  intake.take(bytes_of(begin_of(100)));
  intake.take(bytes_of(relation(5)));
  for (int i = 0; i < 50; ++i)
    intake.take(bytes_of(insert(5, "1xxxxxxxxxxxxxxxxxxxxxxxxx")));
  log->flush();
  EXPECT_EQ(content(*log, Lsn{100}), "");
  EXPECT_EQ(log->end_lsn(), Lsn{100});
  intake.begin_stream(); // the connection broke
  EXPECT_EQ(log->end_lsn(), Lsn{100});
  Server::send(intake, 1, true);
  log->flush();
  EXPECT_EQ(content(*log, Lsn{100}), "B100 R I1 C150");
}

TEST_F(StreamLogs, WhatContradictsItselfDoesNotEnter) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  Server::send(intake, 1, true);
  auto const violation = ErrorCode::source_protocol_violation;
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(commit_of(200, 250))); }), violation);
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(begin_of(100))); }), violation) << "it was there";
  intake.take(bytes_of(begin_of(200)));
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(begin_of(200))); }), violation);
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(insert(6, "x"))); }), violation) << "not described";
  intake.take(bytes_of(relation(6, 2)));
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(insert(6, "x"))); }), violation) << "two columns";
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(insert(5, "x").substr(0, 9))); }), violation);
  EXPECT_EQ(code_of([&] { intake.take(bytes_of(commit_of(200, 200))); }), violation);
  intake.begin_stream();
  log->flush();
  EXPECT_EQ(content(*log, Lsn{100}), "B100 R I1 C150");
  EXPECT_EQ(log->end_lsn(), Lsn{150});
}

TEST_F(StreamLogs, AStartGoesOnWhereTheCheckpointSays) {
  {
    auto const log = begin(Lsn{100});
    StreamLogIntake intake(*log);
    Server::send(intake, 1, true);
    log->flush();
    log->sync();
    Server::send(intake, 2, false); // written, and never acknowledged
    log->flush();
  }
  FoundLog found = find(Lsn{100}, Lsn{150});
  EXPECT_EQ(found.end_lsn, Lsn{150});
  auto const log = open(std::move(found));
  StreamLogIntake intake(*log);
  Server::send(intake, 2, true);
  log->flush();
  EXPECT_EQ(content(*log, Lsn{100}), "B100 R I1 C150 B200 R I2 C250");
  EXPECT_TRUE(log->sync());
  EXPECT_EQ(find(Lsn{100}, Lsn{250}).end_lsn, Lsn{250}) << "and the next start after it";
}

TEST_F(StreamLogs, WhatIsGoneIsNamed) {
  auto const lost = ErrorCode::spool_lost;
  EXPECT_EQ(code_of([&] { (void)find(Lsn{100}, Lsn{150}); }), lost) << "no log";
  {
    auto const log = begin(Lsn{100});
    StreamLogIntake intake(*log);
    for (std::uint64_t n = 1; n <= 20; ++n) {
      Server::send(intake, n, n == 1, 60);
      log->flush();
    }
    log->sync();
  }
  ASSERT_GT(disk_->seen.size(), 4U);
  EXPECT_EQ(find(Lsn{100}, Lsn{2050}).end_lsn, Lsn{2050});
  EXPECT_EQ(code_of([&] { (void)find(Lsn{100}, Lsn{2150}); }), lost) << "it ends too early";
  EXPECT_EQ(code_of([&] { (void)find(Lsn{100}, Lsn{2020}); }), lost) << "no boundary";
  EXPECT_EQ(code_of([&] { (void)find(Lsn{90}, Lsn{2050}); }), lost) << "it begins too late";
  MemoryLogDisk disk(disk_);
  EXPECT_EQ(code_of([&] {
              (void)find_log(disk, {"other", "shop", Lsn{100}, Lsn{2050}, Lsn{UINT64_MAX}});
            }),
            lost);
  for (auto const& [name, content] : MemoryDisk::Names(disk_->seen)) {
    disk_->seen.erase(name);
    EXPECT_EQ(code_of([&] { (void)find(Lsn{100}, Lsn{2050}); }), lost) << "without " << name;
    disk_->seen[name] = content;
  }
}

TEST_F(StreamLogs, ALogCutAtEveryByteIsWholeOrLost) {
  {
    auto const log = begin(Lsn{100});
    StreamLogIntake intake(*log);
    for (std::uint64_t n = 1; n <= 9; ++n) {
      Server::send(intake, n, n == 1, 60);
      log->flush();
    }
    log->sync();
  }
  for (auto const& [name, content] : disk_->seen) {
    std::string const whole = content->seen;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      content->seen = whole.substr(0, size);
      for (std::uint64_t n = 1; n <= 9; ++n) {
        Lsn const logged{100 * n + 50};
        try {
          auto const log = open(find(Lsn{100}, logged));
          std::string const text = StreamLogs::content(*log, Lsn{100});
          EXPECT_TRUE(text.ends_with("C" + std::to_string(logged.value))) << text;
          EXPECT_EQ(std::count(text.begin(), text.end(), 'B'), static_cast<long>(n));
          disk_->seen.erase(log_file_name({logged, incarnation_, "", ""}));
        } catch (Error const& error) {
          EXPECT_EQ(error.code(), ErrorCode::spool_lost) << error.what();
        }
      }
    }
    content->seen = whole;
  }
}

TEST_F(StreamLogs, AFlippedBitIsAnErrorOrMakesNoDifference) {
  {
    auto const log = begin(Lsn{100});
    StreamLogIntake intake(*log);
    for (std::uint64_t n = 1; n <= 5; ++n) {
      Server::send(intake, n, n == 1, 60);
      log->flush();
    }
    log->sync();
  }
  std::string const good = content(*open(find(Lsn{100}, Lsn{550})), Lsn{100});
  disk_->seen.erase(log_file_name({Lsn{550}, incarnation_, "", ""}));
  std::size_t lost = 0;
  for (auto const& [name, content] : MemoryDisk::Names(disk_->seen))
    for (std::size_t at = 0; at < content->seen.size(); ++at) {
      content->seen[at] ^= 4;
      try {
        auto const log = open(find(Lsn{100}, Lsn{550}));
        EXPECT_EQ(StreamLogs::content(*log, Lsn{100}), good) << name << " byte " << at;
        disk_->seen.erase(log_file_name({Lsn{550}, incarnation_, "", ""}));
      } catch (Error const& error) {
        EXPECT_EQ(error.code(), ErrorCode::spool_lost) << error.what();
        ++lost;
      }
      content->seen[at] ^= 4;
    }
  EXPECT_GT(lost, 400U);
}

TEST_F(StreamLogs, SegmentsAreLetGoBelowFlushed) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  for (std::uint64_t n = 1; n <= 30; ++n) {
    Server::send(intake, n, n == 1, 60);
    log->flush();
  }
  log->sync();
  std::uint64_t const before = log->used_bytes();
  log->let_go(Lsn{1000});
  EXPECT_LT(log->used_bytes(), before);
  EXPECT_EQ(content(*log, Lsn{1000}).substr(0, 10), "B1000 R I1");
  EXPECT_EQ(find(Lsn{1000}, Lsn{3050}).end_lsn, Lsn{3050});
  EXPECT_EQ(code_of([&] { (void)content(*log, Lsn{100}); }), ErrorCode::spool_lost);
  log->let_go(Lsn{9000});
  EXPECT_EQ(disk_->seen.size(), 1U);
}

TEST_F(StreamLogs, AReaderGoesOnBehindASegmentThatWasLetGo) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  StreamLogReader reader(*log);
  reader.seek(Lsn{100});
  std::string text;
  for (std::uint64_t n = 1; n <= 40; ++n) {
    Server::send(intake, n, n == 1, 60);
    log->flush();
    log->sync();
    if (n % 7 == 0) {
      text += all_read(reader);
      log->let_go(Lsn{100 * n + 50});
    }
  }
  text += all_read(reader);
  EXPECT_EQ(std::count(text.begin(), text.end(), 'B'), 40);
}

TEST_F(StreamLogs, TheLimitHoldsBetweenTransactions) {
  StreamLogSettings limited = settings();
  limited.limit = 1000;
  StreamLog log(std::make_unique<MemoryLogDisk>(disk_), limited, {{}, Lsn{100}});
  StreamLogIntake intake(log);
  std::uint64_t n = 0;
  std::mt19937 dice(3);
  while (log.has_room() && n < 100) {
    intake.take(bytes_of(begin_of(100 * ++n)));
    if (n == 1)
      intake.take(bytes_of(relation(5)));
    for (int i = 0; i < 20; ++i) {
      std::string noise;
      for (int j = 0; j < 20; ++j)
        noise += static_cast<char>('a' + dice() % 26);
      intake.take(bytes_of(insert(5, noise)));
      log.flush();
      EXPECT_TRUE(log.has_room()) << "a transaction that was begun is taken whole";
    }
    intake.take(bytes_of(commit_of(100 * n, 100 * n + 50)));
    log.flush();
  }
  EXPECT_GT(n, 1U);
  EXPECT_LT(n, 10U);
  log.sync();
  log.let_go(Lsn{100 * n + 50});
  EXPECT_TRUE(log.has_room() || disk_->seen.size() == 1);
}

TEST_F(StreamLogs, ADiskThatIsFullIsWaitedFor) {
  auto const log = begin(Lsn{100});
  StreamLogIntake intake(*log);
  Server::send(intake, 1, true);
  disk_->refuses = [](Call call, std::string const&) { return call == Call::write; };
  log->flush();
  EXPECT_FALSE(log->has_room());
  EXPECT_NE(log->trouble(), "");
  EXPECT_EQ(content(*log, Lsn{100}), "");
  disk_->refuses = nullptr;
  log->flush();
  EXPECT_TRUE(log->has_room());
  EXPECT_EQ(log->trouble(), "");
  EXPECT_EQ(content(*log, Lsn{100}), "B100 R I1 C150");
}

TEST_F(StreamLogs, AfterASyncThatFailedItsPartIsReadAgain) {
  for (Call const failing : {Call::sync, Call::sync_names}) {
    disk_ = std::make_shared<MemoryDisk>();
    segment_bytes_ = 300;
    auto log = begin(Lsn{100});
    StreamLogIntake intake(*log);
    Server::send(intake, 1, true);
    log->flush();
    if (failing == Call::sync) {
      ASSERT_TRUE(log->sync());
    }
    Lsn const durable = log->synced_lsn();
    for (std::uint64_t n = 2; n <= 9; ++n) {
      Server::send(intake, n, false, 60);
      log->flush();
    }
    disk_->refuses = [failing](Call call, std::string const&) { return call == failing; };
    EXPECT_FALSE(log->sync());
    EXPECT_TRUE(log->fault());
    disk_->refuses = nullptr;
    EXPECT_FALSE(log->sync()) << "what was not written then is not there now";
    EXPECT_EQ(log->synced_lsn(), durable);
    intake.begin_stream();
    EXPECT_FALSE(log->fault());
    EXPECT_EQ(log->end_lsn(), durable);
    for (std::uint64_t n = (durable.value + 99) / 100; n <= 9; ++n) {
      Server::send(intake, n, n == (durable.value + 99) / 100, 60);
      log->flush();
    }
    EXPECT_TRUE(log->sync());
    std::mt19937 dice(1);
    disk_ = disk_->after_power_cut(dice);
    std::string const text = content(*open(find(Lsn{100}, Lsn{950})), Lsn{100});
    EXPECT_EQ(std::count(text.begin(), text.end(), 'B'), 9) << text;
  }
}

// Of a timeline that was lost: what is behind its end must not be loaded, whatever comes back.
TEST_F(StreamLogs, ALostTimelineIsCutOff) {
  std::mt19937 dice(5);
  for (std::uint64_t same_until = 100; same_until <= 1050; same_until += 10) {
    disk_ = std::make_shared<MemoryDisk>();
    {
      auto const log = begin(Lsn{100});
      StreamLogIntake intake(*log);
      for (std::uint64_t n = 1; n <= 10; ++n) {
        Server::send(intake, n, n == 1, 60);
        log->flush();
      }
      log->sync();
    }
    FoundLog found = find(Lsn{100}, Lsn{1050}, Lsn{same_until});
    std::uint64_t const whole = same_until < 150 ? 0 : (same_until - 50) / 100;
    EXPECT_EQ(found.end_lsn, Lsn{whole == 0 ? 100 : 100 * whole + 50}) << same_until;
    MemoryLogDisk disk(disk_);
    remove_other_segments(disk, "shop", found);
    auto const log = open(found);
    StreamLogIntake intake(*log);
    // The new timeline has other commits there.
    for (std::uint64_t n = 0; n < 3; ++n) {
      std::uint64_t const commit = log->end_lsn().value + 7;
      intake.take(bytes_of(begin_of(commit)));
      intake.take(bytes_of(relation(5)));
      intake.take(bytes_of(insert(5, "newx")));
      intake.take(bytes_of(commit_of(commit, commit + 3)));
      log->flush();
    }
    ASSERT_TRUE(log->sync());
    Lsn const logged = log->synced_lsn();
    disk_ = disk_->after_power_cut(dice); // files that were removed may be back
    std::string const text = content(*open(find(Lsn{100}, logged)), Lsn{100});
    EXPECT_EQ(std::count(text.begin(), text.end(), 'B'), static_cast<long>(whole + 3)) << text;
    EXPECT_EQ(text.find("I" + std::to_string(whole + 1) + " "), std::string::npos) << text;
  }
}

// A program that was overtaken wakes up and goes on writing.
TEST_F(StreamLogs, WhatAnOvertakenProgramWritesIsVoid) {
  auto const old = begin(Lsn{100});
  StreamLogIntake old_intake(*old);
  Server::send(old_intake, 1, true);
  old->flush();
  old->sync();
  auto const log = open(find(Lsn{100}, Lsn{150}));
  StreamLogIntake intake(*log);
  for (std::uint64_t n = 2; n <= 9; ++n) {
    Server::send(old_intake, n, false, 90); // into new segments, too
    old->flush();
    Server::send(intake, n, n == 2, 10);
    log->flush();
  }
  old->sync();
  ASSERT_TRUE(log->sync());
  std::string const text = content(*log, Lsn{100});
  EXPECT_EQ(content(*open(find(Lsn{100}, Lsn{950})), Lsn{100}), text);
  EXPECT_EQ(std::count(text.begin(), text.end(), 'B'), 9);
}

TEST_F(StreamLogs, AnotherJobsLogIsNotTouched) {
  { (void)begin(Lsn{100}); }
  MemoryLogDisk disk(disk_);
  EXPECT_EQ(code_of([&] { remove_other_segments(disk, "books", {}); }), ErrorCode::spool_failed);
  EXPECT_EQ(disk_->seen.size(), 1U);
  EXPECT_TRUE(has_log(disk, "shop"));
  EXPECT_FALSE(has_log(disk, "books"));
  remove_other_segments(disk, "shop", {});
  EXPECT_TRUE(disk_->seen.empty());
}

// Program and machine die at any call, again and again: everything up to what a checkpoint could
// have named is found, once and in order.
TEST_F(StreamLogs, APowerCutAtAnyCallKeepsWhatWasSynced) {
  char const* const given = std::getenv("WALROCK_SEED");
  std::uint32_t const seed =
      given == nullptr ? std::random_device{}() : static_cast<std::uint32_t>(std::stoul(given));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 dice(seed);
  struct Dead {};
  for (int history = 0; history < 300; ++history) {
    disk_ = std::make_shared<MemoryDisk>();
    Lsn logged{100}; // in the checkpoint
    Lsn flushed{100};
    std::uint64_t n = 1; // the next transaction
    for (int start = 0; start < 6; ++start) {
      std::unique_ptr<StreamLog> log;
      auto const die_in = dice() % 60 + 1;
      std::uint64_t calls = 0;
      try {
        FoundLog found = logged > flushed ? find(flushed, logged) : FoundLog{{}, flushed};
        n = (found.end_lsn.value + 99) / 100;
        disk_->refuses = [&](Call call, std::string const&) {
          if (++calls == die_in)
            throw Dead{};
          return call != Call::remove && dice() % 40 == 0;
        };
        MemoryLogDisk disk(disk_);
        remove_other_segments(disk, "shop", found);
        log = open(std::move(found));
        StreamLogIntake intake(*log);
        bool is_described = false;
        for (int step = 0; step < 80; ++step) {
          switch (dice() % 6) {
          case 0:
            if (log->sync())
              logged = dice() % 2 ? log->synced_lsn() : logged; // not every one is recorded
            break;
          case 1: log->flush(); break;
          case 2:
            if (log->fault() || dice() % 4 == 0) {
              intake.begin_stream();
              n = (log->end_lsn().value + 99) / 100;
              is_described = false;
            }
            break;
          case 3:
            if (dice() % 5 == 0) {
              flushed = std::max(flushed, std::min(logged, Lsn{log->end_lsn().value}));
              log->let_go(flushed);
            }
            break;
          default:
            if (!log->has_room())
              break;
            if (dice() % 6 == 0 && log->end_lsn().value % 100 / 25 == 2)
              intake.take_keepalive(Lsn{log->end_lsn().value + dice() % 20});
            n = std::max(n, (log->end_lsn().value + 99) / 100);
            Server::send(intake, n, !is_described, dice() % 150);
            is_described = true;
            ++n;
          }
        }
      } catch (Dead const&) {
      } catch (Error const& error) {
        ASSERT_EQ(error.code(), ErrorCode::spool_failed) << error.what();
      }
      disk_->refuses = nullptr;
      log.reset();
      if (dice() % 2 == 0)
        disk_ = disk_->after_power_cut(dice);
      if (logged <= flushed)
        continue;
      FoundLog found;
      try {
        found = find(flushed, logged);
      } catch (Error const& error) {
        std::string left;
        for (auto const& [name, content] : disk_->seen)
          left += fmt::format(" {}:{}", name, content->seen.size());
        FAIL() << "history " << history << " start " << start << " flushed " << flushed.value
               << " logged " << logged.value << left << ": " << error.what();
      }
      auto const again = open(std::move(found));
      std::string const text = content(*again, flushed);
      std::uint64_t expected = (flushed.value + 99) / 100;
      for (std::size_t at = text.find('B'); at != std::string::npos; at = text.find('B', at + 1))
        ASSERT_EQ(std::stoull(text.substr(at + 1)), 100 * expected++) << text;
      ASSERT_EQ(expected, (logged.value - 50) / 100 + 1) << text;
    }
  }
}

TEST(StreamLogFormat, AMessageThatEndsEarlyIsNamedWhereverItEnds) {
  std::string const message = "C1234";
  EXPECT_EQ(u32_at(message, 1), 0x31323334U);
  for (std::size_t at : {2, 5, 6, 100})
    EXPECT_THROW((void)u32_at(message, at), ProtocolViolation) << at;
  EXPECT_THROW((void)u64_at(message, 10), ProtocolViolation) << "behind its end";
}

TEST(LogFolder, IsAFolderOfFiles) {
  char name[] = "/tmp/walrock-log-XXXXXX";
  std::string const root = ::mkdtemp(name);
  {
    auto const disk = open_log_folder(root + "/a/log");
    auto const file = disk->create("one");
    file->write(3, "abc");
    EXPECT_EQ(file->read(0, 100), std::string("\0\0\0abc", 6));
    file->cut(4);
    file->sync();
    disk->sync_names();
    EXPECT_EQ(disk->open("one")->read(2, 10), std::string("\0a", 2));
    EXPECT_EQ(disk->names(), std::vector<std::string>{"one"});
    disk->remove("one");
    disk->remove("one");
    EXPECT_TRUE(disk->names().empty());
  }
  std::filesystem::remove_all(root);
}

} // namespace
} // namespace walrock
