#include "pgoutput/copy_text.h"

#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"

namespace walrock {
namespace {

// NULL as "<null>", fields joined with "|".
std::string decoded(std::string line, std::size_t column_count) {
  CopyRowDecoder decoder(column_count);
  std::string out;
  for (Value const& value : decoder.decode(line)) {
    out += out.empty() && value.is_text() && value.text.empty() ? "<empty>"
           : out.empty()                                        ? ""
                                                                : "|";
    out += value.is_null() ? "<null>" : std::string(value.text);
  }
  return out;
}

// As PostgreSQL writes a text field.
std::string escaped(std::string const& text) {
  std::string out;
  for (char const c : text) {
    switch (c) {
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    case '\v': out += "\\v"; break;
    case '\\': out += "\\\\"; break;
    default: out += c;
    }
  }
  return out;
}

TEST(CopyText, PlainFieldsAreViewsIntoTheLine) {
  std::string line = "1\tAnn\t12.50";
  CopyRowDecoder decoder(3);
  Row const row = decoder.decode(line);
  EXPECT_EQ(row[1].text, "Ann");
  EXPECT_EQ(row[1].text.data(), line.data() + 2);
}

TEST(CopyText, NullIsOnlyAWholeField) {
  EXPECT_EQ(decoded("\\N\ta\t\\N", 3), "<null>|a|<null>");
  EXPECT_EQ(decoded("\\\\N\tx\\N", 2), "\\N|xN");
}

TEST(CopyText, EmptyFieldsAreEmptyTexts) {
  CopyRowDecoder decoder(3);
  std::string line = "\t\t";
  for (Value const& value : decoder.decode(line)) {
    EXPECT_TRUE(value.is_text());
    EXPECT_TRUE(value.text.empty());
  }
  std::string nothing;
  CopyRowDecoder one(1);
  EXPECT_TRUE(one.decode(nothing)[0].is_text());
}

TEST(CopyText, EscapesAreUndoneInPlace) {
  EXPECT_EQ(decoded("a\\tb\\nc\\rd\\be\\ff\\vg\\\\h\tnext", 2), "a\tb\nc\rd\be\ff\vg\\h|next");
  EXPECT_EQ(decoded("\\101\\7z\\x41\\x4z\\xg\\q", 1), "A\007zA\004zxgq");
  EXPECT_EQ(decoded("one\ttwo\\\\\t\\N\tfour", 4), "one|two\\|<null>|four");
}

TEST(CopyText, WrongColumnCountIsAProtocolViolation) {
  EXPECT_THROW(decoded("1\t2", 3), ProtocolViolation);
  EXPECT_THROW(decoded("1\t2\t3\t4", 3), ProtocolViolation);
  EXPECT_THROW(decoded("1\t\\\\\t3\t4", 3), ProtocolViolation);
  EXPECT_THROW(decoded("\\N", 2), ProtocolViolation);
  EXPECT_THROW(decoded("x", 0), ProtocolViolation);
  EXPECT_EQ(decoded("", 0), "");
}

TEST(CopyText, ALineThatEndsInsideAnEscapeIsAProtocolViolation) {
  EXPECT_THROW(decoded("abc\\", 1), ProtocolViolation);
  EXPECT_THROW(decoded("1\t\\", 2), ProtocolViolation);
}

TEST(CopyText, WhatPostgresWritesComesBack) {
  unsigned seed = std::random_device{}();
  if (char const* given = std::getenv("WALROCK_SEED"))
    seed = static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  SCOPED_TRACE("WALROCK_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  std::string_view const alphabet = "ab\\N\t\n\r\v\f\b.x71";
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> texts(1 + random() % 5);
    std::vector<bool> nulls;
    std::string line;
    for (std::string& text : texts) {
      for (auto n = random() % 6; n > 0; --n)
        text += alphabet[random() % alphabet.size()];
      nulls.push_back(random() % 4 == 0);
      line += (nulls.size() > 1 ? "\t" : "") + (nulls.back() ? "\\N" : escaped(text));
    }
    CopyRowDecoder decoder(texts.size());
    Row const row = decoder.decode(line);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(row[i].is_null(), nulls[i]);
      ASSERT_EQ(row[i].text, nulls[i] ? std::string() : texts[i]);
    }
  }
}

TEST(CopyText, RandomBytesNeverCrash) {
  std::mt19937 random(7);
  CopyRowDecoder decoder(3);
  for (int round = 0; round < 100'000; ++round) {
    std::string line(random() % 20, ' ');
    for (char& c : line)
      c = "\\\t\\Nx4a"[random() % 8];
    try {
      (void)decoder.decode(line);
    } catch (ProtocolViolation const&) {
    }
  }
}

} // namespace
} // namespace walrock
