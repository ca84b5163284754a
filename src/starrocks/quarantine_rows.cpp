#include "starrocks/quarantine_rows.h"

#include <charconv>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "starrocks/catalog.h"

namespace walrock {

namespace {

std::uint64_t number_of(std::optional<std::string> const& text) {
  std::uint64_t number = 0;
  if (text)
    std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

} // namespace

std::string QuarantineRows::name() const {
  return quote_starrocks(TargetName{database_, kQuarantineTable});
}

bool QuarantineRows::exists() {
  return TargetCatalog(sql_).describe_table({database_, kQuarantineTable}).has_value();
}

QuarantinedKeys QuarantineRows::keys_of(std::string const& target_table) {
  QuarantinedKeys keys;
  SqlRows const found = sql_.query_leader(
      fmt::format("SELECT `key_hash`, COUNT(*) AS `n` FROM {} WHERE `target_table` = {} GROUP "
                  "BY `key_hash`",
                  name(), quote_starrocks_literal(target_table)));
  for (SqlRows::Row const& row : found.rows)
    keys[found.value(row, "key_hash").value_or("")] =
        static_cast<std::uint32_t>(number_of(found.value(row, "n")));
  return keys;
}

std::vector<KeptRow> QuarantineRows::rows() {
  SqlRows const found = sql_.query_leader(
      fmt::format("SELECT `key_hash`, `number`, `target_table`, `source_table`, CAST(`row_key` "
                  "AS VARCHAR) AS `k`, `column_name`, `reason`, CAST(`row_values` AS VARCHAR) "
                  "AS `v`, `first_seen`, `tries` FROM {} ORDER BY `target_table`, `key_hash`, "
                  "`number`",
                  name()));
  std::vector<KeptRow> rows;
  for (SqlRows::Row const& row : found.rows) {
    auto const text = [&](std::string_view column) {
      return found.value(row, column).value_or("");
    };
    rows.push_back({text("key_hash"), static_cast<std::uint32_t>(number_of(text("number"))),
                    text("target_table"), text("source_table"), text("k"), text("column_name"),
                    text("reason"), text("v"), text("first_seen"), number_of(text("tries"))});
  }
  return rows;
}

void QuarantineRows::remove_table(std::string const& target_table) {
  (void)sql_.query(fmt::format("DELETE FROM {} WHERE `target_table` = {}", name(),
                               quote_starrocks_literal(target_table)));
}

void QuarantineRows::remove_key(KeyHash const& key) {
  (void)sql_.query(
      fmt::format("DELETE FROM {} WHERE `key_hash` = {}", name(), quote_starrocks_literal(key)));
}

void QuarantineRows::note_try(KeyHash const& key, std::string const& reason) {
  (void)sql_.query(
      fmt::format("UPDATE {} SET `tries` = `tries` + 1, `reason` = {} WHERE `key_hash` = {}",
                  name(), quote_starrocks_literal(reason), quote_starrocks_literal(key)));
}

} // namespace walrock
