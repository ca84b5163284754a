#include "model/quarantine.h"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>
#include <openssl/sha.h>

namespace walrock {

std::uint64_t total_of(QuarantinedKeys const& keys) {
  std::uint64_t total = 0;
  for (auto const& [key, count] : keys)
    total += count;
  return total;
}

KeyHash key_hash(TargetName const& target, std::string_view key) {
  std::string text;
  for (std::string_view const part : {std::string_view(target.table), key})
    text += fmt::format("{}:{}", part.size(), part);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
  constexpr std::size_t kKept = 16;
  KeyHash out;
  for (std::size_t i = 0; i < kKept; ++i)
    out += fmt::format("{:02x}", digest[i]);
  return out;
}

std::uint64_t row_hash(LoadSpec const& spec, std::string_view row) {
  std::uint64_t const of_row = std::hash<std::string_view>()(row);
  std::uint64_t const of_columns = std::hash<std::string_view>()(spec.columns);
  std::uint64_t const hash = of_row ^ (of_columns * 0x9e3779b97f4a7c15U);
  return hash == 0 ? 1 : hash;
}

TargetTable quarantine_table(std::string const& database) {
  TargetTable table;
  table.name = {database, kQuarantineTable};
  table.comment = "Rows that StarRocks refused; see walrock quarantine.";
  auto const add = [&](char const* name, char const* type, bool is_nullable, char const* comment) {
    table.columns.push_back({name, type, is_nullable, std::nullopt, comment});
  };
  add("key_hash", "VARCHAR(32)", false, "of the target's name and the row's key");
  add("number", "INT", false, "order of the rows of one key; the first may be partial, too");
  add("target_table", "VARCHAR(1024)", false, "where the row does not fit");
  add("source_table", "VARCHAR(1024)", false, "where it comes from");
  add("row_key", "JSON", true, "its key");
  add("column_name", "VARCHAR(1024)", true, "the column that is wrong, where StarRocks names it");
  add("reason", "VARCHAR(65533)", true, "why, in StarRocks' words");
  add("row_values", "JSON", true, "its values as they were sent; absent ones did not change");
  add("commit_lsn", "BIGINT", true, "of its transaction");
  add("first_seen", "DATETIME", true, "when it was committed, or refused in a copy; UTC");
  add("tries", "INT", true, "how often a retry has failed");
  table.key = {"key_hash", "number"};
  table.distribution_key = {"key_hash"};
  table.buckets = 1;
  return table;
}

bool is_quarantine_table(TargetTable const& existing) {
  return existing.model == TableModel::primary &&
         existing.lacking(quarantine_table(existing.name.database).columns).empty();
}

LoadSpec quarantine_spec(std::string const& database) {
  TargetTable const table = quarantine_table(database);
  LoadSpec spec{table.name, LoadFormat::csv, {}, false, table.key};
  for (TargetColumn const& column : table.columns)
    spec.columns += quote_starrocks(column.name) + ",";
  spec.columns += "`__op`";
  return spec;
}

namespace {

// The end of the JSON object that begins at `at`.
std::size_t end_of_object(std::string_view body, std::size_t at) {
  int depth = 0;
  bool is_text = false;
  for (; at < body.size(); ++at) {
    char const c = body[at];
    if (is_text) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        is_text = false;
    } else if (c == '"') {
      is_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return body.size();
}

} // namespace

std::vector<std::string_view> rows_of_body(std::string_view body, LoadFormat format) {
  std::vector<std::string_view> rows;
  if (format == LoadFormat::json) {
    for (std::size_t at = body.find('{'); at < body.size();) {
      std::size_t const end = end_of_object(body, at);
      rows.push_back(body.substr(at, end - at));
      at = body.find('{', end);
    }
    return rows;
  }
  for (std::size_t at = 0; at < body.size();) {
    std::size_t const end = std::min(body.find(kRowDelimiter, at), body.size());
    rows.push_back(body.substr(at, end - at));
    at = end + 1;
  }
  return rows;
}

} // namespace walrock
