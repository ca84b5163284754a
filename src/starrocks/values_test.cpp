// The small pure parts: versions, URLs, type names, compression, errors of SQL.
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <zstd.h>

#include "base/error.h"
#include "starrocks/catalog.h"
#include "starrocks/column_type.h"
#include "starrocks/compressor.h"
#include "starrocks/sql_connection.h"
#include "starrocks/url.h"
#include "starrocks/version.h"

namespace walrock {
namespace {

TEST(ServerVersion, IsReadFromCurrentVersion) {
  EXPECT_EQ(parse_server_version("3.5.4-79ee91d"), (ServerVersion{3, 5, 4}));
  EXPECT_EQ(parse_server_version("4.1"), (ServerVersion{4, 1, 0}));
  EXPECT_EQ(parse_server_version("3.3.0-rc01"), (ServerVersion{3, 3, 0}));
  for (char const* const text : {"", "x", "3", "3.", "main-123", "-1.2.3", "3.x", "5.1.y"})
    EXPECT_FALSE(parse_server_version(text)) << text;
  EXPECT_LT(parse_server_version("3.2.10"), parse_server_version("3.10.0"));
}

TEST(Url, IsTakenApart) {
  EXPECT_EQ(parse_url("http://10.0.0.5:8040/api/x?a=b"),
            (Url{"http", "10.0.0.5", 8040, "/api/x?a=b"}));
  EXPECT_EQ(parse_url("https://be.local"), (Url{"https", "be.local", 443, "/"}));
  EXPECT_EQ(parse_url("http://[::1]:80?q#f"), (Url{"http", "::1", 80, "/?q"}));
  EXPECT_EQ(to_string(*parse_url("http://[::1]:81/x")), "http://[::1]:81/x");
  for (char const* const text : {"http://[[)]", "http://[host]", "", "/path", "ftp://h/", "http://",
                                 "http://:80/", "http://h:0/", "http://h:99999/", "http://h:80x/",
                                 "http://user:secret@h/", "http://h/a b", "http://[::1/", "//h/x"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(Url, BackendHostsPreferTheExactAddress) {
  std::map<std::string, std::string> const hosts{{"be", "outside"},
                                                 {"be:8041", "127.0.0.1:9041"},
                                                 {"tls", "https://gate:443"},
                                                 {"six", "[::1]:5"}};
  auto const mapped = [&](char const* text) {
    return to_string(reachable_url(*parse_url(text), hosts));
  };
  EXPECT_EQ(mapped("http://be:8040/p"), "http://outside:8040/p");
  EXPECT_EQ(mapped("http://be:8041/p"), "http://127.0.0.1:9041/p");
  EXPECT_EQ(mapped("http://tls:8040/p"), "https://gate:443/p");
  EXPECT_EQ(mapped("http://six:8040/p"), "http://[::1]:5/p");
  EXPECT_EQ(mapped("http://other:8040/p"), "http://other:8040/p");
}

TEST(Url, NamesAreEncoded) {
  EXPECT_EQ(percent_encoded("a-b_C.9/\xC3\xA4 ?"), "a-b_C.9%2F%C3%A4%20%3F");
}

TEST(ColumnType, CatalogSpellingsBecomeOurs) {
  struct Case {
    char const* catalog;
    char const* type;
  };
  for (Case const& c :
       {Case{"int(11)", "INT"},
        Case{"int", "INT"},
        Case{"bigint(20)", "BIGINT"},
        Case{"tinyint(1)", "BOOLEAN"},
        Case{"tinyint(4)", "TINYINT"},
        Case{"boolean", "BOOLEAN"},
        Case{"bigint(20) unsigned", "LARGEINT"},
        Case{"bigint unsigned", "LARGEINT"},
        Case{"largeint(40)", "LARGEINT"},
        Case{"decimal64(10, 2)", "DECIMAL(10,2)"},
        Case{"decimal(38,0)", "DECIMAL(38,0)"},
        Case{"DECIMAL128(38, 9)", "DECIMAL(38,9)"},
        Case{"varchar(65533)", "VARCHAR(65533)"},
        Case{"string", "VARCHAR(65533)"},
        Case{"char(3)", "CHAR(3)"},
        Case{"varbinary(1048576)", "VARBINARY"},
        Case{"varbinary", "VARBINARY"},
        Case{"datetime", "DATETIME"},
        Case{"double", "DOUBLE"},
        Case{"json", "JSON"},
        Case{"array<int(11)>", "ARRAY<INT>"},
        Case{"ARRAY<ARRAY<varchar(20)>>", "ARRAY<ARRAY<VARCHAR(20)>>"},
        Case{"map<varchar(10),decimal(9, 2)>", "MAP<VARCHAR(10),DECIMAL(9,2)>"},
        Case{"struct<id int(11), Name varchar(1048576)>", "STRUCT<id INT,Name VARCHAR(1048576)>"},
        Case{"", ""},
        Case{"array<", "ARRAY<>"}})
    EXPECT_EQ(column_type_from_catalog(c.catalog), c.type) << c.catalog;
}

TEST(Compressor, MakesFramesThatDecompress) {
  std::string const bytes = std::string(100'000, 'a') + "\x01\x02";
  std::string const zstd = compressed(bytes, Compression::zstd);
  std::string out(bytes.size(), '\0');
  EXPECT_EQ(ZSTD_decompress(out.data(), out.size(), zstd.data(), zstd.size()), bytes.size());
  EXPECT_EQ(out, bytes);
  std::string const lz4 = compressed(bytes, Compression::lz4);
  out.assign(bytes.size(), '\0');
  LZ4F_dctx* context = nullptr;
  ASSERT_EQ(LZ4F_createDecompressionContext(&context, LZ4F_VERSION), 0U);
  std::size_t out_size = out.size();
  std::size_t in_size = lz4.size();
  EXPECT_EQ(LZ4F_decompress(context, out.data(), &out_size, lz4.data(), &in_size, nullptr), 0U);
  LZ4F_freeDecompressionContext(context);
  EXPECT_EQ(out, bytes);
  EXPECT_LT(lz4.size(), 2000U);
  EXPECT_EQ(compressed("x", Compression::none), "x");
}

TEST(ColumnClause, IsWrittenForCreateAndAdd) {
  EXPECT_EQ(column_clause({"a`b", "INT", true, std::nullopt, ""}), "`a``b` INT NULL");
  EXPECT_EQ(column_clause({"c", "VARCHAR(5)", false, "it's \"x\"", "why"}),
            "`c` VARCHAR(5) NOT NULL DEFAULT \"it's \\\"x\\\"\" COMMENT \"why\"");
  EXPECT_EQ(column_clause({"t", "DATETIME", true, "CURRENT_TIMESTAMP", ""}),
            "`t` DATETIME NULL DEFAULT CURRENT_TIMESTAMP");
}

TEST(SqlError, TextsComeBeforeNumbers) {
  struct Case {
    unsigned number;
    char const* text;
    ErrorCode code;
    Retry retry;
  };
  using enum ErrorCode;
  for (Case const& c :
       {Case{1064, "Access denied for user 'u' (using password: YES)", target_login_refused,
             Retry::never},
        Case{1045, "whatever", target_login_refused, Retry::never},
        Case{5203, "Access denied; you need (at least one of) the INSERT privilege(s)",
             target_permission_denied, Retry::never},
        Case{1064, "Access denied; you need (at least one of) the DROP privilege(s)",
             target_permission_denied, Retry::never},
        Case{2013, "Lost connection to server during query", target_unreachable, Retry::later},
        Case{1064, "Getting syntax error at line 1", target_query_failed, Retry::never},
        Case{1064, "A schema change operation is in progress on the table \"t\". Please wait",
             target_query_failed, Retry::later},
        Case{5502, "Unknown table 'd.t'", target_query_failed, Retry::never}}) {
    try {
      throw_sql_error(c.number, "HY000", c.text);
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), c.code) << c.text;
      EXPECT_EQ(error.retry(), c.retry) << c.text;
    }
  }
}

TEST(SqlConnection, AServerThatIsNotThereIsUnreachableAndNamedWithoutThePassword) {
  TargetAddress address;
  address.frontends = {{"127.0.0.1", 1}, {"127.0.0.1", 1}};
  address.mysql_port = 1;
  address.username = "walrock";
  address.password = Secret("hunter2");
  SqlConnection connection(address);
  try {
    connection.query("SELECT 1");
    FAIL();
  } catch (ConnectionLost const& error) {
    EXPECT_EQ(error.code(), ErrorCode::target_unreachable);
    EXPECT_NE(std::string(error.what()).find("127.0.0.1:1"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos);
  }
}

} // namespace
} // namespace walrock
