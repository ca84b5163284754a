// Job files for the tests of config/.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"
#include "config/job_file.h"

namespace walrock {

// The smallest good file; `source`, `sink` and `rest` are more lines of the sections and the file.
inline std::string small_job(std::string const& source = "", std::string const& sink = "",
                             std::string const& rest = "",
                             std::string const& tables = "table-name: users") {
  return "job:\n"
         "  id: shop\n"
         "source:\n"
         "  hostname: localhost\n"
         "  username: replicator\n"
         "  database-name: demo\n"
         "  " +
         tables + "\n" + source +
         "sink:\n"
         "  fe-nodes: localhost:8030\n"
         "  username: root\n"
         "  database: demo\n" +
         sink + rest;
}

inline JobSpec parse(std::string const& text) {
  return parse_job(text, "job.yml", "/jobs");
}

// The message of the error that the file gives, or "accepted".
inline std::string mistakes_of(std::string const& text) {
  try {
    (void)parse(text);
  } catch (Error const& error) {
    return error.message();
  }
  return "accepted";
}

inline std::string read_source_file(std::string const& name) {
  std::ifstream in(std::string(WALROCK_SOURCE_DIR) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace walrock
