// For tests: an HTTP server in this process that answers what a function says, with the habits that
// matter here: 307, 100 Continue or an answer in its place, kept-alive and broken connections.
#pragma once

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace walrock {

struct FakeRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers; // lower-case names
  std::string body;
  int connection = 0; // number of the connection it came on
  bool body_was_read = false;
};

struct FakeReply {
  int status = 200;
  std::string body;
  std::string location;
  bool reads_body = true; // false: answers right after the head
  bool is_lost = false;   // closes the connection in place of the answer
};

class FakeHttp {
public:
  using Answering = std::function<FakeReply(FakeRequest const&)>;

  explicit FakeHttp(Answering answering) : answering_(std::move(answering)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      throw std::runtime_error("no loopback port");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_all(); });
  }
  ~FakeHttp() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard const lock(mutex_);
      for (int const fd : open_)
        ::shutdown(fd, SHUT_RDWR);
    }
    connections_.clear();
    ::close(listener_);
  }
  FakeHttp(FakeHttp const&) = delete;
  FakeHttp& operator=(FakeHttp const&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<FakeRequest> requests() {
    std::lock_guard const lock(mutex_);
    return requests_;
  }

private:
  void accept_all() {
    for (int number = 0;; ++number) {
      int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        return;
      std::lock_guard const lock(mutex_);
      open_.push_back(fd);
      connections_.emplace_back([this, fd, number] { serve(fd, number); });
    }
  }

  void serve(int fd, int number) {
    std::string bytes;
    while (serve_one(fd, number, bytes)) {
    }
    std::lock_guard const lock(mutex_);
    open_.erase(std::find(open_.begin(), open_.end(), fd));
    ::close(fd);
  }

  static bool read_more(int fd, std::string& bytes) {
    char buffer[65536];
    ssize_t const got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got > 0)
      bytes.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  static void send_all(int fd, std::string const& text) {
    (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }

  static FakeRequest parse_head(std::string const& head) {
    FakeRequest request;
    std::size_t at = head.find("\r\n");
    std::string const line = head.substr(0, at);
    std::size_t const blank = line.find(' ');
    request.method = line.substr(0, blank);
    request.path = line.substr(blank + 1, line.rfind(' ') - blank - 1);
    while (at != std::string::npos && at + 2 < head.size()) {
      std::size_t const end = head.find("\r\n", at + 2);
      std::string const header = head.substr(at + 2, end - at - 2);
      std::size_t const colon = header.find(':');
      std::string name = header.substr(0, colon);
      for (char& c : name)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      std::size_t const value = header.find_first_not_of(' ', colon + 1);
      request.headers[name] = value == std::string::npos ? "" : header.substr(value);
      at = end;
    }
    return request;
  }

  // False: the connection is over.
  bool serve_one(int fd, int number, std::string& bytes) {
    std::size_t end;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos)
      if (!read_more(fd, bytes))
        return false;
    FakeRequest request = parse_head(bytes.substr(0, end));
    bytes.erase(0, end + 4);
    request.connection = number;
    FakeReply const reply = answering_(request);
    bool const expects = request.headers.count("expect") != 0;
    std::size_t const length = request.headers.count("content-length") != 0
                                   ? std::stoul(request.headers["content-length"])
                                   : 0;
    bool const closes = !reply.reads_body && length > 0;
    if (reply.reads_body) {
      if (expects)
        send_all(fd, "HTTP/1.1 100 Continue\r\n\r\n");
      while (bytes.size() < length)
        if (!read_more(fd, bytes))
          return false;
      request.body = bytes.substr(0, length);
      request.body_was_read = true;
      bytes.erase(0, length);
    }
    {
      std::lock_guard const lock(mutex_);
      requests_.push_back(request);
    }
    if (reply.is_lost) {
      ::shutdown(fd, SHUT_RDWR);
      return false;
    }
    std::string text = "HTTP/1.1 " + std::to_string(reply.status) +
                       " X\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
    if (!reply.location.empty())
      text += "Location: " + reply.location + "\r\n";
    send_all(fd, text + "\r\n" + reply.body);
    if (closes)
      ::shutdown(fd, SHUT_WR);
    return !closes;
  }

  Answering answering_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<FakeRequest> requests_;
  std::vector<int> open_;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

} // namespace walrock
