// Waiting for a while, or until a stop is asked for. Any thread.
#pragma once

#include <stop_token>

#include "base/time.h"

namespace walrock {

// False when a stop was asked for.
bool pause_for(Milliseconds duration, std::stop_token const& stop);

} // namespace walrock
