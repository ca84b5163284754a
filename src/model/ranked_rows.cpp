#include "model/ranked_rows.h"

#include <charconv>

#include "base/error.h"
#include "model/batch.h"

namespace walrock {

namespace {

// Where in the body the fields lsn and index of a ranked row stand.
struct Gap {
  std::size_t begin = 0;
  std::size_t size = 0;
};

struct Question {
  std::vector<RankedRow> rows;
  std::vector<Gap> gaps; // of each row
};

// Adds the row that begins there, if it is a ranked one. Returns where the next row begins.
std::size_t look_at(std::string_view body, std::size_t begin, Question& question) {
  std::size_t const lsn = body.find(kColumnSeparator, begin) + 1;
  if (body[lsn] == kRankMark) {
    std::size_t const index = body.find(kColumnSeparator, lsn) + 1;
    RankedRow& row = question.rows.emplace_back(RankedRow{body.substr(begin, lsn - 1 - begin)});
    std::from_chars(body.data() + lsn + 1, body.data() + index - 1, row.rank);
    WALROCK_ASSERT(row.rank > 0 && body[index] == kColumnSeparator, "a ranked row has no place");
    question.gaps.push_back({lsn, index - lsn});
  }
  return body.find(kRowDelimiter, lsn) + 1;
}

} // namespace

std::string place_ranked_rows(std::string_view body, ReadPlaces const& read) {
  std::string out;
  out.reserve(body.size() + body.size() / 4);
  std::size_t done = 0;
  for (std::size_t at = 0; at < body.size();) {
    Question question;
    while (at < body.size() && question.rows.size() < kRanksRead)
      at = look_at(body, at, question);
    if (question.rows.empty())
      break;
    std::vector<RowPlace> const places = read(question.rows);
    WALROCK_ASSERT(places.size() == question.rows.size(), "every row that was asked for is told");
    for (std::size_t i = 0; i < places.size(); ++i) {
      Gap const gap = question.gaps[i];
      out.append(body.substr(done, gap.begin - done));
      out += places[i].lsn + kColumnSeparator + places[i].index;
      done = gap.begin + gap.size;
    }
  }
  out.append(body.substr(done));
  return out;
}

} // namespace walrock
