#include "model/ranked_rows.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/batch.h"

namespace walrock {
namespace {

// Each argument a row, with '|' for the byte between two fields.
template <typename... Rows> std::string body_of(Rows... rows) {
  std::string out;
  for (std::string row : {std::string(rows)...}) {
    for (char& c : row)
      c = c == '|' ? kColumnSeparator : c;
    out += row + kRowDelimiter;
  }
  return out;
}

// Row k of hash h stands at lsn 100*h, index k.
std::vector<RowPlace> places(std::span<RankedRow const> rows) {
  std::vector<RowPlace> out;
  for (RankedRow const& row : rows)
    out.push_back({std::string(row.hash) + "00", std::to_string(row.rank)});
  return out;
}

TEST(RankedRows, TheirPlacesAreFilledIn) {
  EXPECT_EQ(place_ranked_rows(body_of("7|?1||\\N|1", "7|?12||\\N|1", "8|?1||\\N|1"), places),
            body_of("7|700|1|\\N|1", "7|700|12|\\N|1", "8|800|1|\\N|1"));
}

TEST(RankedRows, OtherRowsStayAsTheyAre) {
  std::string const rows = body_of("7|5|1|?1|0", "-7|5|2|a|0", "8|5|3||0");
  EXPECT_EQ(place_ranked_rows(rows,
                              [](auto) -> std::vector<RowPlace> {
                                ADD_FAILURE() << "nothing is asked";
                                return {};
                              }),
            rows);
  EXPECT_EQ(place_ranked_rows(body_of("7|5|1|?1|0", "9|?2||\\N|1", "8|5|3||0"), places),
            body_of("7|5|1|?1|0", "9|900|2|\\N|1", "8|5|3||0"));
}

TEST(RankedRows, ManyAreAskedForAtOnce) {
  std::string rows;
  std::string expected;
  std::size_t const count = 2 * kRanksRead + 1;
  for (std::size_t i = 1; i <= count; ++i) {
    rows += body_of("5|?" + std::to_string(i) + "|||1");
    expected += body_of("5|500|" + std::to_string(i) + "||1");
  }
  std::vector<std::size_t> asked;
  EXPECT_EQ(place_ranked_rows(rows,
                              [&](std::span<RankedRow const> wanted) {
                                asked.push_back(wanted.size());
                                return places(wanted);
                              }),
            expected);
  EXPECT_EQ(asked, (std::vector<std::size_t>{kRanksRead, kRanksRead, 1}));
}

TEST(RankedRows, AnEmptyBodyStaysEmpty) {
  EXPECT_EQ(place_ranked_rows("", places), "");
}

} // namespace
} // namespace walrock
