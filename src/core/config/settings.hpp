#pragma once
#include "core/config/catalog_builder.hpp"
#include "core/config/hook_fields.hpp"
#include "core/config/job_fields.hpp"
#include "core/config/notify_fields.hpp"

namespace loom {

/// loom.yaml as read: the settings, what its `defaults` say of every job, and where each group stands.
struct SettingsDraft {
    Settings settings;
    JobDraft defaults;
    std::map<std::string, Mark> group_marks;
    std::vector<HookDraft> hooks;
    std::vector<NotifyDraft> notify;
    std::string home;
};

SettingsDraft read_settings_draft(const SourceText& source, const std::string& home, const std::string& state_dir, Faults& faults);

} // namespace loom
