#include "http/api_server.h"

#include <exception>
#include <thread>
#include <utility>

#include <pthread.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <httplib.h>

#include "base/error.h"
#include "http/status_json.h"

namespace walrock {

namespace {

constexpr std::size_t kAnsweringThreads = 2;
constexpr std::size_t kMostRequestBytes = 16 * 1024;
constexpr time_t kClientSeconds = 5;
constexpr char kJson[] = "application/json";

// A wildcard is where to listen, not where to connect to.
std::string reachable_host(std::string const& host) {
  if (host == "0.0.0.0")
    return "127.0.0.1";
  if (host == "::")
    return "[::1]";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string error_body(int status) {
  char const* const what = status == 404   ? "no such resource; see /api/v1/status and /healthz"
                           : status == 413 ? "the request is too large"
                           : status >= 500 ? "internal error"
                                           : "bad request";
  return fmt::format("{{\"error\":\"{}\"}}\n", what);
}

} // namespace

struct ApiServer::Listener {
  explicit Listener(ReadStatus read) : read_status(std::move(read)) {
    // SO_REUSEPORT, the library's default, would let two servers share a port.
    server.set_socket_options([](socket_t socket) {
      int const yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.new_task_queue = [] { return new httplib::ThreadPool(kAnsweringThreads); };
    server.set_keep_alive_max_count(1);
    server.set_payload_max_length(kMostRequestBytes);
    server.set_read_timeout(kClientSeconds);
    server.set_write_timeout(kClientSeconds);
    add_routes();
  }

  ~Listener() {
    server.stop();
    if (thread.joinable())
      thread.join();
  }

  Listener(Listener const&) = delete;
  Listener& operator=(Listener const&) = delete;

  void add_routes() {
    server.Get("/api/v1/status", [this](httplib::Request const&, httplib::Response& response) {
      response.set_content(status_json(*read_status()) + "\n", kJson);
      response.set_header("Cache-Control", "no-store");
    });
    server.Get("/healthz", [this](httplib::Request const&, httplib::Response& response) {
      bool const has_failed = read_status()->state == EngineState::failed;
      response.status = has_failed ? 503 : 200;
      response.set_content(has_failed ? "{\"status\":\"failed\"}\n" : "{\"status\":\"ok\"}\n",
                           kJson);
    });
    server.set_error_handler([](httplib::Request const&, httplib::Response& response) {
      if (response.body.empty())
        response.set_content(error_body(response.status), kJson);
    });
    server.set_exception_handler(
        [](httplib::Request const&, httplib::Response& response, std::exception_ptr const&) {
          response.status = 500;
          response.set_content(error_body(500), kJson);
        });
  }

  void start() {
    thread = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "http");
      server.listen_after_bind();
    });
    // stop() does nothing before the server runs, so nobody may stop it earlier.
    while (!server.is_running())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  ReadStatus read_status;
  httplib::Server server;
  std::thread thread;
};

ApiServer::ApiServer(std::string host, int port, ReadStatus read_status)
    : listener_(std::make_unique<Listener>(std::move(read_status))) {
  if (port == 0 || !listener_->server.bind_to_port(host, port)) {
    is_elsewhere_ = port != 0;
    port = listener_->server.bind_to_any_port(host);
    if (port < 0)
      throw Error(ErrorCode::http_listen_failed, fmt::format("cannot listen on host {}", host));
  }
  address_ = fmt::format("{}:{}", reachable_host(host), port);
  listener_->start();
}

ApiServer::~ApiServer() = default;

} // namespace walrock
