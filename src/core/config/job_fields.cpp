#include "core/config/job_fields.hpp"

#include "core/base/quote.hpp"
#include "core/base/template_text.hpp"
#include "core/config/after_fields.hpp"
#include "core/config/fan_out_fields.hpp"
#include "core/config/log_file_fields.hpp"
#include "core/config/overlap_fields.hpp"
#include "core/config/retention_fields.hpp"
#include "core/config/schedule_fields.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Every scalar below the node that may hold placeholders.
void check_templates(const YamlNode& node, Faults& faults) {
    if (node.kind == YamlNode::Kind::scalar && node.text.find("{{") != std::string::npos) {
        if (const auto parts = parse_template(node.text); !parts) faults.push_back({node.mark, parts.error().message});
    }
    for (const auto* item : node.items) check_templates(*item, faults);
    for (const auto& entry : node.entries) check_templates(*entry.value, faults);
}

void read_args(const YamlNode& node, JobDraft& draft, Faults& faults) {
    draft.args = node.mark;
    if (node.kind == YamlNode::Kind::null) {
        draft.job.task->args.clear();
    } else if (node.kind != YamlNode::Kind::sequence) {
        faults.push_back({node.mark, fmt::format("expected a list, e.g. [\"uptime\"], not {}", describe(node))});
    } else {
        check_templates(node, faults);
        draft.job.task->args = to_json(node, faults).as_array();
    }
}

void read_kwargs(const YamlNode& node, JobDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) {
        draft.job.task->kwargs.clear();
    } else if (node.kind != YamlNode::Kind::map) {
        faults.push_back({node.mark, "expected a map, not " + kind_of(node)});
    } else {
        check_templates(node, faults);
        draft.job.task->kwargs = to_json(node, faults).as_object();
    }
}

/// One word of an argv as shell text. A placeholder's value is quoted where it is put in: quoting the braces now would
/// let a value with a quote mark out of its word.
Result<std::string> quote_word(const std::string& word) {
    const auto parts = parse_template(word);
    if (!parts) return parts.error();
    if (parts->empty()) return shell_quote(word);
    std::string text;
    for (const auto& part : *parts) {
        if (part.placeholder) {
            text += fmt::format("{{{{ {} | quote }}}}", part.text);
            continue;
        }
        auto quoted = shell_quote(part.text);
        if (!quoted) return quoted.error();
        text += *quoted;
    }
    return text;
}

void read_command(const YamlNode& node, JobDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::scalar) {
        check_templates(node, faults);
        draft.command = MarkedText{std::string(node.text), node.mark};
        return;
    }
    std::vector<std::string> words;
    if (node.kind != YamlNode::Kind::sequence || node.items.empty()) {
        faults.push_back({node.mark, "expected a shell line or a list of words, not " + describe(node)});
        return;
    }
    if (!read_texts(node, words, faults)) return;
    std::string line;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto quoted = quote_word(words[i]);
        if (!quoted)
            faults.push_back({node.items[i]->mark, quoted.error().message});
        else
            line += (i == 0 ? "" : " ") + *quoted;
    }
    draft.command = MarkedText{std::move(line), node.mark};
}

void read_env(const YamlNode& node, JobDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) draft.job.task->env.clear();
    for (const auto& [key, value] : map_entries(node, faults)) {
        const std::string name(key->text);
        const bool good =
            !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
            });
        if (!good)
            faults.push_back(
                {key->mark, fmt::format("\"{}\" cannot name a variable: use letters, digits and '_'", name)});
        std::string text;
        if (!read_text(*value, text, faults)) continue;
        check_templates(*value, faults);
        draft.job.task->env[name] = std::move(text);
    }
}

void read_input(const YamlNode& node, JobDraft& draft, Faults& faults) {
    std::string text;
    draft.input = node.mark;
    if (node.kind == YamlNode::Kind::null) draft.job.task->input.reset();
    else if (read_text(node, text, faults) && text.size() > limits::input_bytes)
        faults.push_back({node.mark, fmt::format("more than {} bytes: give a command this much as a file", limits::input_bytes)});
    else draft.job.task->input = std::make_shared<const std::string>(std::move(text));
}

void read_script(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_marked(node, draft.script, faults);
    if (draft.script) draft.script->text = resolve_path(draft.script->text, node.mark, draft.home);
}

void read_become(const YamlNode& node, JobDraft& draft, Faults& faults) {
    draft.become.reset();
    if (node.kind == YamlNode::Kind::null || (node.kind == YamlNode::Kind::scalar && node.text == "false")) return;
    draft.become.emplace();
    if (node.kind == YamlNode::Kind::scalar && node.text == "true") return;
    draft.become->home = draft.home;
    read_become_map(node, *draft.become, faults);
}

constexpr Choice<bool> link_loss_choices[] = {{"kill", true}, {"leave", false}};

void read_targets_into(const YamlNode& node, std::vector<MarkedText>& targets, Faults& faults) {
    if (node.kind == YamlNode::Kind::sequence) {
        for (const auto* item : node.items) read_targets_into(*item, targets, faults);
    } else if (node.kind == YamlNode::Kind::scalar) {
        targets.push_back({std::string(node.text), node.mark});
    } else {
        faults.push_back({node.mark, "expected a NodeSet such as web[1-9] or a list of names, not " + describe(node)});
    }
}

constexpr Choice<OnEmpty> on_empty_choices[] = {{"fail", OnEmpty::fail}, {"skip", OnEmpty::skip}, {"ok", OnEmpty::ok}};
constexpr Choice<OnLost> on_lost_choices[] = {{"fail", OnLost::fail}, {"rerun", OnLost::rerun}};

template <Milliseconds Timeouts::*Member>
void read_timeout(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_duration(node, draft.job.policy->timeout.*Member, faults);
}

constexpr Field<JobDraft> timeout_fields[] = {
    {"resolve", read_timeout<&Timeouts::resolve>},
    {"connect", [](const YamlNode& node, JobDraft& draft,
                   Faults& faults) { read_duration(node, draft.job.policy->timeout.connect.emplace(), faults); }},
    {"handshake", read_timeout<&Timeouts::handshake>},
    {"auth", read_timeout<&Timeouts::auth>},
    {"idle", read_timeout<&Timeouts::idle>},
    {"command", read_timeout<&Timeouts::command>},
    {"run", read_timeout<&Timeouts::run>},
    {"grace", read_timeout<&Timeouts::grace>},
};

constexpr Field<JobDraft> job_fields[] = {
    {"task", [](const YamlNode& node, JobDraft& draft, Faults& faults) { read_marked(node, draft.task, faults); }},
    {"command", read_command},
    {"args", read_args},
    {"kwargs", read_kwargs},
    {"env", read_env},
    {"cwd",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         if (read_text(node, draft.job.task->cwd, faults)) check_templates(node, faults);
     }},
    {"stdin", read_input},
    {"pty", [](const YamlNode& node, JobDraft& draft, Faults& faults) { read_flag(node, draft.job.task->pty, faults); }},
    {"become", read_become},
    {"on_link_loss",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         read_choice<bool>(node, link_loss_choices, draft.job.task->end_with_link, faults);
     }},
    {"schedule", read_schedule},
    {"targets", [](const YamlNode& node, JobDraft& draft,
                   Faults& faults) { read_targets_into(node, draft.targets.emplace(), faults); }},
    {"description",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         if (node.kind != YamlNode::Kind::null) read_text(node, draft.job.description, faults);
     }},
    {"log", read_log_file},
    {"retention", read_job_retention},
    {"limits", read_limits},
    {"timeout", [](const YamlNode& node, JobDraft& draft,
                   Faults& faults) { read_map<JobDraft>(node, timeout_fields, draft, faults); }},
    {"retry", read_retry},
    {"catchup", read_catch_up},
    {"overlap", read_overlap},
    {"on_empty", [](const YamlNode& node, JobDraft& draft,
                    Faults& faults) { read_choice<OnEmpty>(node, on_empty_choices, draft.job.policy->on_empty, faults); }},
    {"on_lost", [](const YamlNode& node, JobDraft& draft,
                   Faults& faults) { read_choice<OnLost>(node, on_lost_choices, draft.job.policy->on_lost, faults); }},
    {"script", read_script},
    {"plugin",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         if (read_text(node, draft.job.task->plugin, faults)) draft.plugin = node.mark;
     }},
    {"waves", read_waves},
    {"stop_when", read_stop_when},
    {"success_when", read_success_when},
    {"after", read_after},
    {"expect", read_expect},
    {"order", read_order},
    {"run_once", read_run_once},
};

} // namespace

void read_marked(const YamlNode& node, std::optional<MarkedText>& into, Faults& faults) {
    MarkedText read{{}, node.mark};
    if (read_text(node, read.text, faults)) into = std::move(read);
}

void read_job_fields(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobDraft>(node, job_fields, draft, faults);
}

} // namespace loom
