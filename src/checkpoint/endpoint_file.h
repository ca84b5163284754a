// <folder>/endpoint: the HTTP address of the walrock that runs on this checkpoint, so that
// `walrock status JOB` finds it. Any thread.
#pragma once

#include <optional>
#include <string>

namespace walrock {

class EndpointFile {
public:
  // Written atomically; address is "127.0.0.1:8081". Hold the InstanceLock. Throws
  // checkpoint_failed.
  EndpointFile(std::string const& folder, std::string const& address);
  // Removes the file.
  ~EndpointFile();
  EndpointFile(EndpointFile const&) = delete;
  EndpointFile& operator=(EndpointFile const&) = delete;

private:
  std::string path_;
};

struct Endpoint {
  std::string address; // empty: a walrock runs, but has not opened its address yet
  bool is_alive =
      false; // a process holds the lock. False: the file is left from one that was killed
};

// Nothing when there is neither an address nor a running walrock.
[[nodiscard]] std::optional<Endpoint> read_endpoint(std::string const& folder);

} // namespace walrock
