#include "encode/made_field.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.h"
#include "model/pg_time_text.h"
#include "model/ranked_rows.h"

namespace walrock {

namespace {

// Nothing: not known.
std::optional<std::string> moment(std::int64_t at) {
  return at == 0 ? std::nullopt : std::optional(pg_time_text(at));
}

__extension__ typedef unsigned __int128 Uint128; // NOLINT(modernize-use-using)

// A text is told apart from its neighbours by its length.
void append_told_apart(std::string_view text, std::string& out) {
  for (std::size_t byte = 0; byte < sizeof(std::uint64_t); ++byte)
    out += static_cast<char>(text.size() >> (8 * byte) & 0xff);
  out.append(text);
}

// What the row's number or, of one that is not known, its rank is.
std::string place(std::uint64_t known, std::string const& unknown, RowOrigin const& origin) {
  return origin.rank == 0 ? std::to_string(known) : unknown;
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

std::string to_string(RowHash hash) {
  return fmt::format("{}", Uint128{hash.high} << 64 | hash.low);
}

RowHash hash_of_row(Row row, Relation const& relation) {
  WALROCK_ASSERT(row.size() == relation.columns.size(), "a row has the columns of its relation");
  std::string values;
  for (std::size_t i = 0; i < row.size(); ++i) {
    WALROCK_ASSERT(!row[i].is_unchanged_toast(), "a row without a key is sent whole");
    if (row[i].is_null())
      continue;
    append_told_apart(relation.columns[i].name, values);
    append_told_apart(row[i].text, values);
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(values.data()), values.size(), digest.data());
  digest[0] &= 0x7f; // a LARGEINT without a sign
  RowHash hash;
  for (std::size_t i = 0; i < 8; ++i) {
    hash.high = hash.high << 8 | digest[i];
    hash.low = hash.low << 8 | digest[8 + i];
  }
  return hash;
}

std::optional<std::string> made_value(MadeColumn column, Row row, RowOrigin origin,
                                      Relation const& relation) {
  bool const is_deleted = origin.kind == ChangeKind::delete_ || origin.kind == ChangeKind::truncate;
  switch (column) {
  case MadeColumn::lsn:
    return place(origin.commit_lsn.value, kRankMark + std::to_string(origin.rank), origin);
  case MadeColumn::index: return place(origin.index, "", origin);
  case MadeColumn::commit_time: return moment(origin.commit_time);
  case MadeColumn::xid:
    return origin.xid == 0 ? std::nullopt : std::optional(std::to_string(origin.xid));
  case MadeColumn::operation: return std::string(to_string(origin.kind));
  case MadeColumn::source_table: return to_string(relation.name);
  case MadeColumn::is_deleted: return is_deleted ? "1" : "0";
  case MadeColumn::deleted_at: return is_deleted ? moment(origin.commit_time) : std::nullopt;
  case MadeColumn::row_hash: return to_string(hash_of_row(row, relation));
  case MadeColumn::none: break;
  }
  WALROCK_ASSERT(false, "the column is filled from the source");
}

} // namespace walrock
