#include "core/config/manifest.hpp"

#include "core/base/limits.hpp"
#include "core/config/overlap_fields.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Whether the text is one flow map, as JSON is: such a text can stand neither before nor behind another.
bool is_flow(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        if (line.starts_with("---")) line.remove_prefix(3);
        const auto first = line.find_first_not_of(" \t\r");
        if (first != std::string_view::npos && line[first] != '#' && line[first] != '%') return line[first] == '{';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

/// The `jobs` of a text among the top-level keys of a document that may begin with another text.
std::vector<YamlNode::Entry> jobs_entries(const YamlNode& root, const SourceText& text) {
    std::vector<YamlNode::Entry> found;
    for (const auto& entry : root.entries)
        if (entry.key->kind == YamlNode::Kind::scalar && entry.key->text == "jobs" && entry.key->mark.source == &text)
            found.push_back(entry);
    return found;
}

void check_job_name(const YamlNode& key, Faults& faults) {
    const auto& name = key.text;
    if (name.empty() || name.size() > limits::job_name_bytes)
        faults.push_back({key.mark, fmt::format("a job's name has 1 to {} bytes, this one {}", limits::job_name_bytes,
                                                name.size())});
    const bool bad = std::any_of(name.begin(), name.end(),
                                 [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (bad) faults.push_back({key.mark, "a job's name holds no '/' and no control characters"});
}

/// Turns `task` or `command` into the work to do.
void finish_task(JobDraft& draft) {
    auto& spec = *draft.job.task;
    if (draft.task && draft.command) {
        draft.faults.push_back({draft.command->mark, "\"command\" and \"task\" exclude each other"});
    } else if (draft.script && (draft.task || draft.command)) {
        draft.faults.push_back({draft.script->mark, fmt::format("\"script\" and \"{}\" exclude each other", draft.task ? "task" : "command")});
    } else if (draft.plugin && !draft.task) {
        draft.faults.push_back({*draft.plugin, "\"plugin\" says whose workers run a \"task\", and there is none"});
    } else if (draft.script) {
        if (draft.input) draft.faults.push_back({*draft.input, "\"stdin\" carries a script's own text: give what it reads as args or env"});
        spec.name = "loom.script";
        spec.plugin.clear();
        spec.kwargs["path"] = draft.script->text;
    } else if (draft.command) {
        if (draft.args) draft.faults.push_back({*draft.args, "\"args\" belong to a task: a command takes none"});
        spec.name = "fabric.api.run";
        spec.plugin.clear();
        spec.args = {boost::json::value(draft.command->text)};
    } else if (draft.task && !draft.task->text.empty()) {
        spec.name = draft.task->text;
    } else {
        draft.faults.push_back({draft.mark, "missing key \"task\" (or \"command\", or \"script\")"});
    }
}

void finish_targets(JobDraft& draft) {
    if (!draft.targets) {
        draft.faults.push_back({draft.mark, "missing key \"targets\""});
        return;
    }
    std::string text;
    for (const auto& part : *draft.targets) {
        // Operators go left to right, so one inside a list must not reach beyond its own item.
        const bool grouped = draft.targets->size() > 1 && part.text.find_first_of("!&^") != std::string::npos;
        text += fmt::format(fmt::runtime(grouped ? "{}({})" : "{}{}"), text.empty() ? "" : ",", part.text);
    }
    draft.job.targets = Targets{std::move(text), {}};
}

JobDraft read_job(const YamlNode::Entry& entry, const JobDraft& defaults, const ScheduleTerms& terms) {
    auto draft = defaults;
    draft.mark = entry.key->mark;
    draft.job.name = entry.key->text;
    check_job_name(*entry.key, draft.faults);
    draft.task.reset();
    draft.command.reset();
    draft.args.reset();
    draft.script.reset();
    draft.plugin.reset();
    draft.input.reset();
    draft.schedule.mark.reset();
    draft.catch_up_nodes.reset();
    draft.catch_up_max.reset();
    read_job_fields(*entry.value, draft, draft.faults);
    const auto kind = entry.value->kind;
    if (kind != YamlNode::Kind::map && kind != YamlNode::Kind::null) return draft; // lacks everything: told once
    if (!draft.task && !draft.command && !draft.script) {
        draft.task = defaults.task;
        draft.command = defaults.command;
        draft.script = defaults.script;
        draft.plugin = defaults.plugin;
    }
    finish_task(draft);
    finish_schedule(draft, terms);
    finish_overlap(draft);
    finish_targets(draft);
    return draft;
}

bool has_jobs(const SourceText& text) {
    const auto document = parse_yaml(text);
    return !document || !jobs_entries(document->root(), text).empty();
}

} // namespace

Manifest read_manifest(const SourceText* data, const SourceText& text, const JobDraft& defaults, const ScheduleTerms& terms) {
    Manifest manifest;
    if (text.text.find("jobs") == std::string_view::npos) return manifest; // also spares parsing what is not ours
    std::vector<const SourceText*> sources;
    if (data && !is_flow(text.text)) sources.push_back(data);
    sources.push_back(&text);
    const auto document = parse_yaml(sources);
    if (!document) {
        // A list at the top, say, cannot follow the datafile; alone it is a good YAML file that is none of ours.
        if (sources.size() == 1 || has_jobs(text)) manifest.faults.push_back(document.error());
        return manifest;
    }
    const auto found = jobs_entries(document->root(), text);
    if (found.size() > 1)
        manifest.faults.push_back(
            {found[1].key->mark, fmt::format("duplicate key \"jobs\", first on line {}", found[0].key->mark.line)});
    if (found.size() != 1) return manifest;
    const auto entries = map_entries(*found[0].value, manifest.faults, Repeats::are_kept);
    name_faults(manifest.faults, 0, "jobs");
    for (const auto& entry : entries)
        manifest.jobs.push_back(read_job(entry, defaults, terms));
    return manifest;
}

Faults check_datafile(const SourceText& data) {
    const auto document = parse_yaml(data);
    if (!document) return {document.error()};
    const auto& root = document->root();
    if (root.kind == YamlNode::Kind::null) return {};
    if (root.kind != YamlNode::Kind::map)
        return {{root.mark, "expected a map, not " + describe(root) + ": it goes before each manifest"}};
    if (is_flow(data.text))
        return {{root.mark, "expected lines \"key: value\", not {…}: it goes before each manifest"}};
    return {};
}

std::optional<Mark> jobs_in_datafile(const SourceText& data) {
    if (data.text.find("jobs") == std::string_view::npos) return std::nullopt;
    const auto document = parse_yaml(data);
    const auto found = document ? jobs_entries(document->root(), data) : std::vector<YamlNode::Entry>{};
    if (found.empty()) return std::nullopt;
    return found[0].key->mark;
}

} // namespace loom
