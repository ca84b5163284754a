#include "starrocks/refused_row_search.h"

#include <functional>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "model/quarantine.h"

namespace walrock {
namespace {

Batch batch_of(std::vector<std::string> const& bodies, LoadFormat format = LoadFormat::csv) {
  Batch batch;
  batch.spec.format = format;
  batch.spec.key = {"id"};
  for (std::string const& bytes : bodies) {
    Body body;
    body.bytes = bytes;
    batch.bodies.push_back(std::move(body));
    batch.byte_count += bytes.size();
  }
  return batch;
}

std::string row(int id, std::string const& text) {
  return std::to_string(id) + "\x01" + text + "\x01" + "0\x02";
}

// Refuses what holds "bad".
struct Server {
  Probe operator()(Batch const& batch) {
    ++probes;
    EXPECT_EQ(batch.bodies.size(), 1U);
    EXPECT_EQ(batch.byte_count, batch.bodies[0].bytes.size());
    loaded.push_back(batch.bodies[0].bytes);
    return batch.bodies[0].bytes.find("bad") == std::string::npos ? Probe::taken : Probe::refused;
  }
  int probes = 0;
  std::vector<std::string> loaded;
};

std::string found_by(Server& server, Batch const& batch) {
  auto const found = search_refused_rows(batch, 1 << 20, 1, std::ref(server));
  return found.empty() ? "nothing" : to_string(std::span<KeyCell const>(found[0].key));
}

TEST(SearchRefusedRow, EveryPlaceIsFoundByHalving) {
  for (int count = 1; count <= 33; ++count) {
    for (int bad = 0; bad < count; ++bad) {
      std::string bytes;
      for (int i = 0; i < count; ++i)
        bytes += row(i, i == bad ? "bad" : "good");
      Server server;
      EXPECT_EQ(found_by(server, batch_of({bytes})), "id=" + std::to_string(bad));
      EXPECT_LE(server.probes, 7);
    }
  }
}

TEST(SearchRefusedRow, TheFirstOfSeveralIsFoundAcrossBodies) {
  Server server;
  EXPECT_EQ(found_by(server, batch_of({row(1, "a") + row(2, "b"), row(3, "bad") + row(4, "bad")})),
            "id=3");
}

TEST(SearchRefusedRow, ObjectsAreHalvedToo) {
  Server server;
  EXPECT_EQ(found_by(server, batch_of({R"([{"id":1,"v":"a"},{"id":2,"v":"b"}])",
                                       R"([{"id":"3\u0001","v":"bad"},{"id":4,"v":"c"}])"},
                                      LoadFormat::json)),
            "id=3 ");
  EXPECT_EQ(server.loaded[0], R"([{"id":1,"v":"a"},{"id":2,"v":"b"}])");
}

TEST(SearchRefusedRow, WhatIsTakenNowIsNotNamed) {
  Server server;
  EXPECT_EQ(found_by(server, batch_of({row(1, "a") + row(2, "b") + row(3, "c")})), "nothing");
  EXPECT_EQ(found_by(server, batch_of({})), "nothing");
}

TEST(SearchRefusedRow, AnUnknownAnswerEndsIt) {
  int probes = 0;
  auto const found =
      search_refused_rows(batch_of({row(1, "a") + row(2, "bad")}), 1 << 20, 1, [&](Batch const&) {
        ++probes;
        return Probe::unknown;
      });
  EXPECT_TRUE(found.empty());
  EXPECT_EQ(probes, 1);
}

TEST(SearchRefusedRow, ABatchBeyondTheLimitIsNotLoadedAgain) {
  auto const found = search_refused_rows(batch_of({row(1, "bad")}), 3, 1, [](Batch const&) {
    ADD_FAILURE() << "a load";
    return Probe::refused;
  });
  EXPECT_TRUE(found.empty());
}

TEST(SearchRefusedRow, AllOfThemAreFoundUpToANumberEachWithItsHash) {
  std::string bytes;
  for (int i = 0; i < 20; ++i)
    bytes += row(i, i % 7 == 3 ? "bad" : "good");
  Batch const batch = batch_of({bytes});
  Server server;
  auto const found = search_refused_rows(batch, 1 << 20, 50, std::ref(server));
  ASSERT_EQ(found.size(), 3U); // 3, 10, 17
  EXPECT_EQ(found[2].key[0].text, "17");
  std::string const sent = row(17, "bad");
  EXPECT_EQ(found[2].hash, row_hash(batch.spec, std::string_view(sent).substr(0, sent.size() - 1)));
  EXPECT_EQ(search_refused_rows(batch, 1 << 20, 2, std::ref(server)).size(), 2U);
}

} // namespace
} // namespace walrock
