#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

// The keys that say when a job runs, and what becomes of an instant at which it cannot.

void read_schedule(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_catch_up(const YamlNode& node, JobDraft& draft, Faults& faults);

} // namespace loom
