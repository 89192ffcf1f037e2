#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

/// The key that says what happens when a run would begin while others of its job go on.
void read_overlap(const YamlNode& node, JobDraft& draft, Faults& faults);
/// Once all keys are read.
void finish_overlap(JobDraft& draft);

} // namespace loom
