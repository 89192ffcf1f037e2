#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

// Keys that set runs in relation to other runs: those that a job follows, and what it usually takes.

void read_after(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_expect(const YamlNode& node, JobDraft& draft, Faults& faults);

/// What no job can tell alone: a name that no job has, and jobs that follow each other in a circle. Each fault goes to the
/// job that says so.
void check_after(const std::vector<JobDraft*>& drafts);

} // namespace loom
