// The last checkpoint of a job and what a restart does with it, for people and for scripts. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "operate/job_checkpoint.h"

namespace walrock {

struct ShownCheckpoint {
  std::string job_id;
  std::string place;       // checkpoint_place()
  bool is_running = false; // a walrock works on it now: what stands here passes
  std::int64_t now_ms = 0; // Unix time
};

[[nodiscard]] std::string checkpoint_text(Checkpoint const& checkpoint,
                                          ShownCheckpoint const& shown);
[[nodiscard]] std::string checkpoint_json(Checkpoint const& checkpoint,
                                          ShownCheckpoint const& shown);

} // namespace walrock
