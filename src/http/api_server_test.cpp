#include "http/api_server.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "http/status_json.h"

namespace walrock {
namespace {

Status running_status() {
  Status status;
  status.job_id = "shop";
  status.state = EngineState::running;
  status.flushed_lsn = Lsn{0x16B3748};
  status.lag_bytes = 12;
  status.lag_seconds = 0.5;
  TableStatus table;
  table.name = {"public", "users"};
  table.target = {"demo", "users"};
  table.state = TableState::ready;
  table.copied_rows = 100;
  table.applied_rows = 7;
  status.tables.push_back(table);
  return status;
}

std::shared_ptr<StatusBoard> board_with(Status status) {
  auto board = std::make_shared<StatusBoard>();
  board->publish(std::move(status));
  return board;
}

TEST(StatusJson, KeepsItsContract) {
  auto const json = nlohmann::json::parse(status_json(running_status()));
  EXPECT_EQ(json["state"], "running");
  EXPECT_EQ(json["flushed_lsn"], "0/16B3748");
  EXPECT_EQ(json["lag_bytes"], 12);
  EXPECT_EQ(json["lag_seconds"], 0.5);
  auto const& table = json["tables"].at(0);
  EXPECT_EQ(table["name"], "public.users");
  EXPECT_EQ(table["state"], "ready");
  EXPECT_EQ(table["rows"], 100);
  EXPECT_EQ(table["changes"], 7);
  EXPECT_EQ(table["reason"], "");
  EXPECT_TRUE(table["estimated_rows"].is_null());
  EXPECT_TRUE(json["error"].is_null());
}

TEST(StatusJson, AFailureSaysWhatAndWhatToDo) {
  Status status;
  status.state = EngineState::failed;
  status.error = ErrorReport::of(Error(ErrorCode::slot_missing, "slot is gone"));
  auto const json = nlohmann::json::parse(status_json(status));
  EXPECT_EQ(json["error"]["code"], "slot_missing");
  EXPECT_EQ(json["error"]["message"], "slot is gone");
  EXPECT_NE(json["error"]["advice"], "");
}

TEST(StatusJson, BytesThatAreNotUtf8DoNotBreakIt) {
  Status status = running_status();
  status.tables[0].reason = "bad \xff byte";
  EXPECT_TRUE(nlohmann::json::accept(status_json(status)));
}

TEST(ApiServer, ServesStatusAndHealthOnAFreePort) {
  auto const board = board_with(running_status());
  ApiServer const server("127.0.0.1", 0, [board] { return board->read(); });
  EXPECT_FALSE(server.is_elsewhere());
  httplib::Client client("http://" + server.address());
  auto const status = client.Get("/api/v1/status");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->status, 200);
  EXPECT_EQ(status->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(nlohmann::json::parse(status->body)["job"], "shop");
  auto const health = client.Get("/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 200);
  EXPECT_EQ(nlohmann::json::parse(health->body)["status"], "ok");
}

TEST(ApiServer, AFailedJobIsNotHealthy) {
  Status failed;
  failed.state = EngineState::failed;
  auto const board = board_with(failed);
  ApiServer const server("127.0.0.1", 0, [board] { return board->read(); });
  auto const health = httplib::Client("http://" + server.address()).Get("/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 503);
}

TEST(ApiServer, EverythingElseIsAJsonError) {
  auto const board = board_with(running_status());
  ApiServer const server("127.0.0.1", 0, [board] { return board->read(); });
  httplib::Client client("http://" + server.address());
  auto const missing = client.Get("/no/such/page");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->status, 404);
  EXPECT_TRUE(nlohmann::json::parse(missing->body).contains("error"));
  auto const posted = client.Post("/api/v1/status", std::string(100'000, 'x'), "text/plain");
  ASSERT_TRUE(posted);
  EXPECT_GE(posted->status, 400);
  EXPECT_TRUE(nlohmann::json::parse(posted->body).contains("error"));
}

TEST(ApiServer, ATakenPortMakesItTakeAFreeOne) {
  auto const board = board_with(running_status());
  auto const read = [board] { return board->read(); };
  ApiServer const first("127.0.0.1", 0, read);
  int const taken = std::stoi(first.address().substr(first.address().rfind(':') + 1));
  ApiServer const second("127.0.0.1", taken, read);
  EXPECT_TRUE(second.is_elsewhere());
  EXPECT_NE(first.address(), second.address());
  EXPECT_TRUE(httplib::Client("http://" + second.address()).Get("/healthz"));
}

TEST(ApiServer, AHostThatIsNotOursIsRefused) {
  auto const board = board_with(running_status());
  EXPECT_THROW(ApiServer("203.0.113.1", 0, [board] { return board->read(); }), Error);
}

TEST(ApiServer, StopsWhileAClientHoldsAConnectionOpen) {
  auto const board = board_with(running_status());
  auto server = std::make_unique<ApiServer>("127.0.0.1", 0, [board] { return board->read(); });
  httplib::Client client("http://" + server->address());
  client.set_keep_alive(true);
  ASSERT_TRUE(client.Get("/healthz"));
  server.reset();
  EXPECT_FALSE(client.Get("/healthz"));
}

} // namespace
} // namespace walrock
