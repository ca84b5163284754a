// Redirects, credentials, 100-continue, fail-over and lost answers, against a server in this
// process.
#include "starrocks/http_client.h"

#include <gtest/gtest.h>

#include "starrocks/fake_http_test.h"

namespace walrock {
namespace {

// walrock:secret
constexpr char kBasic[] = "Basic d2Fscm9jazpzZWNyZXQ=";

TargetAddress address_of(std::vector<int> const& ports) {
  TargetAddress address;
  for (int const port : ports)
    address.frontends.push_back({"127.0.0.1", port});
  address.username = "walrock";
  address.password = Secret("secret");
  address.connect_timeout = Milliseconds(2000);
  return address;
}

HttpRequest put(std::string_view body, bool asks) {
  HttpRequest request;
  request.method = "PUT";
  request.path = "/api/transaction/load";
  request.headers = {{"label", "l1"}, {"empty", ""}};
  request.body = body;
  request.asks_before_body = asks;
  request.timeout = Milliseconds(5000);
  return request;
}

HttpRequest post(std::string path) {
  HttpRequest request;
  request.method = "POST";
  request.path = std::move(path);
  request.timeout = Milliseconds(5000);
  return request;
}

TEST(HttpClient, SendsCredentialsAgainToWhereItIsRedirected) {
  FakeHttp backend([](FakeRequest const&) { return FakeReply{200, "be", "", true, false}; });
  FakeHttp frontend([&](FakeRequest const& r) {
    return FakeReply{307, "", backend.url() + r.path, true, false};
  });
  HttpClient client(address_of({frontend.port()}));
  HttpOutcome const outcome = client.call(post("/api/transaction/begin"));
  ASSERT_TRUE(outcome.answer) << outcome.failure;
  EXPECT_EQ(outcome.answer->body, "be");
  EXPECT_EQ(outcome.answer->server, backend.url());
  for (FakeHttp* const server : {&frontend, &backend}) {
    auto const requests = server->requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].headers.at("authorization"), kBasic);
    EXPECT_EQ(requests[0].headers.at("content-length"), "0");
    EXPECT_EQ(requests[0].headers.count("expect"), 0U);
    EXPECT_EQ(requests[0].headers.count("content-type"), 0U);
  }
}

TEST(HttpClient, AppliesBackendHostsToRedirects) {
  FakeHttp backend([](FakeRequest const&) { return FakeReply{200, "be", "", true, false}; });
  FakeHttp frontend([&](FakeRequest const& r) {
    return FakeReply{307, "", "http://be-1.internal:8040" + r.path, true, false};
  });
  TargetAddress address = address_of({frontend.port()});
  address.backend_hosts["be-1.internal:8040"] = "127.0.0.1:" + std::to_string(backend.port());
  HttpClient client(address);
  EXPECT_TRUE(client.call(post("/x")).answer);
}

TEST(HttpClient, AForeignRedirectNeverGetsThePassword) {
  FakeHttp foreign([](FakeRequest const&) {
    return FakeReply{200, "login page", "", true, false};
  });
  for (std::string const& location : {foreign.url() + "/login?next=/x", std::string("/login"),
                                      std::string("ftp://127.0.0.1/x"), std::string()}) {
    FakeHttp frontend([&](FakeRequest const&) {
      return FakeReply{307, "go away", location, true, false};
    });
    HttpClient client(address_of({frontend.port()}));
    HttpOutcome const outcome = client.call(post("/x"));
    ASSERT_TRUE(outcome.answer);
    EXPECT_EQ(outcome.answer->status, 307) << location;
  }
  EXPECT_TRUE(foreign.requests().empty());
}

TEST(HttpClient, ARedirectInACircleEnds) {
  std::string url;
  FakeHttp frontend([&](FakeRequest const& r) {
    return FakeReply{307, "", url + r.path, true, false};
  });
  url = frontend.url();
  HttpClient client(address_of({frontend.port()}));
  EXPECT_EQ(client.call(post("/x")).answer->status, 307);
  EXPECT_LE(frontend.requests().size(), 5U);
}

TEST(HttpClient, TheBodyGoesOnlyToTheLastServer) {
  FakeHttp backend([](FakeRequest const&) { return FakeReply{200, "ok", "", true, false}; });
  FakeHttp frontend([&](FakeRequest const& r) {
    return FakeReply{307, "", backend.url() + r.path, false, false};
  });
  HttpClient client(address_of({frontend.port()}));
  std::string const body(3'000'000, 'x');
  HttpOutcome const outcome = client.call(put(body, true));
  ASSERT_TRUE(outcome.answer) << outcome.failure;
  ASSERT_EQ(backend.requests().size(), 1U);
  EXPECT_EQ(backend.requests()[0].body, body);
  EXPECT_EQ(backend.requests()[0].headers.at("expect"), "100-continue");
  EXPECT_EQ(backend.requests()[0].headers.at("label"), "l1");
  EXPECT_EQ(backend.requests()[0].headers.at("empty"), "");
  ASSERT_EQ(frontend.requests().size(), 1U);
  EXPECT_FALSE(frontend.requests()[0].body_was_read);
}

TEST(HttpClient, AnAnswerInPlaceOf100EndsTheUpload) {
  FakeHttp backend([](FakeRequest const&) { return FakeReply{200, "refused", "", false, false}; });
  HttpClient client(address_of({backend.port()}));
  HttpOutcome const outcome = client.call(put("rows", true));
  ASSERT_TRUE(outcome.answer) << outcome.failure;
  EXPECT_EQ(outcome.answer->body, "refused");
}

TEST(HttpClient, ConnectionsAreKept) {
  FakeHttp backend([](FakeRequest const&) { return FakeReply{200, "ok", "", true, false}; });
  FakeHttp frontend([&](FakeRequest const& r) {
    return FakeReply{307, "", backend.url() + r.path, true, false};
  });
  HttpClient client(address_of({frontend.port()}));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(client.call(post("/x")).answer);
  HttpRequest direct = put("rows", false);
  direct.server = backend.url();
  ASSERT_TRUE(client.call(direct).answer);
  EXPECT_EQ(frontend.requests().back().connection, 0);
  EXPECT_EQ(backend.requests().back().connection, 0);
  EXPECT_EQ(backend.requests().size(), 6U);
}

TEST(HttpClient, ADeadFrontendIsPassedOverAndNotAskedFirstAgain) {
  int dead_port = 0;
  {
    dead_port = FakeHttp([](FakeRequest const&) { return FakeReply{}; }).port();
  }
  FakeHttp frontend([](FakeRequest const&) { return FakeReply{200, "ok", "", true, false}; });
  HttpClient client(address_of({dead_port, frontend.port()}));
  EXPECT_TRUE(client.call(post("/x")).answer);
  EXPECT_TRUE(client.call(post("/x")).answer);
  EXPECT_EQ(frontend.requests().size(), 2U);
}

TEST(HttpClient, NobodyThereMeansThatNothingArrived) {
  int dead_port = 0;
  {
    dead_port = FakeHttp([](FakeRequest const&) { return FakeReply{}; }).port();
  }
  HttpClient client(address_of({dead_port, dead_port}));
  HttpOutcome const outcome = client.call(post("/x"));
  EXPECT_FALSE(outcome.answer);
  EXPECT_FALSE(outcome.may_have_arrived);
  EXPECT_NE(outcome.failure.find(std::to_string(dead_port)), std::string::npos) << outcome.failure;
  EXPECT_EQ(outcome.failure.find("secret"), std::string::npos);
}

TEST(HttpClient, ALostAnswerIsNotTriedElsewhere) {
  FakeHttp losing([](FakeRequest const&) { return FakeReply{200, "", "", true, true}; });
  FakeHttp other([](FakeRequest const&) { return FakeReply{200, "ok", "", true, false}; });
  HttpClient client(address_of({losing.port(), other.port()}));
  HttpOutcome const outcome = client.call(post("/commit"));
  EXPECT_FALSE(outcome.answer);
  EXPECT_TRUE(outcome.may_have_arrived);
  EXPECT_TRUE(other.requests().empty());
  EXPECT_TRUE(client.call(post("/state")).answer) << "the next call asks the other one";
}

TEST(HttpClient, ABodyThatMayHaveArrivedIsNeverSentAgain) {
  int calls = 0;
  FakeHttp backend([&](FakeRequest const&) { return FakeReply{200, "ok", "", true, ++calls > 1}; });
  HttpClient client(address_of({backend.port()}));
  ASSERT_TRUE(client.call(put("one", false)).answer);
  HttpOutcome const outcome = client.call(put("two", false));
  EXPECT_FALSE(outcome.answer);
  EXPECT_TRUE(outcome.may_have_arrived);
  EXPECT_EQ(backend.requests().size(), 2U);
}

TEST(HttpClient, ASilentServerEndsAtTheTimeout) {
  std::atomic<bool> over = false;
  FakeHttp silent([&](FakeRequest const&) {
    while (!over)
      std::this_thread::sleep_for(Milliseconds(5));
    return FakeReply{};
  });
  HttpClient client(address_of({silent.port()}));
  HttpRequest request = post("/x");
  request.timeout = Milliseconds(150);
  HttpOutcome const outcome = client.call(request);
  over = true;
  EXPECT_FALSE(outcome.answer);
  EXPECT_TRUE(outcome.may_have_arrived);
}

TEST(HttpClient, AStopCutsACallShort) {
  std::atomic<bool> over = false;
  FakeHttp silent([&](FakeRequest const&) {
    while (!over)
      std::this_thread::sleep_for(Milliseconds(5));
    return FakeReply{};
  });
  std::stop_source stop;
  HttpClient client(address_of({silent.port()}), stop.get_token());
  stop.request_stop();
  auto const started = std::chrono::steady_clock::now();
  HttpOutcome const outcome = client.call(post("/x"));
  over = true;
  EXPECT_FALSE(outcome.answer);
  EXPECT_LT(std::chrono::steady_clock::now() - started, Milliseconds(3000));
}

TEST(HttpClient, AnAnswerWithoutAnEndIsAFailure) {
  FakeHttp frontend([](FakeRequest const&) {
    return FakeReply{200, std::string(3U << 20U, 'x'), "", true, false};
  });
  HttpClient client(address_of({frontend.port()}));
  HttpOutcome const outcome = client.call(post("/x"));
  EXPECT_FALSE(outcome.answer);
  EXPECT_TRUE(outcome.may_have_arrived);
}

TEST(HttpClient, FetchSendsNoCredentialsAndTakesTheBeginning) {
  FakeHttp backend([](FakeRequest const&) {
    return FakeReply{200, std::string(100'000, 'e'), "", true, false};
  });
  HttpClient client(address_of({1}));
  HttpOutcome const outcome =
      client.fetch(backend.url() + "/api/_load_error_log?file=x", 1000, Milliseconds(2000));
  ASSERT_TRUE(outcome.answer) << outcome.failure;
  EXPECT_EQ(outcome.answer->body, std::string(1000, 'e'));
  EXPECT_EQ(backend.requests()[0].headers.count("authorization"), 0U);
  EXPECT_FALSE(client.fetch("file:///etc/passwd", 1000, Milliseconds(2000)).answer);
}

} // namespace
} // namespace walrock
