#include "starrocks/field_reader.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
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

} // namespace

FieldValues read_fields(SqlConnection& sql, LoadSpec const& spec,
                        std::span<WantedRow const> wanted) {
  std::set<std::size_t> fields;
  std::string places;
  std::string conditions;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    fields.insert(wanted[i].fields.begin(), wanted[i].fields.end());
    std::string const condition = condition_of(spec, *wanted[i].key);
    places += fmt::format(" WHEN {} THEN {}", condition, i);
    conditions += (i == 0 ? "" : " OR ") + condition;
  }
  std::string columns;
  for (std::size_t const field : fields)
    columns += ", " + read_as(spec.fields.at(field));
  SqlRows const found = sql.query_leader(fmt::format("SELECT CASE{} END AS `{}`{} FROM {} WHERE {}",
                                                     places, kPlaceColumn, columns,
                                                     quote_starrocks(spec.target), conditions));
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
      ++column;
      if (std::find(wanted[place].fields.begin(), wanted[place].fields.end(), field) !=
          wanted[place].fields.end())
        out[place].push_back(row.at(column));
    }
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
