#pragma once
#include "core/time/cron.hpp"

#include <string>
#include <vector>

namespace loom {

/// A schedule expression in words, for people: `At 02:00 on the 1st of the month, and on Mondays`. H is told as the
/// value that it stands for. Pure.
std::string explain(const Cron& cron);

/// What a reader of the expression may not expect, a sentence each: the day rule, short months, daylight saving.
std::vector<std::string> explain_notes(const Cron& cron);

} // namespace loom
