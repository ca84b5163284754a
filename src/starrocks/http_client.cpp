#include "starrocks/http_client.h"

#include <algorithm>
#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

namespace {

// Frontend, leader, backend, and one to spare.
constexpr int kMostHops = 4;
// Answers of StarRocks are a few hundred bytes; messages can carry a plan. Every load and call
// thread may hold one.
constexpr std::size_t kMostAnswerBytes = 256U << 10U;
// A backend makes its plan before it asks for the body.
constexpr long kExpectMilliseconds = 60'000;
constexpr long kUploadBufferBytes = 512L * 1024;

using HeaderList =
    std::unique_ptr<curl_slist, decltype([](curl_slist* list) { curl_slist_free_all(list); })>;

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::sscanf(std::string(text.substr(i + 1, 2)).c_str(), "%2x", &byte) == 1) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void check_header(std::string const& name, std::string const& value) {
  // The caller checks names of tables; a line break here would be a header of its own.
  for (std::string const* const text : {&name, &value})
    if (text->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      throw Error(ErrorCode::target_query_failed,
                  fmt::format("the HTTP header {} cannot hold a line break or a zero byte", name));
}

bool is_redirect(int status) {
  return status == 307 || status == 308;
}

} // namespace

// One request to one server, and what came back.
struct HttpClient::Transfer {
  HttpRequest const* request = nullptr;
  std::string url;
  bool has_credentials = true;
  bool may_be_cut = false; // a body longer than the limit is cut, not an error
  std::size_t limit = kMostAnswerBytes;
  Milliseconds timeout{0};
  std::stop_token stop;

  std::string_view unsent;
  HttpAnswer answer;
  std::string redirect_url;
  bool is_too_long = false;
  int attempts = 0;

  static int on_request(void* self, char*, char*, int, int) noexcept {
    ++static_cast<Transfer*>(self)->attempts;
    return CURL_PREREQFUNC_OK;
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    std::string& body = transfer.answer.body;
    if (body.size() + count > transfer.limit) {
      transfer.is_too_long = true;
      body.append(bytes, std::min(count, transfer.limit - body.size()));
      return 0;
    }
    body.append(bytes, count);
    return count;
  }

  static std::size_t on_upload(char* out, std::size_t size, std::size_t count,
                               void* self) noexcept {
    auto& unsent = static_cast<Transfer*>(self)->unsent;
    std::size_t const bytes = std::min(size * count, unsent.size());
    std::memcpy(out, unsent.data(), bytes);
    unsent.remove_prefix(bytes);
    return bytes;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    return static_cast<Transfer*>(self)->stop.stop_requested() ? 1 : 0;
  }
};

struct HttpClient::Curl {
  CURL* easy = nullptr;
  char error[CURL_ERROR_SIZE] = "";

  Curl() {
    static CURLcode const global = curl_global_init(CURL_GLOBAL_DEFAULT);
    easy = global == CURLE_OK ? curl_easy_init() : nullptr;
    if (easy == nullptr)
      throw Error(ErrorCode::internal, "libcurl cannot be started");
  }
  ~Curl() { curl_easy_cleanup(easy); }
  Curl(Curl const&) = delete;
  Curl& operator=(Curl const&) = delete;

  template <typename Value> void set(CURLoption option, Value value) {
    if (CURLcode const code = curl_easy_setopt(easy, option, value); code != CURLE_OK)
      throw Error(
          ErrorCode::internal,
          fmt::format("libcurl option {}: {}", static_cast<int>(option), curl_easy_strerror(code)));
  }

  void set_connection(TargetAddress const& address, Transfer const& transfer) {
    set(CURLOPT_ERRORBUFFER, error);
    set(CURLOPT_URL, transfer.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, ""); // the environment's proxy would see the password
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(address.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(transfer.timeout.count())));
    set(CURLOPT_SSL_VERIFYPEER, address.verify_https ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, address.verify_https ? 2L : 0L);
    if (!address.tls.ca_file.empty())
      set(CURLOPT_CAINFO, address.tls.ca_file.c_str());
    if (!address.tls.certificate_file.empty())
      set(CURLOPT_SSLCERT, address.tls.certificate_file.c_str());
    if (!address.tls.key_file.empty())
      set(CURLOPT_SSLKEY, address.tls.key_file.c_str());
    if (transfer.has_credentials) {
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(CURLOPT_USERNAME, address.username.c_str());
      set(CURLOPT_PASSWORD, address.password.reveal().c_str());
    }
  }

  void set_callbacks(Transfer& transfer) {
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, &transfer);
    set(CURLOPT_PREREQFUNCTION, &Transfer::on_request);
    set(CURLOPT_PREREQDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
  }

  // Without a seek function on purpose: when a kept-alive connection turns out dead, libcurl sends
  // the request again by itself, but it must never do so with a body that may have arrived.
  void set_body(TargetAddress const& address, Transfer& transfer) {
    transfer.unsent = transfer.request->body;
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &Transfer::on_upload);
    set(CURLOPT_READDATA, &transfer);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.unsent.size()));
    set(CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
    set(CURLOPT_EXPECT_100_TIMEOUT_MS, kExpectMilliseconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME,
        std::max(1L, static_cast<long>(address.call_timeout.count() / 1000)));
  }

  HeaderList headers_of(HttpRequest const& request) {
    HeaderList list;
    auto const add = [&list](std::string const& line) {
      curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
      if (longer == nullptr)
        throw std::bad_alloc();
      (void)list.release();
      list.reset(longer);
    };
    for (auto const& [name, value] : request.headers) {
      check_header(name, value);
      // libcurl drops a header that ends at its colon; one with ';' is sent without a value.
      add(value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value));
    }
    add(request.asks_before_body ? "Expect: 100-continue" : "Expect:");
    add("Content-Type:");
    return list;
  }
};

HttpClient::HttpClient(TargetAddress address, std::stop_token stop)
    : address_(std::move(address)), stop_(std::move(stop)), curl_(std::make_unique<Curl>()) {}
HttpClient::~HttpClient() = default;

HttpOutcome HttpClient::transfer(Transfer& transfer) {
  Curl& curl = *curl_;
  HttpRequest const& request = *transfer.request;
  curl_easy_reset(curl.easy); // keeps the connections
  curl.error[0] = '\0';
  transfer.stop = stop_;
  HeaderList const headers = curl.headers_of(request);
  curl.set_connection(address_, transfer);
  curl.set_callbacks(transfer);
  curl.set(CURLOPT_HTTPHEADER, headers.get());
  if (request.method == "PUT") {
    curl.set_body(address_, transfer);
  } else if (request.method == "POST") {
    curl.set(CURLOPT_POST, 1L);
    curl.set(CURLOPT_POSTFIELDS, "");
    curl.set(CURLOPT_POSTFIELDSIZE, 0L);
  }
  CURLcode const code = curl_easy_perform(curl.easy);
  long status = 0;
  long sent_bytes = 0;
  char const* redirect = nullptr;
  curl_easy_getinfo(curl.easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl.easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
  curl_easy_getinfo(curl.easy, CURLINFO_REDIRECT_URL, &redirect);
  HttpOutcome outcome;
  if (code == CURLE_OK || (transfer.is_too_long && transfer.may_be_cut)) {
    transfer.answer.status = static_cast<int>(status);
    transfer.redirect_url = redirect == nullptr ? "" : redirect;
    transfer.answer.was_repeated = transfer.attempts > 1;
    outcome.answer = std::move(transfer.answer);
    return outcome;
  }
  outcome.may_have_arrived = sent_bytes > 0;
  outcome.failure = transfer.is_too_long
                        ? fmt::format("the answer is longer than {} bytes", transfer.limit)
                    : stop_.stop_requested() ? std::string("stopped on request")
                    : curl.error[0] != '\0'  ? std::string(curl.error)
                                             : std::string(curl_easy_strerror(code));
  return outcome;
}

HttpOutcome HttpClient::follow(HttpRequest const& request, Url url, Deadline deadline) {
  for (int hop = 0;; ++hop) {
    Transfer one;
    one.request = &request;
    one.url = to_string(url);
    one.timeout = deadline.left(std::chrono::steady_clock::now(), request.timeout);
    std::string const server = url.scheme + "://" + host_port(url.host, url.port);
    HttpOutcome outcome = transfer(one);
    if (!outcome.answer) {
      outcome.failure = server + ": " + outcome.failure;
      return outcome;
    }
    outcome.answer->server = server;
    if (!is_redirect(outcome.answer->status) || hop + 1 == kMostHops)
      return outcome;
    auto const next = parse_url(one.redirect_url);
    // Somebody else's redirect (a login page, say) must not get the password.
    if (!next || percent_decoded(next->path) != percent_decoded(url.path))
      return outcome;
    url = reachable_url(*next, address_.backend_hosts);
    url.path = request.path;
  }
}

HttpOutcome HttpClient::call(HttpRequest const& request) {
  Deadline const deadline = Deadline::in(request.timeout);
  if (!request.server.empty()) {
    auto url = parse_url(request.server);
    WALROCK_ASSERT(url.has_value(), "a server was taken from an earlier answer");
    url->path = request.path;
    return follow(request, *url, deadline);
  }
  HttpOutcome outcome;
  std::string failures;
  std::size_t const count = address_.frontends.size();
  for (std::size_t tried = 0; tried < count; ++tried) {
    Frontend const& frontend = address_.frontends[current_frontend_ % count];
    outcome = follow(
        request,
        {address_.uses_https ? "https" : "http", frontend.host, frontend.http_port, request.path},
        deadline);
    if (outcome.answer && outcome.answer->status < 500)
      return outcome;
    current_frontend_ = (current_frontend_ + 1) % count; // for the next call at least
    if (outcome.answer || outcome.may_have_arrived || stop_.stop_requested())
      return outcome;
    failures += (failures.empty() ? "" : "; ") + outcome.failure;
  }
  outcome.failure = failures.empty() ? "no frontend is configured" : failures;
  return outcome;
}

HttpOutcome HttpClient::fetch(std::string const& url, std::size_t limit, Milliseconds timeout) {
  HttpOutcome outcome;
  auto const parsed = parse_url(url);
  if (!parsed) {
    outcome.failure = "not an address: " + url;
    return outcome;
  }
  HttpRequest request;
  Transfer one;
  one.request = &request;
  one.url = to_string(reachable_url(*parsed, address_.backend_hosts));
  one.has_credentials = false;
  one.may_be_cut = true;
  one.limit = limit;
  one.timeout = timeout;
  return transfer(one);
}

} // namespace walrock
