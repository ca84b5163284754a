// The embedded engine: one job, from start to stop. Owns every thread of the job but main and http.
//
//   Engine engine(spec, addresses, options);
//   EngineResult result = engine.run(drain, now);   // blocks; own thread or main
//
// Takes the instance lock and opens the checkpoint first. Throws nothing from run(): failures are
// in the result (and in the status).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "config/job_spec.h"
#include "model/lsn.h"
#include "postgres/address.h"
#include "runtime/status.h"
#include "starrocks/address.h"

namespace walrock {

// The servers of the job, as its connections want them.
struct EngineAddresses {
  SourceAddress source;
  TargetAddress target; // loads
  TargetAddress ddl;    // statements that create and change tables
};

struct EngineOptions {
  // End when everything up to this point is in the target: an LSN, or the server's WAL position at
  // the start ("now").
  std::optional<Lsn> until_lsn;
  bool until_now = false;
  // Longest time to finish what is under way after drain was asked for.
  Milliseconds drain_limit{20'000};
};

struct EngineResult {
  enum class Kind {
    stopped, // on request, drained
    done,    // --until reached
    failed,
  };
  Kind kind = Kind::stopped;
  std::optional<ErrorReport> error; // of failed
  bool has_errored_tables = false;  // with done: some tables were set aside
};

class Engine {
public:
  Engine(JobSpec spec, EngineAddresses addresses, EngineOptions options);
  ~Engine();
  Engine(Engine const&) = delete;
  Engine& operator=(Engine const&) = delete;

  // drain: finish what is under way within the limit, then stop. now: stop at once.
  EngineResult run(std::stop_token drain, std::stop_token now);

  // Any thread, at any time.
  [[nodiscard]] std::shared_ptr<Status const> status() const;

private:
  JobSpec spec_;
  EngineAddresses addresses_;
  EngineOptions options_;
  StatusBoard board_;
};

} // namespace walrock
