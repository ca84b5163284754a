// The checkpoint store that the job file chooses, and a store that waits. Blocking; the thread that
// starts the engine.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/error.h"
#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "runtime/engine.h"
#include "runtime/startup.h"

namespace walrock {

// Hold the InstanceLock of the checkpoint folder. lost is called, on a thread of the store, when it
// finds by itself that another walrock has taken over. drain ends a wait for another walrock
// (throws Stopped), now cuts calls short.
[[nodiscard]] std::unique_ptr<CheckpointStore>
open_checkpoint(JobSpec const& job, EngineAddresses const& addresses, Report const& report,
                std::function<void(Error const&)> lost, std::stop_token drain, std::stop_token now);

// Repeats what fails with Retry::later until it succeeds: for the start, which has nothing else to
// do meanwhile. Throws Stopped.
class PatientStore final : public CheckpointStore {
public:
  // store must outlive this.
  PatientStore(CheckpointStore& store, Report report, std::stop_token stop);

  [[nodiscard]] Checkpoint read() override;
  void write(CheckpointUpdate const& update) override;
  [[nodiscard]] std::uint64_t begin_incarnation() override;

private:
  template <typename Work> auto patiently(char const* phase, Work work);

  CheckpointStore& store_;
  Report report_;
  std::stop_token stop_;
};

} // namespace walrock
