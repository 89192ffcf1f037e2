#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

// The key that says which jobs a job follows.

void read_after(const YamlNode& node, JobDraft& draft, Faults& faults);

/// What no job can tell alone: a name that no job has, and jobs that follow each other in a circle. Each fault goes to the
/// job that says so.
void check_after(std::vector<JobDraft>& drafts);

} // namespace loom
