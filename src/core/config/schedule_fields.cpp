#include "core/config/schedule_fields.hpp"

namespace loom {
namespace {

constexpr Choice<Gap> gap_choices[] = {{"run_after", Gap::run_after}, {"skip", Gap::skip}};
constexpr Choice<Fold> fold_choices[] = {{"first", Fold::first}, {"last", Fold::last}, {"both", Fold::both}};
constexpr Choice<CatchUp> catch_up_choices[] = {{"skip", CatchUp::skip}, {"last", CatchUp::last}, {"all", {}}};

constexpr Field<JobDraft> dst_fields[] = {
    {"gap", [](const YamlNode& node, JobDraft& draft,
               Faults& faults) { read_choice<Gap>(node, gap_choices, draft.gap, faults); }},
    {"fold", [](const YamlNode& node, JobDraft& draft,
                Faults& faults) { read_choice<Fold>(node, fold_choices, draft.fold, faults); }},
};

constexpr Field<JobDraft> schedule_fields[] = {
    {"cron", [](const YamlNode& node, JobDraft& draft, Faults& faults) { read_marked(node, draft.cron, faults); }},
    {"tz", [](const YamlNode& node, JobDraft& draft, Faults& faults) { read_marked(node, draft.zone, faults); }},
    {"splay", [](const YamlNode& node, JobDraft& draft, Faults& faults) { read_duration(node, draft.splay, faults); }},
    {"dst", [](const YamlNode& node, JobDraft& draft,
               Faults& faults) { read_map<JobDraft>(node, dst_fields, draft, faults); }},
};

constexpr Field<JobDraft> catch_up_fields[] = {
    {"policy", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_choice<CatchUp>(node, catch_up_choices, draft.job.catch_up, faults); }},
    {"window", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_duration(node, draft.job.catch_up_window, faults); }},
    {"max", nullptr},
};

} // namespace

void read_schedule(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_text_or_map<schedule_fields>(node, draft, faults);
}

void read_catch_up(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_text_or_map<catch_up_fields>(node, draft, faults);
}

} // namespace loom
