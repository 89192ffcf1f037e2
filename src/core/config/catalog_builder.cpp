#include "core/config/catalog_builder.hpp"

#include "core/base/digest.hpp"
#include "core/config/after_fields.hpp"
#include "core/config/inventory.hpp"
#include "core/config/job_warnings.hpp"
#include "core/config/manifest.hpp"
#include "core/config/merge_sources.hpp"
#include "core/config/nodes_text.hpp"
#include "core/config/settings.hpp"
#include "core/model/task_params.hpp"

#include <atomic>
#include <deque>
#include <filesystem>
#include <future>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <thread>
#include <unordered_map>

namespace loom {
namespace {

std::string digest_of(const ConfigTexts& texts) {
    std::string all;
    const auto add = [&](const ConfigText& text) {
        all += fmt::format("{}\n{}\n{}\n", text.path, text.text.size(), sha256_hex(text.text));
    };
    add(texts.settings);
    if (texts.nodes) add(*texts.nodes);
    if (texts.data) add(*texts.data);
    for (const auto& manifest : texts.manifests) add(manifest);
    // A source that fails changes the catalog too: what is wrong with it has to be told.
    for (const auto& part : texts.sources) {
        add({part.name, nodes_text(part.nodes), false});
        for (const auto& problem : part.problems) all += fmt::format("{}: {}\n", problem.place, problem.message);
    }
    for (const auto& code : texts.code) all += code.stamp + '\n';
    return sha256_hex(all);
}

template <class... Values>
std::size_t hash_of(const Values&... values) {
    std::size_t hash = 0;
    ((hash = hash * 0x9e3779b97f4a7c15 + std::hash<Values>()(values)), ...);
    return hash;
}

/// Of what is likely to differ where policies do.
struct PolicyHash {
    std::size_t operator()(const Policy& policy) const {
        const auto& time = policy.timeout;
        const auto& expect = policy.expect;
        auto hash = hash_of(policy.log_file.path, policy.fan_out.parallel, time.command.count(), time.run.count(), time.idle.count(),
                            policy.catch_up_window.count(), expect.start_within.count(), expect.finish_within.count());
        for (const auto& after : policy.after) hash = hash_of(hash, after.job);
        return hash;
    }
};

struct TaskHash {
    std::size_t operator()(const TaskSpec& task) const {
        return std::hash<boost::json::array>()(task.args) ^ std::hash<boost::json::object>()(task.kwargs);
    }
};

/// Reads the manifests on every CPU: parsing takes most of a load's time, and each text stands for itself.
std::vector<Manifest> read_all(const std::vector<std::function<Manifest()>>& readings) {
    std::vector<Manifest> manifests(readings.size());
    std::atomic<std::size_t> next{0};
    const auto read = [&] {
        for (auto i = next++; i < readings.size(); i = next++) manifests[i] = readings[i]();
    };
    std::vector<std::future<void>> others;
    for (auto more = std::min<std::size_t>(std::thread::hardware_concurrency(), readings.size()); more > 1; --more)
        others.push_back(std::async(std::launch::async, read));
    read();
    for (auto& other : others) other.get();
    return manifests;
}

/// One build: reads file after file into a new catalog. Lives as long as the marks that its drafts hold.
class Builder {
public:
    explicit Builder(const ConfigTexts& texts) : texts_(texts) {}

    Result<CatalogPtr> build() {
        catalog_->digest = digest_of(texts_);
        catalog_->problems = texts_.problems;
        auto settings = read_settings_draft(source(texts_.settings), texts_.home, texts_.state_dir, faults_);
        if (!faults_.empty()) return to_error(faults_);
        catalog_->settings = settings.settings;
        auto& plugins = catalog_->settings.plugins;
        for (std::size_t i = 0; i < std::min(plugins.size(), texts_.code.size()); ++i) plugins[i]->code = texts_.code[i];
        if (texts_.nodes) read_nodes(source(*texts_.nodes));
        merge_sources(catalog_->nodes, texts_.sources, catalog_->problems);
        check_groups(settings);
        read_hook_secrets(settings);
        const SourceText* data = texts_.data ? &source(*texts_.data) : nullptr;
        if (data) read_data(*data);
        if (!faults_.empty()) return to_error(faults_);
        read_jobs(data, settings.defaults);
        check_hooks();
        return CatalogPtr(catalog_);
    }

private:
    const SourceText& source(const ConfigText& text) {
        return sources_.emplace_back(SourceText{text.path, shown_path(text.path, texts_.settings.path), text.text});
    }

    void add_problem(Problem::Kind kind, const std::string& job, const Mark& mark, std::string message) {
        catalog_->problems.push_back({kind, job, to_string(mark), std::move(message)});
    }

    void read_nodes(const SourceText& nodes) {
        auto inventory = read_inventory(nodes, texts_, faults_);
        catalog_->nodes = std::move(inventory.nodes);
        for (auto& warning : inventory.warnings) catalog_->problems.push_back(std::move(warning));
    }

    void check_groups(const SettingsDraft& settings) {
        if (!faults_.empty()) return; // a node that could not be read would be missed here once more
        for (const auto& [name, mark] : settings.group_marks)
            if (const auto expanded = catalog_->expand("@" + name); !expanded)
                faults_.push_back({mark, "groups: " + expanded.error().message});
    }

    void read_hook_secrets(SettingsDraft& settings) {
        bool plain = false;
        for (auto& draft : settings.hooks) {
            for (const auto& secret : draft.secrets) {
                if (!plain && !secret.source && texts_.settings.others_can_read)
                    add_problem(Problem::Kind::warning, "", secret.mark, "a secret in a file that others can read: chmod 600 " + texts_.settings.path);
                plain = plain || !secret.source;
            }
            catalog_->hooks.push_back(resolve_hook(draft, texts_.read_secret, faults_));
        }
        for (auto& draft : settings.notify) catalog_->notify.push_back(resolve_notify(draft, texts_.read_secret, faults_));
    }

    /// A hook without its job starts nothing, and holds up nothing else.
    void check_hooks() {
        for (const auto& hook : catalog_->hooks)
            if (auto why = mismatch(*catalog_, hook))
                catalog_->problems.push_back({Problem::Kind::quarantined, "", hook.place, fmt::format("hooks: {}: {}", hook.name, *why)});
    }

    bool is_manifest(const std::string& path) const {
        return std::any_of(texts_.manifests.begin(), texts_.manifests.end(),
                           [&](const auto& text) { return text.path == path; });
    }

    void read_data(const SourceText& data) {
        for (auto& fault : check_datafile(data)) faults_.push_back(std::move(fault));
        if (is_manifest(data.path)) return;
        if (const auto mark = jobs_in_datafile(data))
            add_problem(Problem::Kind::warning, "", *mark,
                        "the jobs of the datafile are not read: it serves the manifests' anchors");
    }

    void read_jobs(const SourceText* data, const JobDraft& defaults) {
        catalog_->zone = local_zone();
        const ScheduleTerms terms{catalog_->zone, catalog_->settings.calendars};
        std::vector<std::function<Manifest()>> readings;
        for (const auto& text : texts_.manifests) {
            if (text.path == texts_.settings.path || (texts_.nodes && text.path == texts_.nodes->path)) continue;
            const auto& manifest_source = source(text);
            const bool is_data = data && data->path == text.path;
            readings.push_back([=, &manifest_source, &defaults, &terms] {
                return read_manifest(is_data ? nullptr : data, manifest_source, defaults, terms);
            });
        }
        auto manifests = read_all(readings);
        std::vector<JobDraft*> drafts;
        for (auto& manifest : manifests) {
            for (auto& fault : manifest.faults)
                add_problem(Problem::Kind::quarantined, "", fault.mark, std::move(fault.message));
            for (auto& draft : manifest.jobs) drafts.push_back(&draft);
        }
        std::ranges::stable_sort(drafts, {}, [](const auto* draft) -> const auto& { return draft->job.name; });
        refuse_repeats(drafts);
        check_after(drafts);
        catalog_->jobs.reserve(drafts.size());
        for (auto* draft : drafts) take(*draft);
        for (const auto& [path, text] : scripts_) {
            catalog_->scripts.push_back(path);
            catalog_->digest = sha256_hex(fmt::format("{}\n{}\n{}", catalog_->digest, path, text ? **text : text.error().message));
        }
        for (const auto& job : catalog_->jobs)
            for (const auto& after : job.policy->after) catalog_->followers[after.job].push_back(job.name);
        warn_of_followers();
    }

    /// What a job follows is there, as text, and may still never run.
    void warn_of_followers() {
        for (const auto& job : catalog_->jobs) {
            for (const auto& after : job.policy->after) {
                if (catalog_->find_job(after.job)) continue;
                const bool unavailable = std::ranges::any_of(catalog_->problems, [&](const Problem& problem) {
                    return problem.job == after.job && problem.kind == Problem::Kind::unavailable;
                });
                catalog_->problems.push_back({Problem::Kind::warning, job.name, to_string(job.source),
                                              fmt::format("after: job \"{}\" is {}, so this one does not start after it", after.job,
                                                          unavailable ? "unavailable" : "quarantined")});
            }
        }
    }

    /// Of two jobs of one name neither can be trusted to be the one that is meant.
    void refuse_repeats(const std::vector<JobDraft*>& drafts) {
        for (std::size_t i = 0; i < drafts.size(); ++i) {
            const auto same = [&](std::size_t k) {
                return k < drafts.size() && drafts[k]->job.name == drafts[i]->job.name;
            };
            const std::size_t other = i > 0 && same(i - 1) ? i - 1 : i + 1;
            if (same(other))
                drafts[i]->faults.push_back(
                    {drafts[i]->mark, fmt::format("job \"{}\" is also defined at {}", drafts[i]->job.name,
                                                  to_string(drafts[other]->mark))});
        }
    }

    void take(JobDraft& draft) {
        auto& job = draft.job;
        const auto& mark = draft.mark;
        job.source = place_of(mark);
        if (draft.become && draft.faults.empty()) {
            resolve_become(*draft.become, texts_.read_secret, draft.faults);
            job.task->become = std::move(draft.become->become);
        }
        if (draft.script && draft.faults.empty()) take_script(draft);
        // A task is judged by arguments that could be read: else one mistake would be told twice.
        std::optional<Error> task;
        if (draft.faults.empty() && texts_.check_task)
            if (auto checked = texts_.check_task(*std::as_const(job.task), catalog_->settings.plugins); !checked) task = checked.error();
        const auto& task_mark = draft.task ? draft.task->mark : draft.command ? draft.command->mark : draft.script ? draft.script->mark : mark;
        if (task && task->code != Errc::unavailable) draft.faults.push_back({task_mark, task->message});
        if (auto good = check_params(*std::as_const(job.task)); !good && draft.faults.empty()) draft.faults.push_back({task_mark, good.error().message});
        if (draft.targets) expand_targets(draft);
        if (draft.order) check_order(draft);
        for (auto& fault : draft.faults)
            add_problem(Problem::Kind::quarantined, job.name, fault.mark, std::move(fault.message));
        if (!draft.faults.empty()) return;
        const bool hooked = std::ranges::find(catalog_->hooks, job.name, &Hook::job) != catalog_->hooks.end();
        for (auto& warning : warnings_of(draft, hooked))
            add_problem(Problem::Kind::warning, job.name, warning.mark, std::move(warning.message));
        if (task)
            add_problem(Problem::Kind::unavailable, job.name, task_mark, task->message);
        else
            keep(std::move(job));
    }

    /// Read once, however many jobs run it.
    void take_script(JobDraft& draft) {
        using Text = Result<std::shared_ptr<const std::string>>;
        const auto& path = draft.script->text;
        auto known = scripts_.find(path);
        if (known == scripts_.end()) {
            auto read = texts_.read_script ? texts_.read_script(path) : Result<std::string>(Error{Errc::config, "scripts cannot be read here"});
            auto text = read ? Text(std::make_shared<const std::string>(std::move(*read))) : Text(read.error());
            known = scripts_.emplace(path, std::move(text)).first;
        }
        if (known->second) draft.job.task->input = *known->second;
        else draft.faults.push_back({draft.script->mark, "script: " + known->second.error().message});
    }

    SourcePlace place_of(const Mark& mark) {
        auto& file = files_[mark.source];
        if (!file) file = mark.source->shown;
        return {file, mark.line, mark.column};
    }

    void keep(Job job) {
        policies_.share(job.policy);
        tasks_.share(job.task);
        schedules_.share(job.schedule);
        catalog_->jobs.push_back(std::move(job));
    }

    void check_order(JobDraft& draft) {
        const auto& order = std::as_const(draft.job.policy)->fan_out.order;
        if (order.kind != DialOrder::Kind::label) return;
        const auto& nodes = catalog_->nodes;
        if (std::ranges::any_of(nodes, [&](const auto& node) { return node.labels.contains(order.label); })) return;
        std::set<std::string> keys;
        for (const auto& node : nodes)
            for (const auto& [key, value] : node.labels) keys.insert(key);
        const std::vector<std::string> known(keys.begin(), keys.end());
        draft.faults.push_back({*draft.order, fmt::format("order: no node has the label \"{}\"{}", order.label,
                                                          did_you_mean(order.label, known))});
    }

    void expand_targets(JobDraft& draft) {
        const auto& text = std::as_const(draft.job.targets)->text;
        if (text.find_first_not_of(" \t") == std::string::npos) return; // nothing: on_empty decides when it fires
        auto known = expansions_.find(text);
        if (known == expansions_.end()) {
            using Expanded = Result<Shared<Targets>>;
            auto nodes = catalog_->expand(text);
            auto targets = nodes ? Expanded(Targets{text, std::move(*nodes)}) : Expanded(nodes.error());
            known = expansions_.emplace(text, std::move(targets)).first;
        }
        if (known->second) {
            draft.job.targets = *known->second;
            return;
        }
        Fault fault{draft.targets->front().mark, known->second.error().message};
        for (const auto& part : *draft.targets) {
            const auto alone = catalog_->expand(part.text);
            if (alone) continue;
            fault = {part.mark, alone.error().message};
            break;
        }
        fault.message = "targets: " + fault.message;
        draft.faults.push_back(std::move(fault));
    }

    const ConfigTexts& texts_;
    std::deque<SourceText> sources_;
    Faults faults_;
    std::shared_ptr<Catalog> catalog_ = std::make_shared<Catalog>();
    std::unordered_map<std::string, Result<Shared<Targets>>> expansions_; ///< many jobs share their targets
    std::map<const SourceText*, Shared<std::string>> files_;
    std::map<std::string, Result<std::shared_ptr<const std::string>>> scripts_;
    Distinct<Policy, PolicyHash> policies_;
    Distinct<TaskSpec, TaskHash> tasks_;
    Distinct<Schedule, ScheduleHash> schedules_;
};

} // namespace

std::string shown_path(const std::string& path, const std::string& settings_path) {
    const auto folder = std::filesystem::path(settings_path).parent_path().string() + "/";
    return path.starts_with(folder) && path != settings_path ? path.substr(folder.size()) : path;
}

Result<CatalogPtr> build_catalog(const ConfigTexts& texts) { return Builder(texts).build(); }

CatalogPtr empty_catalog(std::string state_dir) {
    auto catalog = std::make_shared<Catalog>();
    catalog->digest = sha256_hex("");
    catalog->settings.state_dir = std::move(state_dir);
    return catalog;
}

} // namespace loom
