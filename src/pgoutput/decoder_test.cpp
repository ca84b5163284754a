// The messages in hex were recorded from PostgreSQL 15 with pg_logical_slot_get_binary_changes.
#include "pgoutput/decoder.h"

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

std::vector<std::byte> bytes_of(std::string_view hex) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

constexpr char kBegin[] = "420000000001546d70000303c6eb206122000002da";
constexpr char kCommit[] = "43000000000001546d700000000001546da0000303c6eb206122";
constexpr char kOrigin[] = "4f000000000154708861626300";
constexpr char kRelation[] =
    "52000040007075626c69630074006400040169640000000017ffffffff006e616d650000000019ffffffff"
    "006269670000000019ffffffff006e00000006a4000a0006";
constexpr char kType[] = "59000040087075626c6963006d6f6f6400";
constexpr char kInsertWithNulls[] = "49000040004e00047400000001326e7400000001786e";
constexpr char kUpdateWithUnchangedToast[] =
    "55000040004e00047400000001317400000003426f6275740000000531322e3530";
constexpr char kUpdateOfKey[] =
    "55000040004b00047400000001326e6e6e4e00047400000001336e7400000001786e";
constexpr char kUpdateWithOldRow[] =
    "55000040124f00027400000001317400000001614e0002740000000131740000000162";
constexpr char kDeleteByKey[] = "44000040004b00047400000001336e6e6e";
constexpr char kDeleteWithOldRow[] = "44000040124f0002740000000131740000000162";
constexpr char kTruncate[] = "540000000203000040000000400d";
constexpr char kMessage[] = "4d0100000000015485a077616c726f636b000000000568656c6c6f";

constexpr char kStreamStart[] = "53000002e401";
constexpr char kStreamStop[] = "45";
constexpr char kStreamCommit[] = "63000002e40000000000015852580000000001585290000303c6eb2125cb";
constexpr char kStreamAbort[] = "41000002e4000002e5";
constexpr char kParallelStreamAbort[] = "41000002e4000002e50000000001585258000303c6eb2125cb";
constexpr char kBlockRelation[] =
    "52000002e6000040007075626c69630074006400040169640000000017ffffffff006e616d650000000019"
    "ffffffff006269670000000019ffffffff006e00000006a4000a0006";
constexpr char kBlockInsert[] =
    "49000002e6000040004e000474000000043530303074000000017a7400000001797400000004322e3030";

std::vector<char const*> const kPlainMessages{kBegin,
                                              kCommit,
                                              kOrigin,
                                              kRelation,
                                              kType,
                                              kInsertWithNulls,
                                              kUpdateWithUnchangedToast,
                                              kUpdateOfKey,
                                              kUpdateWithOldRow,
                                              kDeleteByKey,
                                              kDeleteWithOldRow,
                                              kTruncate,
                                              kMessage,
                                              kStreamStart,
                                              kStreamCommit,
                                              kStreamAbort};
std::vector<char const*> const kInBlockMessages{kBlockRelation, kBlockInsert, kStreamStop};

// Keeps the bytes that the decoded message looks into.
struct Decoded {
  explicit Decoded(std::string_view hex, bool in_stream_block = false) : payload(bytes_of(hex)) {
    message = &decoder.decode(payload, in_stream_block);
  }
  template <typename M> M const& as() const { return std::get<M>(*message); }
  std::vector<std::byte> payload;
  Decoder decoder;
  Message const* message = nullptr;
};

// Nulls as "-", unchanged toast as "=".
std::string text_of(Row row) {
  std::string out;
  for (Value const& value : row) {
    out += out.empty() ? "" : "|";
    out += value.is_null() ? "-" : value.is_unchanged_toast() ? "=" : std::string(value.text);
  }
  return out;
}

TEST(Decode, BeginAndCommitOfATransactionAgreeOnItsLsn) {
  Decoded const begin(kBegin);
  EXPECT_EQ(begin.as<Begin>().final_lsn, parse_lsn("0/1546D70"));
  EXPECT_EQ(begin.as<Begin>().xid, 0x2DAU);
  EXPECT_EQ(begin.as<Begin>().commit_time, 0x000303c6eb206122);
  Decoded const commit(kCommit);
  EXPECT_EQ(commit.as<Commit>().commit_lsn, parse_lsn("0/1546D70"));
  EXPECT_EQ(commit.as<Commit>().end_lsn, parse_lsn("0/1546DA0"));
  EXPECT_EQ(commit.as<Commit>().commit_time, 0x000303c6eb206122);
}

TEST(Decode, OriginNamesWhereATransactionCameFrom) {
  Decoded const origin(kOrigin);
  EXPECT_EQ(origin.as<Origin>().commit_lsn, parse_lsn("0/1547088"));
  EXPECT_EQ(origin.as<Origin>().name, "abc");
}

TEST(Decode, RelationHasNameIdentityColumnsAndKey) {
  Decoded const decoded(kRelation);
  Relation const& relation = decoded.as<RelationMessage>().relation;
  EXPECT_EQ(relation.id, RelationId{16384});
  EXPECT_EQ(relation.name, (TableName{"public", "t"}));
  EXPECT_EQ(relation.identity, ReplicaIdentity::default_);
  std::vector<RelationColumn> const columns{{"id", 23, -1, true},
                                            {"name", 25, -1, false},
                                            {"big", 25, -1, false},
                                            {"n", 1700, 0x000a0006, false}};
  EXPECT_EQ(relation.columns, columns);
}

TEST(Decode, EmptyNamespaceMeansPgCatalog) {
  Decoded const type("590000001700"
                     "696e743400");
  EXPECT_EQ(type.as<TypeMessage>().namespace_name, "pg_catalog");
  EXPECT_EQ(type.as<TypeMessage>().name, "int4");
}

TEST(Decode, TypeHasItsOidAndName) {
  Decoded const type(kType);
  EXPECT_EQ(type.as<TypeMessage>().type_oid, 16392U);
  EXPECT_EQ(type.as<TypeMessage>().namespace_name, "public");
  EXPECT_EQ(type.as<TypeMessage>().name, "mood");
}

TEST(Decode, InsertTellsNullFromText) {
  Decoded const decoded(kInsertWithNulls);
  EXPECT_EQ(decoded.as<Insert>().relation_id, RelationId{16384});
  EXPECT_EQ(text_of(decoded.as<Insert>().new_row), "2|-|x|-");
}

TEST(Decode, TextCellsAreViewsIntoThePayload) {
  Decoded const decoded(kInsertWithNulls);
  auto const* const cell =
      reinterpret_cast<std::byte const*>(decoded.as<Insert>().new_row[0].text.data());
  EXPECT_GE(cell, decoded.payload.data());
  EXPECT_LT(cell, decoded.payload.data() + decoded.payload.size());
}

TEST(Decode, UpdateWithoutOldRowTellsUnchangedToastFromNull) {
  Decoded const decoded(kUpdateWithUnchangedToast);
  EXPECT_EQ(decoded.as<Update>().old_kind, OldRowKind::none);
  EXPECT_TRUE(decoded.as<Update>().old_row.empty());
  EXPECT_EQ(text_of(decoded.as<Update>().new_row), "1|Bob|=|12.50");
}

TEST(Decode, UpdateOfTheKeyHasTheOldKey) {
  Decoded const decoded(kUpdateOfKey);
  EXPECT_EQ(decoded.as<Update>().old_kind, OldRowKind::key);
  EXPECT_EQ(text_of(decoded.as<Update>().old_row), "2|-|-|-");
  EXPECT_EQ(text_of(decoded.as<Update>().new_row), "3|-|x|-");
}

TEST(Decode, UpdateUnderIdentityFullHasTheOldRow) {
  Decoded const decoded(kUpdateWithOldRow);
  EXPECT_EQ(decoded.as<Update>().old_kind, OldRowKind::full);
  EXPECT_EQ(text_of(decoded.as<Update>().old_row), "1|a");
  EXPECT_EQ(text_of(decoded.as<Update>().new_row), "1|b");
}

TEST(Decode, DeleteHasKeyOrOldRow) {
  Decoded const by_key(kDeleteByKey);
  EXPECT_EQ(by_key.as<Delete>().old_kind, OldRowKind::key);
  EXPECT_EQ(text_of(by_key.as<Delete>().old_row), "3|-|-|-");
  Decoded const by_row(kDeleteWithOldRow);
  EXPECT_EQ(by_row.as<Delete>().old_kind, OldRowKind::full);
  EXPECT_EQ(text_of(by_row.as<Delete>().old_row), "1|b");
}

TEST(Decode, TruncateListsItsTables) {
  Decoded const decoded(kTruncate);
  EXPECT_TRUE(decoded.as<Truncate>().cascade);
  EXPECT_TRUE(decoded.as<Truncate>().restart_identity);
  EXPECT_EQ(decoded.as<Truncate>().relation_ids, (std::vector<RelationId>{{16384}, {16397}}));
}

TEST(Decode, LogicalMessageHasPrefixAndContent) {
  Decoded const decoded(kMessage);
  EXPECT_TRUE(decoded.as<LogicalMessage>().is_transactional);
  EXPECT_EQ(decoded.as<LogicalMessage>().lsn, parse_lsn("0/15485A0"));
  EXPECT_EQ(decoded.as<LogicalMessage>().prefix, "walrock");
  EXPECT_EQ(decoded.as<LogicalMessage>().content, "hello");
}

TEST(Decode, StreamedTransactionStartsStopsCommitsAndAborts) {
  EXPECT_EQ(Decoded(kStreamStart).as<StreamStart>().xid, 0x2E4U);
  EXPECT_TRUE(Decoded(kStreamStart).as<StreamStart>().is_first);
  EXPECT_TRUE(std::holds_alternative<StreamStop>(*Decoded(kStreamStop, true).message));
  StreamCommit const commit = Decoded(kStreamCommit).as<StreamCommit>();
  EXPECT_EQ(commit.xid, 0x2E4U);
  EXPECT_EQ(commit.commit.commit_lsn, parse_lsn("0/1585258"));
  EXPECT_EQ(commit.commit.end_lsn, parse_lsn("0/1585290"));
}

TEST(Decode, StreamAbortIsReadWithAndWithoutItsLsn) {
  for (char const* hex : {kStreamAbort, kParallelStreamAbort}) {
    EXPECT_EQ(Decoded(hex).as<StreamAbort>().xid, 0x2E4U);
    EXPECT_EQ(Decoded(hex).as<StreamAbort>().sub_xid, 0x2E5U);
  }
}

TEST(Decode, InsideABlockChangesCarryTheirSubtransaction) {
  Decoded const insert(kBlockInsert, true);
  EXPECT_EQ(insert.decoder.sub_xid(), 0x2E6U);
  EXPECT_EQ(insert.as<Insert>().relation_id, RelationId{16384});
  EXPECT_EQ(text_of(insert.as<Insert>().new_row), "5000|z|y|2.00");
  Decoded const relation(kBlockRelation, true);
  EXPECT_EQ(relation.decoder.sub_xid(), 0x2E6U);
  EXPECT_EQ(relation.as<RelationMessage>().relation,
            Decoded(kRelation).as<RelationMessage>().relation);
  EXPECT_EQ(Decoded(kInsertWithNulls).decoder.sub_xid(), 0U);
}

TEST(Decode, PeekTellsTypeSubtransactionAndRelation) {
  MessageHead const in_block = peek(bytes_of(kBlockInsert), true);
  EXPECT_EQ(in_block.type, 'I');
  EXPECT_EQ(in_block.sub_xid, 0x2E6U);
  EXPECT_EQ(in_block.relation_id, RelationId{16384});
  EXPECT_EQ(in_block.rest, 5U);
  MessageHead const plain = peek(bytes_of(kDeleteByKey), false);
  EXPECT_EQ(plain.type, 'D');
  EXPECT_EQ(plain.sub_xid, 0U);
  EXPECT_EQ(plain.relation_id, RelationId{16384});
  EXPECT_EQ(plain.rest, 1U);
  EXPECT_EQ(peek(bytes_of(kStreamStop), true).type, 'E');
  EXPECT_THROW((void)peek(bytes_of("7a00"), false), ProtocolViolation);
  EXPECT_THROW((void)peek({}, false), ProtocolViolation);
  EXPECT_THROW((void)peek(bytes_of("4900"), false), ProtocolViolation);
}

TEST(Decode, RowsAreReusedFromMessageToMessage) {
  Decoder decoder;
  auto const wide = bytes_of(kUpdateWithUnchangedToast);
  auto const narrow = bytes_of(kDeleteWithOldRow);
  auto const* const first = std::get<Update>(decoder.decode(wide, false)).new_row.data();
  (void)decoder.decode(narrow, false);
  EXPECT_EQ(std::get<Update>(decoder.decode(wide, false)).new_row.data(), first);
}

TEST(Decode, EveryTruncationIsAProtocolViolation) {
  auto const check = [](char const* hex, bool in_stream_block) {
    auto const whole = bytes_of(hex);
    Decoder decoder;
    for (std::size_t n = 0; n < whole.size(); ++n) {
      std::vector<std::byte> const part(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(n));
      EXPECT_THROW(decoder.decode(part, in_stream_block), ProtocolViolation)
          << hex << " length " << n;
    }
  };
  for (char const* hex : kPlainMessages)
    check(hex, false);
  for (char const* hex : kInBlockMessages)
    check(hex, true);
}

TEST(Decode, TrailingBytesAreAProtocolViolation) {
  Decoder decoder;
  for (char const* hex : kPlainMessages)
    EXPECT_THROW(decoder.decode(bytes_of(std::string(hex) + "00"), false), ProtocolViolation)
        << hex;
  EXPECT_THROW(decoder.decode(bytes_of(std::string(kParallelStreamAbort) + "00"), false),
               ProtocolViolation);
}

TEST(Decode, WhatWasNotAskedForIsAProtocolViolation) {
  Decoder decoder;
  auto const refuse = [&](char const* hex) {
    EXPECT_THROW(decoder.decode(bytes_of(hex), false), ProtocolViolation) << hex;
  };
  refuse("49000040004e0001620000000131"); // a binary cell
  refuse("49000040004e000178");           // an unknown kind of cell
  refuse("49000040004b0001740000000131"); // an insert of an old row
  refuse("44000040004e0001740000000131"); // a delete of a new row
  refuse("62000000000000000000");         // begin prepare
  refuse("00");
  refuse("52000040007075626c6963007400780000"); // replica identity 'x'
}

TEST(Decode, FalseCountsDoNotAllocate) {
  Decoder decoder;
  EXPECT_THROW(decoder.decode(bytes_of("54ffffffff00"), false), ProtocolViolation);
  EXPECT_THROW(decoder.decode(bytes_of("49000040004effff6e"), false), ProtocolViolation);
}

TEST(Decode, RandomBytesNeverCrash) {
  unsigned seed = std::random_device{}();
  if (char const* given = std::getenv("WALROCK_SEED"))
    seed = static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  SCOPED_TRACE("WALROCK_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  Decoder decoder;
  std::vector<std::vector<std::byte>> golden;
  golden.reserve(kPlainMessages.size());
  for (char const* hex : kPlainMessages)
    golden.push_back(bytes_of(hex));
  std::size_t refused = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::vector<std::byte> payload = golden[random() % golden.size()];
    for (auto flips = random() % 4; flips > 0; --flips)
      payload[random() % payload.size()] = static_cast<std::byte>(random());
    try {
      (void)decoder.decode(payload, (random() & 1U) != 0);
    } catch (ProtocolViolation const&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
}

} // namespace
} // namespace walrock
