#include "model/read_back.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace walrock {

namespace {

using Key = std::vector<std::string>;

// The references of one question to the target, and what is asked.
struct Question {
  std::size_t reference_count = 0;
  std::vector<WantedRow> rows;
  std::map<Key, std::size_t> places; // of a key in rows
};

// Ends where a row ends, so that what is filled are whole rows.
Question next_question(std::string_view bytes, std::span<FieldReference const> references,
                       std::size_t most_rows) {
  Question out;
  std::size_t row_end = 0;
  for (FieldReference const& reference : references) {
    if (reference.at >= row_end) {
      if (out.rows.size() >= most_rows)
        break;
      row_end = bytes.find(kRowDelimiter, reference.at) + 1;
    }
    auto const [place, is_new] = out.places.try_emplace(reference.key, out.rows.size());
    if (is_new)
      out.rows.push_back({&place->first, {}});
    std::vector<std::size_t>& fields = out.rows[place->second].fields;
    auto const at = std::lower_bound(fields.begin(), fields.end(), reference.field);
    if (at == fields.end() || *at != reference.field)
      fields.insert(at, reference.field);
    ++out.reference_count;
  }
  return out;
}

// A row of the body may have been moved more than once within its label: then it wants fields of
// several rows.
FieldValues read_one_by_one(std::span<WantedRow const> rows, ReadFields const& read) {
  FieldValues out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto values = read(rows.subspan(i, 1));
    WALROCK_ASSERT(values && values->size() == 1, "one row is always answered");
    out.push_back(std::move(values->front()));
  }
  return out;
}

void append_value(std::optional<std::string> const& value, std::string& out) {
  if (!value) {
    out += "\\N";
    return;
  }
  constexpr char kSeparators[] = {kColumnSeparator, kRowDelimiter};
  if (*value == "\\N" || value->find_first_of(kSeparators, 0, sizeof kSeparators) != value->npos)
    throw Error(ErrorCode::value_unsupported,
                "a value that must be read back from the target holds a byte that separates CSV "
                "fields, or is the mark of NULL");
  out += *value;
}

} // namespace

void fill_references(std::string_view bytes, std::span<FieldReference const> references,
                     ReadFields const& read, std::function<bool(std::string_view)> const& take) {
  std::size_t done = 0; // bytes that are in a piece
  std::size_t most_rows = kRowsReadBack;
  while (!references.empty()) {
    Question const question = next_question(bytes, references, most_rows);
    auto answer = read(question.rows);
    if (!answer && most_rows > 1) {
      most_rows /= 2;
      continue;
    }
    FieldValues const values = answer ? *std::move(answer) : read_one_by_one(question.rows, read);
    WALROCK_ASSERT(values.size() == question.rows.size(), "every row that was asked for is told");
    std::string piece;
    for (FieldReference const& reference : references.first(question.reference_count)) {
      std::size_t const row = question.places.at(reference.key);
      auto const& fields = question.rows[row].fields;
      auto const field = std::lower_bound(fields.begin(), fields.end(), reference.field);
      piece.append(bytes.substr(done, reference.at - done));
      done = reference.at;
      append_value(values[row].at(static_cast<std::size_t>(field - fields.begin())), piece);
    }
    std::size_t const row_end = bytes.find(kRowDelimiter, done) + 1;
    piece.append(bytes.substr(done, row_end - done));
    done = row_end;
    references = references.subspan(question.reference_count);
    if (!take(piece))
      return;
  }
  if (done < bytes.size())
    (void)take(bytes.substr(done));
}

} // namespace walrock
