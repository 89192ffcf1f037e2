#include "core/config/hook_fields.hpp"

#include "core/base/limits.hpp"
#include "core/config/become_fields.hpp"
#include "core/config/hook_parameter_fields.hpp"
#include "core/model/task_params.hpp"

#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr Choice<HookScheme> schemes[] = {{"github", HookScheme::github},
                                          {"gitea", HookScheme::gitea},
                                          {"gitlab", HookScheme::gitlab},
                                          {"standard", HookScheme::standard},
                                          {"bearer", HookScheme::bearer}};

void read_secrets(const YamlNode& node, HookDraft& draft, Faults& faults) {
    draft.secrets.clear();
    if (node.kind == YamlNode::Kind::null) return;
    const auto read_one = [&](const YamlNode& one) {
        SecretDraft secret;
        if (read_secret_draft(one, draft.home, secret, faults)) draft.secrets.push_back(std::move(secret));
    };
    if (node.kind != YamlNode::Kind::sequence) return read_one(node);
    for (const auto* item : node.items) read_one(*item);
}

constexpr Field<HookDraft> hook_fields[] = {
    {"job",
     [](const YamlNode& node, HookDraft& draft, Faults& faults) {
         if (read_text(node, draft.hook.job, faults)) draft.job = node.mark;
     }},
    {"verify", [](const YamlNode& node, HookDraft& draft,
                  Faults& faults) { draft.has_verify = read_choice<HookScheme>(node, schemes, draft.hook.scheme, faults); }},
    {"secret", read_secrets},
    {"window",
     [](const YamlNode& node, HookDraft& draft, Faults& faults) {
         if (read_duration(node, draft.hook.window, faults)) draft.window = node.mark;
     }},
    {"delivery",
     [](const YamlNode& node, HookDraft& draft, Faults& faults) {
         if (read_header_name(node, draft.hook.delivery, faults)) draft.delivery = node.mark;
     }},
    {"filter", [](const YamlNode& node, HookDraft& draft, Faults& faults) { read_filter(node, draft.hook.filter, faults); }},
    {"parameters",
     [](const YamlNode& node, HookDraft& draft, Faults& faults) { read_parameters(node, draft.hook.parameters, faults); }},
};

/// What the keys of a hook mean together.
void check_hook(const HookDraft& draft, Faults& faults) {
    if (draft.hook.job.empty()) faults.push_back({draft.mark, "missing key \"job\""});
    if (!draft.has_verify) faults.push_back({draft.mark, "missing key \"verify\": github, gitea, gitlab, standard or bearer"});
    if (draft.secrets.empty()) faults.push_back({draft.mark, "missing key \"secret\": {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}"});
    if (!draft.has_verify) return;
    const bool standard = draft.hook.scheme == HookScheme::standard;
    if (draft.window && !standard) faults.push_back({*draft.window, "\"window\" belongs to verify: standard: the others sign no time"});
    if (draft.window && draft.hook.window.count() == 0) faults.push_back({*draft.window, "window: expected a duration, such as 5m"});
    if (draft.delivery && standard) faults.push_back({*draft.delivery, "\"delivery\" is webhook-id here, which is signed"});
}

std::string hint_of(const SecretDraft& draft) {
    if (!draft.source) return "$SECRET";
    if (const auto* file = draft.source->if_contains("file")) return fmt::format("$(cat {})", std::string_view(file->as_string()));
    if (const auto* name = draft.source->if_contains("env")) return fmt::format("${}", std::string_view(name->as_string()));
    return "$SECRET";
}

} // namespace

bool read_secret_draft(const YamlNode& node, const std::string& home, SecretDraft& into, Faults& faults) {
    into.mark = node.mark;
    if (node.kind != YamlNode::Kind::scalar) {
        into.source = secret_source(node, home, faults);
        return into.source.has_value();
    }
    into.value = Secret(std::string(node.text));
    return true;
}

Secret resolve_secret(const SecretDraft& draft, const ReadSecret& read_secret, std::string_view key, Faults& faults) {
    auto secret = draft.value;
    if (draft.source) {
        auto read = read_secret ? read_secret(*draft.source) : Result<Secret>(Error{Errc::config, "secrets cannot be read here"});
        if (!read) {
            faults.push_back({draft.mark, fmt::format("{}: {}", key, read.error().message)});
            return {};
        }
        secret = std::move(*read);
    }
    // Everybody knows the empty one.
    if (secret.empty()) faults.push_back({draft.mark, fmt::format("{}: it is empty", key)});
    return secret;
}

void read_hooks(const YamlNode& node, const std::string& home, std::vector<HookDraft>& drafts, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        if (!plain_name(key->text)) {
            faults.push_back({key->mark, fmt::format("\"{}\" cannot name a hook: use letters, digits, '.', '_' and '-'", key->text)});
            continue;
        }
        HookDraft draft;
        draft.home = home;
        draft.mark = key->mark;
        draft.hook.name = key->text;
        draft.hook.place = to_string(key->mark);
        const auto before = faults.size();
        if (value->kind != YamlNode::Kind::map) {
            faults.push_back({value->mark, "expected {job: NAME, verify: SCHEME, secret: SECRET}, not " + kind_of(*value)});
        } else {
            read_map<HookDraft>(*value, hook_fields, draft, faults);
            if (faults.size() == before) check_hook(draft, faults);
        }
        name_faults(faults, before, key->text);
        if (faults.size() == before) drafts.push_back(std::move(draft));
    }
    std::ranges::sort(drafts, {}, [](const auto& draft) -> const auto& { return draft.hook.name; });
}

Hook resolve_hook(HookDraft& draft, const ReadSecret& read_secret, Faults& faults) {
    const auto key = fmt::format("hooks: {}: secret", draft.hook.name);
    for (const auto& secret : draft.secrets) draft.hook.secrets.push_back(resolve_secret(secret, read_secret, key, faults));
    draft.hook.secret_hint = hint_of(draft.secrets.front());
    return std::move(draft.hook);
}

std::optional<std::string> mismatch(const Catalog& catalog, const Hook& hook) {
    const auto* job = catalog.find_job(hook.job);
    if (!job) {
        for (const auto& problem : catalog.problems)
            if (problem.job == hook.job && problem.kind != Problem::Kind::warning)
                return fmt::format("job \"{}\" cannot run: {}: {}", hook.job, problem.place, problem.message);
        return fmt::format("there is no job \"{}\"{}", hook.job, did_you_mean(hook.job, catalog.job_names()));
    }
    std::vector<std::string> given;
    for (const auto& parameter : hook.parameters) given.push_back(parameter.name);
    const auto used = params_of(*job->task);
    for (const auto& name : used)
        if (std::ranges::find(given, name) == given.end())
            return fmt::format("job \"{}\" needs {{{{ params.{} }}}}, which is no parameter of this hook{}", hook.job, name,
                               did_you_mean(name, given));
    return std::nullopt;
}

} // namespace loom
