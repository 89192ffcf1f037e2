#include "core/config/overlap_fields.hpp"

namespace loom {
namespace {

constexpr Choice<Overlap> overlap_choices[] = {
    {"skip", Overlap::skip},
    {"buffer_one", Overlap::buffer_one},
    {"buffer_all", Overlap::buffer_all},
    {"cancel_other", Overlap::cancel_other},
    {"allow", Overlap::allow}};
constexpr Choice<OverlapScope> scope_choices[] = {{"job", OverlapScope::job}, {"node", OverlapScope::node}};

constexpr Field<JobDraft> overlap_fields[] = {
    {"policy", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_choice<Overlap>(node, overlap_choices, draft.job.policy->overlap, faults); }},
    {"scope",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         read_choice<OverlapScope>(node, scope_choices, draft.overlap_scope.emplace(), faults);
     }},
};

} // namespace

void read_overlap(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_text_or_map<overlap_fields>(node, draft, faults);
}

/// One node that catches up must not keep the others from their next run.
void finish_overlap(JobDraft& draft) {
    const auto& policy = *std::as_const(draft.job.policy);
    const auto scope = draft.overlap_scope.value_or(policy.catch_up_nodes ? OverlapScope::node : OverlapScope::job);
    if (policy.overlap_scope != scope) draft.job.policy->overlap_scope = scope;
}

} // namespace loom
