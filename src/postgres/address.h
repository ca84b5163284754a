// Where PostgreSQL is and how to log in. Values; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/secret.h"
#include "base/time.h"

namespace walrock {

struct SourceHost {
  std::string host; // a name, an address, or a folder (starts with '/') of a unix socket
  int port = 5432;
  bool operator==(SourceHost const&) const = default;
};

// The lc_monetary of the database as the first connection found it. Every later one takes it from
// here, so that copy and stream print money alike whatever is altered while they run. Any thread.
class FoundLocale {
public:
  [[nodiscard]] std::optional<std::string> get() const {
    MutexLock const lock(mutex_);
    return name_;
  }
  void set(std::string name) {
    MutexLock const lock(mutex_);
    name_ = std::move(name);
  }

private:
  mutable Mutex mutex_;
  std::optional<std::string> name_ WALROCK_GUARDED_BY(mutex_);
};

struct SourceAddress {
  std::vector<SourceHost> hosts; // tried in order
  // libpq's target_session_attrs; a server that is otherwise is passed over. Empty: read-write of
  // several hosts, any of one.
  std::string session_attrs;
  std::string username;
  Secret password; // empty: libpq's own ways (.pgpass, peer, certificate)
  std::string database;
  // As libpq spells them; empty: libpq's default.
  std::string sslmode;
  std::string sslrootcert;
  std::string sslcert;
  std::string sslkey;
  Milliseconds connect_timeout{10'000}; // per host
  std::string application_name = "walrock";
  // The zone that timestamptz is printed in.
  std::string time_zone = "UTC";
  // One for all copies of the address.
  std::shared_ptr<FoundLocale> lc_monetary = std::make_shared<FoundLocale>();
  // The most bytes of one message or one answer, which libpq holds in memory whole. 0: no limit.
  std::uint64_t message_limit = 0;
};

// "a:5432,b,[::1]:6000" -> hosts; a host without a port gets default_port. Throws Error
// job_file_invalid when a port is not a number of 1..65535 or a host is empty.
[[nodiscard]] std::vector<SourceHost> parse_source_hosts(std::string_view text, int default_port);

// "a:5432,b:5432/shop" for messages; never the password.
[[nodiscard]] std::string to_string(SourceAddress const& address);

} // namespace walrock
