// A PostgreSQL server of a test's own: fresh folder, free port on 127.0.0.1, wal_level=logical,
// stopped by its pid when the object goes. Only for *_pgtest.cpp; WALROCK_PG_BIN names the folder
// of the server's programs, by default the newest under /usr/lib/postgresql.
//
// Everybody is trusted except roles in the group "with_password", who log in with scram.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "postgres/connection.h"

namespace walrock {

class PgServer {
public:
  PgServer() : folder_(fresh_folder()), port_(free_port()) {
    run({program("initdb"), "-D", data(), "-A", "trust", "-U", "postgres", "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync"});
    std::ofstream hba(data() + "/pg_hba.conf");
    hba << "host all +with_password 127.0.0.1/32 scram-sha-256\n"
        << "host all all 127.0.0.1/32 trust\nlocal all all trust\n";
    hba.close();
    start();
  }
  ~PgServer() {
    stop(SIGINT);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PgServer(PgServer const&) = delete;
  PgServer& operator=(PgServer const&) = delete;

  // The one of this test program.
  static PgServer& shared() {
    static PgServer server;
    return server;
  }

  SourceAddress address(std::string const& username = "postgres",
                        std::string const& password = "") const {
    SourceAddress out;
    out.hosts = {{"127.0.0.1", port_}};
    out.username = username;
    out.password = Secret(password);
    out.database = "postgres";
    return out;
  }
  Connection sql() const { return {address(), ConnectionKind::sql}; }
  Connection replication() const { return {address(), ConnectionKind::replication}; }

  void start() {
    std::vector<std::string> words{program("postgres"),   "-D", data(), "-p",
                                   std::to_string(port_), "-k", folder_};
    for (char const* setting :
         {"listen_addresses=127.0.0.1", "wal_level=logical", "fsync=off",
          "max_replication_slots=20", "max_wal_senders=20", "max_prepared_transactions=2"})
      words.insert(words.end(), {"-c", setting});
    if (major_version() >= 13) // transactions in progress are streamed or spilled early
      words.insert(words.end(), {"-c", "logical_decoding_work_mem=64kB"});
    pid_ = spawn(words);
    while (true) {
      try {
        (void)sql();
        return;
      } catch (Error const&) {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_)
          throw std::runtime_error("PostgreSQL does not start, see " + folder_ + "/log");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  }
  void stop(int signal) {
    if (pid_ <= 0)
      return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

private:
  std::string data() const { return folder_ + "/data"; }

  int major_version() const {
    int out = 0;
    std::ifstream(data() + "/PG_VERSION") >> out;
    return out;
  }

  // PostgreSQL refuses to run as root.
  static passwd const* other_user() {
    if (::geteuid() != 0)
      return nullptr;
    passwd const* const user = ::getpwnam("postgres");
    return user == nullptr ? ::getpwnam("nobody") : user;
  }

  static std::string fresh_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "walrock-pg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("cannot make a folder for PostgreSQL");
    if (passwd const* const user = other_user())
      if (::chown(name.c_str(), user->pw_uid, user->pw_gid) != 0)
        throw std::runtime_error("cannot give " + name + " to " + user->pw_name);
    return name;
  }

  static std::string program(std::string const& name) {
    if (char const* folder = std::getenv("WALROCK_PG_BIN"))
      return std::string(folder) + "/" + name;
    for (int major = 18; major >= 12; --major) {
      auto path = "/usr/lib/postgresql/" + std::to_string(major) + "/bin/" + name;
      if (std::filesystem::exists(path))
        return path;
    }
    throw std::runtime_error("no PostgreSQL server is installed; set WALROCK_PG_BIN");
  }

  static int free_port() {
    int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
  }

  pid_t spawn(std::vector<std::string> words) const {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string const log = folder_ + "/log";
    passwd const* const user = other_user();
    pid_t const pid = ::fork();
    if (pid != 0)
      return pid;
    if (user != nullptr && (::initgroups(user->pw_name, user->pw_gid) != 0 ||
                            ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
      ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT); // a test that crashes takes its server along
    int const fd = ::open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0644);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    if (::chdir("/") == 0)
      ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  void run(std::vector<std::string> const& words) const {
    int status = 0;
    ::waitpid(spawn(words), &status, 0);
    if (status != 0)
      throw std::runtime_error(words.front() + " failed, see " + folder_ + "/log");
  }

  std::string folder_;
  int port_;
  pid_t pid_ = 0;
};

} // namespace walrock
