#include "core/config/overlap_fields.hpp"

namespace loom {
namespace {

constexpr Choice<Overlap> overlap_choices[] = {
    {"skip", Overlap::skip}, {"allow", Overlap::allow}, {"buffer_one", {}}, {"buffer_all", {}}, {"cancel_other", {}}};
enum class OverlapScope { job };
constexpr Choice<OverlapScope> scope_choices[] = {{"job", OverlapScope::job}, {"node", {}}};

constexpr Field<JobDraft> overlap_fields[] = {
    {"policy", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_choice<Overlap>(node, overlap_choices, draft.job.overlap, faults); }},
    {"scope",
     [](const YamlNode& node, JobDraft&, Faults& faults) {
         OverlapScope scope{};
         read_choice<OverlapScope>(node, scope_choices, scope, faults);
     }},
};

} // namespace

void read_overlap(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_text_or_map<overlap_fields>(node, draft, faults);
}

} // namespace loom
