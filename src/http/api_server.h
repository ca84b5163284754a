// The HTTP API of a running walrock. Sees a status snapshot and nothing else.
//
//   GET /api/v1/status   200, status_json.h
//   GET /healthz         200 {"status":"ok"}; 503 {"status":"failed"} once the job has failed
//   everything else      404 or 405 {"error": "..."}
//
// Owns its threads: one accepts, two answer. Every answer closes its connection, so that two
// threads serve any number of clients; requests are small and are cut off after 5 s.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/status.h"

namespace walrock {

class ApiServer {
public:
  // Called by the answering threads, at any time until the ApiServer is destroyed.
  using ReadStatus = std::function<std::shared_ptr<Status const>()>;

  // Listens when it returns. Port 0 is a free one. When the port cannot be had a free one is taken
  // (see asked_address). Throws http_listen_failed when the host itself cannot be listened on.
  ApiServer(std::string host, int port, ReadStatus read_status);
  ~ApiServer(); // stops, and waits for answers under way
  ApiServer(ApiServer const&) = delete;
  ApiServer& operator=(ApiServer const&) = delete;

  // "127.0.0.1:8081", where a client of this machine reaches it.
  [[nodiscard]] std::string const& address() const { return address_; }
  // Whether another port than the one asked for had to be taken.
  [[nodiscard]] bool is_elsewhere() const { return is_elsewhere_; }

private:
  struct Listener;
  std::unique_ptr<Listener> listener_;
  std::string address_;
  bool is_elsewhere_ = false;
};

} // namespace walrock
