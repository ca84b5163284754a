#include "checkpoint/endpoint_file.h"

#include <cstdio>
#include <utility>

#include "checkpoint/folder.h"
#include "checkpoint/instance_lock.h"

namespace walrock {

namespace {
std::string endpoint_path(std::string const& folder) {
  return folder + "/endpoint";
}
} // namespace

EndpointFile::EndpointFile(std::string const& folder, std::string const& address)
    : path_(endpoint_path(folder)) {
  write_file_atomically(path_, address + "\n");
}

EndpointFile::~EndpointFile() {
  std::remove(path_.c_str());
}

std::optional<Endpoint> read_endpoint(std::string const& folder) {
  Endpoint endpoint;
  endpoint.is_alive = lock_holder(folder).has_value();
  if (auto const content = read_small_file(endpoint_path(folder)))
    endpoint.address = content->substr(0, content->find_first_of("\r\n"));
  if (!endpoint.is_alive && endpoint.address.empty())
    return std::nullopt;
  return endpoint;
}

} // namespace walrock
