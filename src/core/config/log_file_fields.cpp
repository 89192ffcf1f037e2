#include "core/config/log_file_fields.hpp"

#include "core/base/template_text.hpp"

namespace loom {
namespace {

/// A path that ends in a slash is a folder, in which each run has a file of its own.
void read_log_path(const YamlNode& node, JobDraft& draft, Faults& faults) {
    std::string path;
    if (!read_text(node, path, faults)) return;
    if (path.find("{{") != std::string::npos)
        if (const auto parts = parse_template(path); !parts) faults.push_back({node.mark, parts.error().message});
    const bool folder = path.ends_with('/');
    if (!path.empty()) path = resolve_path(path, node.mark, draft.home);
    if (folder) path += std::string(path.ends_with('/') ? "" : "/") + "{{ job.name }}-{{ run.id }}.log";
    draft.job.policy->log_file.path = std::move(path);
}

constexpr Field<JobDraft> log_file_fields[] = {
    {"file", read_log_path},
    {"keep", [](const YamlNode& node, JobDraft& draft,
                Faults& faults) { read_duration(node, draft.job.policy->log_file.keep, faults); }},
    {"rotate", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_bytes(node, draft.job.policy->log_file.rotate, faults); }},
};

} // namespace

void read_log_file(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_text_or_map<log_file_fields>(node, draft, faults);
    const auto& log = std::as_const(draft.job.policy)->log_file;
    const auto folder = log.path.substr(0, log.path.rfind('/') + 1);
    if (log.keep.count() > 0 && folder.find("run.") != std::string::npos && folder.find("{{") != std::string::npos)
        faults.push_back({node.mark, "\"keep\" looks for older files in one folder: put {{ run.… }} into the file's name"});
}

} // namespace loom
