#pragma once
#include "core/config/job_fields.hpp"

namespace loom {

/// What a job without faults says that may not be what was meant. `hooked`: a webhook starts it. Pure.
Faults warnings_of(const JobDraft& draft, bool hooked);

} // namespace loom
