#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

// The keys that say how a run spreads over its targets.

void read_waves(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_stop_when(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_success_when(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_order(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_run_once(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_limits(const YamlNode& node, JobDraft& draft, Faults& faults);
void read_retry(const YamlNode& node, JobDraft& draft, Faults& faults);

} // namespace loom
