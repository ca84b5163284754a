// What only the whole file decides: required keys, defaults made of other values, checks, notes.
#pragma once

#include <string>

#include "config/keys.h"
#include "config/mistakes.h"

namespace walrock {

void finish_job(Draft& draft, std::string const& base_folder, Mistakes& mistakes);

// Its part for the sink.
void finish_target(Draft& draft, Mistakes& mistakes);

} // namespace walrock
