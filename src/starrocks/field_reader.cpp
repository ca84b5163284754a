#include "starrocks/field_reader.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "model/json_scalar.h"
#include "model/names.h"

namespace walrock {

namespace {

constexpr char kPlaceColumn[] = "_walrock_place"; // of a row among those that are wanted
constexpr char kRankColumn[] = "_walrock_rank";   // of a row among those that are equal
constexpr char kEqualRows[] = "_walrock_equal";

bool is_written_bare(std::string_view type) {
  return type == "TINYINT" || type == "SMALLINT" || type == "INT" || type == "BIGINT" ||
         type == "LARGEINT" || type == "BOOLEAN";
}

std::string condition_of(LoadSpec const& spec, std::vector<std::string> const& key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    LoadField const& field = spec.fields.at(i);
    out += fmt::format("{}{} = {}", i == 0 ? "(" : " AND ", quote_starrocks(field.column),
                       is_written_bare(field.type) ? key[i] : quote_starrocks_literal(key[i]));
  }
  return out + ")";
}

// Bytes come as the load takes them.
std::string read_as(LoadField const& field) {
  std::string const name = quote_starrocks(field.column);
  return field.type.starts_with("VARBINARY") ? "hex(" + name + ")" : name;
}

// StarRocks prints the texts of an array with \" and \\; CSV takes "" and leaves backslashes alone.
// Everything else, of any element that is loaded, is the same.
std::string array_as_loaded(std::string_view printed) {
  std::string out;
  out.reserve(printed.size());
  for (std::size_t i = 0; i < printed.size(); ++i) {
    bool const is_escape = printed[i] == '\\' && i + 1 < printed.size();
    char const c = is_escape ? printed[++i] : printed[i];
    if (is_escape && c == '"')
      out += '"';
    out += c;
  }
  return out;
}

struct Places {
  std::string cases;      // which of the wanted rows it is
  std::string conditions; // that it is one of them
};

Places places_of(LoadSpec const& spec, std::span<WantedRow const> wanted) {
  Places out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::string const condition = condition_of(spec, *wanted[i].key);
    out.cases += fmt::format(" WHEN {} THEN {}", condition, i);
    out.conditions += (i == 0 ? "" : " OR ") + condition;
  }
  return out;
}

FieldValues ask(SqlConnection& sql, LoadSpec const& spec, std::span<WantedRow const> wanted) {
  std::set<std::size_t> fields;
  for (WantedRow const& row : wanted)
    fields.insert(row.fields.begin(), row.fields.end());
  Places const places = places_of(spec, wanted);
  std::string columns;
  for (std::size_t const field : fields)
    columns += ", " + read_as(spec.fields.at(field));
  SqlRows const found = sql.query_leader(
      fmt::format("SELECT CASE{} END AS `{}`{} FROM {} WHERE {}", places.cases, kPlaceColumn,
                  columns, quote_starrocks(spec.target), places.conditions));
  FieldValues out(wanted.size());
  for (SqlRows::Row const& row : found.rows) {
    std::size_t place = wanted.size();
    std::string const text = row.at(0).value_or("");
    std::from_chars(text.data(), text.data() + text.size(), place);
    if (place >= wanted.size())
      throw Error(ErrorCode::target_protocol_violation,
                  "StarRocks answers with a row that was not asked for: " + text);
    std::size_t column = 0;
    for (std::size_t const field : fields) {
      std::optional<std::string> const& printed = row.at(++column);
      if (!std::binary_search(wanted[place].fields.begin(), wanted[place].fields.end(), field))
        continue;
      out[place].push_back(printed ? std::optional(as_loaded(spec.fields.at(field), *printed))
                                   : std::nullopt);
    }
  }
  return out;
}

// The row whose values are too large for one answer, value by value.
FieldValues ask_each(SqlConnection& sql, LoadSpec const& spec, WantedRow const& row) {
  FieldValues out(1);
  for (std::size_t const field : row.fields) {
    WantedRow const wanted{row.key, {field}};
    try {
      FieldValues found = ask(sql, spec, {&wanted, 1});
      std::move(found[0].begin(), found[0].end(), std::back_inserter(out[0]));
    } catch (AnswerTooLarge const& error) {
      throw Error(ErrorCode::copy_needed,
                  fmt::format("column {} of the row {} of {}, which is needed under a new key, "
                              "cannot be read back: {}",
                              spec.fields.at(field).column, condition_of(spec, *row.key),
                              to_string(spec.target), error.what()));
    }
  }
  return out;
}

} // namespace

std::string as_loaded(LoadField const& field, std::string printed) {
  if (field.type.starts_with("ARRAY<"))
    return array_as_loaded(printed);
  if (field.type == "JSON" && is_json_scalar(printed))
    throw Error(ErrorCode::value_unsupported,
                fmt::format("column {}, which must be read back from the target, holds a JSON "
                            "number, true, false or null, which CSV cannot say",
                            field.column));
  return printed;
}

std::optional<FieldValues> read_fields(SqlConnection& sql, LoadSpec const& spec,
                                       std::span<WantedRow const> wanted) {
  FieldValues out;
  try {
    out = ask(sql, spec, wanted);
  } catch (AnswerTooLarge const&) {
    if (wanted.size() > 1)
      return std::nullopt;
    out = ask_each(sql, spec, wanted.front());
  }
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (out[i].size() != wanted[i].fields.size())
      throw Error(ErrorCode::copy_needed,
                  fmt::format("the row {} of {}, whose values are needed under a new key, is not "
                              "there, or more than once",
                              condition_of(spec, *wanted[i].key), to_string(spec.target)));
  return out;
}

namespace {

// `first` to `last` of each of the hashes.
struct Ranks {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  auto operator<=>(Ranks const&) const = default;
};

std::string places_query(LoadSpec const& spec, std::map<std::string_view, Ranks> const& ranks) {
  std::map<Ranks, std::string> hashes; // by the ranks that are wanted of them
  std::string all;
  for (auto const& [hash, wanted] : ranks) {
    std::string& some = hashes[wanted];
    some.append(some.empty() ? "" : ", ").append(hash);
    all.append(all.empty() ? "" : ", ").append(hash);
  }
  std::string const hash = quote_starrocks(spec.key.at(0));
  std::string const place =
      quote_starrocks(spec.key.at(1)) + ", " + quote_starrocks(spec.key.at(2));
  std::string conditions;
  for (auto const& [wanted, some] : hashes)
    conditions +=
        fmt::format("{}({} IN ({}) AND `{}` BETWEEN {} AND {})", conditions.empty() ? "" : " OR ",
                    hash, some, kRankColumn, wanted.first, wanted.last);
  return fmt::format("SELECT {0}, {1}, `{2}` FROM (SELECT {0}, {1}, ROW_NUMBER() OVER (PARTITION "
                     "BY {0} ORDER BY {1}) AS `{2}` FROM {3} WHERE {0} IN ({4})) AS `{5}` "
                     "WHERE {6}",
                     hash, place, kRankColumn, quote_starrocks(spec.target), all, kEqualRows,
                     conditions);
}

} // namespace

std::vector<RowPlace> read_places(SqlConnection& sql, LoadSpec const& spec,
                                  std::span<RankedRow const> wanted) {
  std::map<std::string_view, Ranks> ranks;
  std::map<std::pair<std::string_view, std::uint64_t>, std::size_t> places; // in the answer
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Ranks& of_hash = ranks.try_emplace(wanted[i].hash, Ranks{UINT64_MAX, 0}).first->second;
    of_hash.first = std::min(of_hash.first, wanted[i].rank);
    of_hash.last = std::max(of_hash.last, wanted[i].rank);
    places.emplace(std::pair(wanted[i].hash, wanted[i].rank), i);
  }
  WALROCK_ASSERT(places.size() == wanted.size(), "no row is deleted twice");
  std::vector<RowPlace> out(wanted.size());
  std::size_t found = 0;
  for (SqlRows::Row const& row : sql.query_leader(places_query(spec, ranks)).rows) {
    std::string const rank = row.at(3).value_or("");
    std::uint64_t number = 0;
    std::from_chars(rank.data(), rank.data() + rank.size(), number);
    std::string const hash = row.at(0).value_or("");
    auto const place = places.find(std::pair(std::string_view(hash), number));
    if (place == places.end())
      continue; // between two that are wanted
    out[place->second] = {row.at(1).value_or(""), row.at(2).value_or("")};
    ++found;
    places.erase(place);
  }
  if (found < wanted.size())
    throw Error(ErrorCode::copy_needed,
                fmt::format("{} of {} rows that were deleted are not in {}", wanted.size() - found,
                            wanted.size(), to_string(spec.target)));
  return out;
}

} // namespace walrock
