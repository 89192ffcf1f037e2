#include "core/config/job_warnings.hpp"

#include "core/model/task_params.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

Faults warnings_of(const JobDraft& draft, bool hooked) {
    const auto& job = draft.job;
    Faults warnings;
    if (!job.schedule && draft.schedule.mark)
        warnings.push_back({*draft.schedule.mark, "schedule: it has no cron, so nothing is scheduled"});
    else if (!job.schedule && job.policy->after.empty() && !hooked)
        warnings.push_back({draft.mark, "no schedule: manual only"});
    if (job.policy->catch_up_nodes && draft.catch_up_nodes) {
        if (!job.schedule)
            warnings.push_back({*draft.catch_up_nodes, "catchup: nodes: only a run of the job's schedule is owed to a node, and it has none"});
        else if (job.policy->catch_up_window.count() == 0)
            warnings.push_back({*draft.catch_up_nodes, "catchup: nodes: with window: off nothing is owed to a node"});
    }
    if (const auto used = params_of(*job.task); !used.empty() && (job.schedule || !job.policy->after.empty()))
        warnings.push_back({draft.mark, fmt::format("{{{{ params.{} }}}} has a value in runs that a webhook starts; those by {} fail", used.front(),
                                                    job.schedule ? "schedule" : "after")});
    if (!job.schedule) return warnings;
    if (draft.catch_up_max && job.policy->catch_up != CatchUp::all)
        warnings.push_back({*draft.catch_up_max, "catchup: max: only policy: all runs more than the newest instant late"});
    if (job.schedule->cron.both_days_restricted)
        warnings.push_back({draft.schedule.cron->mark,
                            "schedule: day of month and weekday are both restricted: it is due when either matches"});
    if (job.policy->catch_up == CatchUp::all && job.policy->catch_up_max > 1 && job.policy->overlap == Overlap::skip)
        warnings.push_back({draft.mark, "catchup: all with overlap: skip: of several missed runs only the first one runs; with "
                                        "overlap: buffer_all they run one after the other"});
    if (const auto within = job.policy->expect.start_within; within.count() > 0 && within <= job.schedule->splay)
        warnings.push_back({draft.mark, fmt::format("expect: start_within: {} is no more than the splay, {}", short_duration(within),
                                                    short_duration(job.schedule->splay))});
    return warnings;
}

} // namespace loom
