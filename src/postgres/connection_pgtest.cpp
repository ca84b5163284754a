#include "postgres/connection.h"

#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/error.h"
#include "postgres/pg_server_for_tests.h"

namespace walrock {
namespace {

// The error of an action that must fail.
template <typename Action> Error error_of(Action action) {
  try {
    action();
  } catch (Error const& error) {
    return error;
  }
  throw std::runtime_error("nothing was thrown");
}

Error connect_error(SourceAddress const& address, ConnectionKind kind = ConnectionKind::sql) {
  return error_of([&] { (void)Connection(address, kind); });
}

PgServer& server() {
  return PgServer::shared();
}

TEST(Connection, AWrongPasswordIsRefusedAndNeverShown) {
  auto sql = server().sql();
  (void)sql.query("SET password_encryption = 'scram-sha-256'; CREATE ROLE with_password; CREATE "
                  "ROLE careful LOGIN PASSWORD 'right-one' "
                  "IN ROLE with_password");
  EXPECT_TRUE(Connection(server().address("careful", "right-one"), ConnectionKind::sql).is_alive());
  Error const wrong = connect_error(server().address("careful", "hush-hush"));
  EXPECT_EQ(wrong.code(), ErrorCode::source_login_refused);
  EXPECT_EQ(wrong.sqlstate(), "28P01");
  EXPECT_EQ(wrong.retry(), Retry::never);
  EXPECT_EQ(std::string(wrong.what()).find("hush-hush"), std::string::npos);
  EXPECT_EQ(std::string(wrong.what()).find(".c:"), std::string::npos) << wrong.what();
  Error const none = connect_error(server().address("careful"));
  EXPECT_EQ(none.code(), ErrorCode::source_login_refused);
}

TEST(Connection, AnUnknownDatabaseOrRoleIsRefused) {
  auto address = server().address();
  address.database = "no_such";
  EXPECT_EQ(connect_error(address).code(), ErrorCode::source_login_refused);
  EXPECT_EQ(connect_error(address).sqlstate(), "3D000");
  EXPECT_EQ(connect_error(server().address("nobody_known")).code(),
            ErrorCode::source_login_refused);
}

TEST(Connection, AClosedPortIsUnreachableAndMayBeTriedLater) {
  auto address = server().address();
  address.hosts = {{"127.0.0.1", 1}};
  EXPECT_THROW(Connection(address, ConnectionKind::sql), ConnectionLost);
  EXPECT_EQ(connect_error(address).code(), ErrorCode::source_unreachable);
  EXPECT_EQ(connect_error(address).retry(), Retry::later);
}

TEST(Connection, TheNextHostIsTriedWhenOneIsDown) {
  auto address = server().address();
  address.hosts.insert(address.hosts.begin(), {"127.0.0.1", 1});
  EXPECT_EQ(Connection(address, ConnectionKind::sql).query("SELECT 1").text(0, 0), "1");
}

TEST(Connection, ARoleWithoutReplicationMayNotReplicate) {
  (void)server().sql().query("CREATE ROLE plain_reader LOGIN");
  Error const error = connect_error(server().address("plain_reader"), ConnectionKind::replication);
  EXPECT_EQ(error.code(), ErrorCode::source_permission_denied) << error.what();
}

TEST(Connection, PinnedSettingsOutrankTheRoleAndTheEnvironment) {
  auto sql = server().sql();
  (void)sql.query(
      "CREATE ROLE hostile LOGIN SUPERUSER; ALTER ROLE hostile SET DateStyle = 'SQL, DMY';"
      "ALTER ROLE hostile SET IntervalStyle = 'postgres_verbose';"
      "ALTER ROLE hostile SET TimeZone = 'Asia/Tokyo'; ALTER ROLE hostile SET bytea_output = "
      "escape;"
      "ALTER ROLE hostile SET extra_float_digits = 0; ALTER ROLE hostile SET search_path = public;"
      "ALTER ROLE hostile SET statement_timeout = '1ms'; ALTER ROLE hostile SET xmlbinary = hex;"
      "ALTER ROLE hostile SET standard_conforming_strings = off;"
      "ALTER ROLE hostile SET lc_monetary = 'POSIX';"
      "ALTER DATABASE postgres SET lc_monetary = 'C';"
      "ALTER ROLE hostile SET idle_in_transaction_session_timeout = '1ms'");
  ::setenv("PGDATESTYLE", "German", 1);
  for (auto const kind : {ConnectionKind::sql, ConnectionKind::replication}) {
    Connection hostile(server().address("hostile"), kind);
    auto const shown = [&](std::string const& name) {
      return hostile.query("SHOW " + name).text(0, 0);
    };
    EXPECT_TRUE(shown("DateStyle").starts_with("ISO"));
    EXPECT_EQ(shown("IntervalStyle"), "iso_8601");
    EXPECT_EQ(shown("TimeZone"), "UTC");
    EXPECT_EQ(shown("bytea_output"), "hex");
    EXPECT_EQ(shown("extra_float_digits"), "3");
    EXPECT_EQ(shown("search_path"), "pg_catalog");
    EXPECT_EQ(shown("statement_timeout"), "0");
    EXPECT_EQ(shown("xmlbinary"), "base64");
    EXPECT_EQ(shown("lc_monetary"), "C");
    EXPECT_EQ(shown("client_encoding"), "UTF8");
    EXPECT_EQ(shown("standard_conforming_strings"), "on");
    EXPECT_EQ(shown("idle_in_transaction_session_timeout"), "0");
    if (hostile.server_version() >= 140000) {
      EXPECT_EQ(shown("idle_session_timeout"), "0");
    }
  }
  ::unsetenv("PGDATESTYLE");
  (void)sql.query("ALTER DATABASE postgres RESET lc_monetary");
}

std::string monetary_of(SourceAddress const& address, ConnectionKind kind) {
  return Connection(address, kind).query("SHOW lc_monetary").text(0, 0);
}

// Only the locales C, POSIX and C.UTF-8 are on every machine; e2e prints money of others.
TEST(Connection, MoneyIsPrintedAsTheDatabaseSaysAndAsTheFirstConnectionFoundIt) {
  auto sql = server().sql();
  (void)sql.query("CREATE ROLE odd_money LOGIN SUPERUSER");
  SourceAddress const first = server().address("odd_money");
  EXPECT_EQ(monetary_of(first, ConnectionKind::sql), "C.UTF-8") << "of the configuration";
  (void)sql.query("ALTER ROLE ALL SET lc_monetary = 'C'");
  (void)sql.query("ALTER ROLE odd_money SET lc_monetary = 'C.UTF-8'");
  EXPECT_EQ(monetary_of(server().address("odd_money"), ConnectionKind::sql), "C") << "of all roles";
  (void)sql.query("ALTER DATABASE postgres SET lc_monetary = 'POSIX'");
  (void)sql.query("ALTER ROLE odd_money IN DATABASE postgres SET lc_monetary = 'C.UTF-8'");
  for (auto const kind : {ConnectionKind::sql, ConnectionKind::replication}) {
    EXPECT_EQ(monetary_of(server().address("odd_money"), kind), "POSIX") << "of the database";
    EXPECT_EQ(monetary_of(first, kind), "C.UTF-8") << "once for all connections of an address";
  }
  SourceAddress unknown = first;
  unknown.lc_monetary = std::make_shared<FoundLocale>();
  unknown.lc_monetary->set("xx_XX.UTF-8");
  Connection const other(unknown, ConnectionKind::sql);
  EXPECT_EQ(other.money_sample(), "$1,234,567.00 -$1,234,567.00");
  (void)sql.query("ALTER DATABASE postgres RESET lc_monetary");
  (void)sql.query("ALTER ROLE ALL RESET lc_monetary");
}

TEST(Connection, NullIsToldFromTheEmptyText) {
  auto sql = server().sql();
  auto const result = sql.query("SELECT $1::text, $2::text, NULL::text", {"", "a\nb"});
  EXPECT_EQ(result.text(0, 0), "");
  EXPECT_EQ(result.text(0, 1), "a\nb");
  EXPECT_FALSE(result.rows[0][2]);
  EXPECT_THROW((void)result.text(0, 2), ProtocolViolation);
}

TEST(Connection, AFailedStatementNamesItsSqlstateAndTheSessionGoesOn) {
  auto sql = server().sql();
  Error const error = error_of([&] { (void)sql.query("SELECT 1/0"); });
  EXPECT_EQ(error.code(), ErrorCode::source_query_failed);
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(error_of([&] { (void)sql.query("SELECT * FROM public.no_such"); }).code(),
            ErrorCode::table_not_found);
  EXPECT_EQ(sql.query("SELECT 1").text(0, 0), "1");
}

TEST(Connection, AStopEndsAWaitAtOnce) {
  auto sql = server().sql();
  std::stop_source stop;
  std::jthread const later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  auto const begun = std::chrono::steady_clock::now();
  EXPECT_THROW((void)sql.query("SELECT pg_sleep(30)", {}, stop.get_token()), Stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_FALSE(sql.is_alive());
}

TEST(Connection, ADeadlineEndsAWait) {
  auto sql = server().sql();
  EXPECT_THROW((void)sql.query("SELECT pg_sleep(30)", {}, {}, Deadline::in(Milliseconds(50))),
               ConnectionLost);
}

TEST(Connection, ATerminatedSessionIsLost) {
  auto victim = server().sql();
  (void)server().sql().query("SELECT pg_terminate_backend($1::int)",
                             {std::to_string(victim.backend_pid())});
  EXPECT_THROW((void)victim.query("SELECT pg_sleep(1)"), ConnectionLost);
  EXPECT_FALSE(victim.is_alive());
}

} // namespace
} // namespace walrock
