// A plan for people, as a script that could be read aloud, and for programs. Pure.
#pragma once

#include <string>

#include "operate/plan.h"

namespace walrock {

[[nodiscard]] std::string plan_text(Plan const& plan);
[[nodiscard]] std::string plan_json(Plan const& plan);

} // namespace walrock
