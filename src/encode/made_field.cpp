#include "encode/made_field.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/error.h"
#include "model/pg_time.h"

namespace walrock {

namespace {

// 2026-01-31 12:00:00.000001, in UTC; nothing: not known.
std::optional<std::string> moment(std::int64_t microseconds_since_2000) {
  if (microseconds_since_2000 == 0)
    return std::nullopt;
  using std::chrono::microseconds;
  microseconds const at = kPgEpoch + microseconds(microseconds_since_2000);
  auto const second = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}", std::chrono::sys_seconds(second),
                     (at - second).count());
}

__extension__ typedef unsigned __int128 Uint128; // NOLINT(modernize-use-using)

// A value is told apart from its neighbours and from NULL by its length.
void append_told_apart(Value value, std::string& out) {
  constexpr std::uint64_t kNull = ~std::uint64_t{0};
  std::uint64_t const size = value.is_null() ? kNull : value.text.size();
  out.append(reinterpret_cast<char const*>(&size), sizeof size);
  if (!value.is_null())
    out.append(value.text);
}

} // namespace

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
  case ChangeKind::read: return "read";
  case ChangeKind::insert: return "insert";
  case ChangeKind::update: return "update";
  case ChangeKind::delete_: return "delete";
  case ChangeKind::truncate: return "truncate";
  }
  return "";
}

std::string hash_of_row(Row row) {
  std::string values;
  for (Value const& value : row) {
    WALROCK_ASSERT(!value.is_unchanged_toast(), "a row without a key is sent whole");
    append_told_apart(value, values);
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(values.data()), values.size(), digest.data());
  Uint128 number = digest[0] & 0x7f; // without a sign
  for (std::size_t i = 1; i < sizeof number; ++i)
    number = number << 8 | digest[i];
  return fmt::format("{}", number);
}

std::optional<std::string> made_value(MadeColumn column, Row row, RowOrigin origin,
                                      std::string_view source_table) {
  bool const is_deleted = origin.kind == ChangeKind::delete_;
  switch (column) {
  case MadeColumn::lsn: return std::to_string(origin.commit_lsn.value);
  case MadeColumn::index: return std::to_string(origin.index);
  case MadeColumn::commit_time: return moment(origin.commit_time);
  case MadeColumn::xid:
    return origin.xid == 0 ? std::nullopt : std::optional(std::to_string(origin.xid));
  case MadeColumn::operation: return std::string(to_string(origin.kind));
  case MadeColumn::source_table: return std::string(source_table);
  case MadeColumn::is_deleted: return is_deleted ? "1" : "0";
  case MadeColumn::deleted_at: return is_deleted ? moment(origin.commit_time) : std::nullopt;
  case MadeColumn::row_hash: return hash_of_row(row);
  case MadeColumn::none: break;
  }
  WALROCK_ASSERT(false, "the column is filled from the source");
}

} // namespace walrock
