// What a person sees of a running job: a board on a terminal, else log lines. Main thread.
#pragma once

#include <memory>

#include "cli/status_view.h"
#include "runtime/status.h"

namespace walrock {

class RunView {
public:
  virtual ~RunView() = default;
  // Called a few times a second.
  virtual void show(Status const& status) = 0;
};

[[nodiscard]] std::unique_ptr<RunView> make_run_view();

} // namespace walrock
