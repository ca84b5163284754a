// HTTP to frontends and backends of StarRocks: one connection pool, one transfer at a time.
//
// Redirects are followed here and not by libcurl. A frontend answers most calls with 307 to the
// leader or to a backend, and three things must happen on that hop which libcurl does not do
// together: the credentials are sent again although the host differs, backend-hosts is applied, and
// a body is not sent before the last server of the chain asked for it. Credentials follow a
// redirect only when it keeps path and query, as every redirect of StarRocks does.
//
// Lives on one thread (the load thread that owns the StreamLoader).
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "starrocks/address.h"
#include "starrocks/url.h"

namespace walrock {

struct HttpRequest {
  std::string method = "GET";                               // GET, POST, PUT
  std::string path;                                         // with the query, begins with '/'
  std::vector<std::pair<std::string, std::string>> headers; // names and values without CR or LF
  std::string_view body;                                    // of a PUT; outlives the call
  bool asks_before_body = false;                            // Expect: 100-continue
  Milliseconds timeout{60'000};                             // of the whole call with its redirects
  // A server learned from an earlier answer (HttpAnswer::server); empty: a frontend.
  std::string server;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
  std::string server; // "http://host:port" of who answered
  // libcurl sent a request without a body a second time, because a kept-alive connection died: the
  // server may have acted on the first one.
  bool was_repeated = false;
};

// answer, or why there is none.
struct HttpOutcome {
  std::optional<HttpAnswer> answer;
  // Without an answer: a server may have got the request and acted on it. False: it certainly has
  // not.
  bool may_have_arrived = false;
  std::string failure; // without secrets: "connect to 10.0.0.5:8040: connection refused"
};

class HttpClient {
public:
  // A stop asked for cuts a running transfer short.
  explicit HttpClient(TargetAddress address, std::stop_token stop = {});
  ~HttpClient();
  HttpClient(HttpClient const&) = delete;
  HttpClient& operator=(HttpClient const&) = delete;

  // With credentials. Other frontends are tried while the request certainly has not arrived.
  [[nodiscard]] HttpOutcome call(HttpRequest const& request);
  // GET without credentials and without redirects: at most limit bytes of the body.
  [[nodiscard]] HttpOutcome fetch(std::string const& url, std::size_t limit, Milliseconds timeout);

  [[nodiscard]] TargetAddress const& address() const { return address_; }

private:
  struct Transfer;
  HttpOutcome follow(HttpRequest const& request, Url url, Deadline deadline);
  HttpOutcome transfer(Transfer& transfer);

  TargetAddress address_;
  std::stop_token stop_;
  std::size_t current_frontend_ = 0; // the one that answered last
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

} // namespace walrock
