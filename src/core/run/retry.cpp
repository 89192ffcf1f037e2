#include "core/run/retry.hpp"

#include "core/base/base64.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/run/scheduler.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace json = boost::json;

constexpr std::pair<const char*, Milliseconds Timeouts::*> deadlines[] = {
    {"resolve", &Timeouts::resolve}, {"handshake", &Timeouts::handshake}, {"auth", &Timeouts::auth},
    {"idle", &Timeouts::idle},       {"command", &Timeouts::command},     {"run", &Timeouts::run},
    {"grace", &Timeouts::grace},
};
constexpr std::pair<const char*, Milliseconds Retry::*> pauses[] = {
    {"backoff_first", &Retry::backoff_first},
    {"backoff_most", &Retry::backoff_most},
};
constexpr std::pair<const char*, int Retry::*> tries[] = {{"connect", &Retry::connect}, {"task", &Retry::task}};

template <class T>
void take(const json::object& from, std::string_view key, T& into) {
    const auto* value = from.if_contains(key);
    if (!value) return;
    if (auto read = json::try_value_to<T>(*value)) into = std::move(*read);
}

void take(const json::object& from, std::string_view key, Milliseconds& into) {
    auto ms = into.count();
    take(from, key, ms);
    into = Milliseconds(ms);
}

json::object object_at(const json::object& from, std::string_view key) {
    json::object inner;
    take(from, key, inner);
    return inner;
}

/// How an exec reached nodes that are in no catalog.
Node adhoc_like(const json::object& spec) {
    const auto adhoc = object_at(spec, "adhoc");
    Node node;
    take(adhoc, "user", node.user);
    take(adhoc, "port", node.port);
    take(adhoc, "identity", node.identity);
    return node;
}

void thaw(const json::object& spec, RunPlan& plan) {
    const auto task = object_at(spec, "task");
    // No password is ever stored: the job's present one counts, else the node's.
    auto password = plan.task.become ? plan.task.become->password : Secret();
    plan.task = {};
    take(task, "name", plan.task.name);
    take(task, "plugin", plan.task.plugin);
    take(task, "args", plan.task.args);
    take(task, "kwargs", plan.task.kwargs);
    take(task, "env", plan.task.env);
    take(task, "cwd", plan.task.cwd);
    take(task, "pty", plan.task.pty);
    take(task, "end_with_link", plan.task.end_with_link);
    take(task, "check", plan.task.check);
    take(spec, "checked_job", plan.checked_job);
    std::string input, user;
    take(task, "input", input);
    if (auto bytes = base64_decode(input); bytes && !bytes->empty())
        plan.task.input = std::make_shared<const std::string>(std::move(*bytes));
    take(task, "become", user);
    if (task.contains("become")) plan.task.become = Become{std::move(user), std::move(password)};
    const auto timeout = object_at(spec, "timeout");
    for (const auto& [key, member] : deadlines) take(timeout, key, plan.timeout.*member);
    plan.timeout.connect.reset();
    if (timeout.contains("connect")) take(timeout, "connect", plan.timeout.connect.emplace());
    const auto retry = object_at(spec, "retry");
    for (const auto& [key, member] : tries) take(retry, key, plan.retry.*member);
    for (const auto& [key, member] : pauses) take(retry, key, plan.retry.*member);
    take(retry, "on_exit", plan.retry.on_exit);
}

Result<void> find_nodes(RunPlan& plan, const json::object& spec, const std::vector<std::string>& names) {
    plan.nodes.clear();
    const bool adhoc = spec.contains("adhoc");
    plan.adhoc.reserve(names.size()); // the targets point into it
    std::vector<std::string> gone;
    for (const auto& name : names) {
        if (const auto* node = plan.catalog->find_node(name)) {
            plan.nodes.push_back(node);
        } else if (adhoc) {
            plan.adhoc.push_back(adhoc_like(spec));
            plan.adhoc.back().name = plan.adhoc.back().address = name;
            plan.nodes.push_back(&plan.adhoc.back());
        } else {
            gone.push_back(name);
        }
    }
    if (gone.empty()) return {};
    return not_found(fmt::format("no node any more: {}; --limit '@*' leaves them out", fold_nodeset(gone)));
}

} // namespace

std::string freeze(const RunPlan& plan) {
    json::object spec;
    auto& task = spec["task"].emplace_object();
    task["name"] = plan.task.name;
    if (!plan.task.plugin.empty()) task["plugin"] = plan.task.plugin;
    task["args"] = plan.task.args;
    task["kwargs"] = plan.task.kwargs;
    task["env"] = json::value_from(plan.task.env);
    task["cwd"] = plan.task.cwd;
    task["pty"] = plan.task.pty;
    task["end_with_link"] = plan.task.end_with_link;
    if (plan.task.check) task["check"] = true;
    if (!plan.checked_job.empty()) spec["checked_job"] = plan.checked_job;
    if (plan.task.input) task["input"] = base64_encode(*plan.task.input);
    if (plan.task.become) task["become"] = plan.task.become->user;
    auto& timeout = spec["timeout"].emplace_object();
    for (const auto& [key, member] : deadlines) timeout[key] = (plan.timeout.*member).count();
    if (plan.timeout.connect) timeout["connect"] = plan.timeout.connect->count();
    auto& retry = spec["retry"].emplace_object();
    for (const auto& [key, member] : tries) retry[key] = plan.retry.*member;
    for (const auto& [key, member] : pauses) retry[key] = (plan.retry.*member).count();
    retry["on_exit"] = json::value_from(plan.retry.on_exit);
    if (!plan.adhoc.empty()) {
        const auto& node = plan.adhoc.front();
        spec["adhoc"] = {{"user", node.user}, {"port", node.port}, {"identity", node.identity}};
    }
    return json::serialize(spec);
}

Result<std::vector<std::string>> failed_nodes(const std::vector<NodeResult>& results, std::string_view states) {
    std::vector<NodeState> wanted;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < node_states; ++i) {
        const auto state = static_cast<NodeState>(i);
        if (!terminal(state)) continue;
        words.emplace_back(to_string(state));
        if (states.empty() && !succeeded(state)) wanted.push_back(state);
    }
    for (auto rest = states; !rest.empty();) {
        const auto word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        const auto state = parse_node_state(word);
        if (!state || !terminal(*state))
            return usage_error(fmt::format("\"{}\" is no state that a node ends in{}; expected {}", word,
                                           did_you_mean(word, words), fmt::join(words, ", ")));
        wanted.push_back(*state);
    }
    std::vector<std::string> names;
    for (const auto& result : results)
        if (std::ranges::find(wanted, result.outcome.state) != wanted.end()) names.push_back(result.node);
    return names;
}

Result<Firing> firing_of(CatalogPtr catalog, const Run& run, const std::vector<NodeResult>& results,
                         const StartRetry& request) {
    if (!terminal(run.state))
        return Error{Errc::conflict, fmt::format("run {} has not ended yet (loom cancel {})", run.id, run.id)};
    error_code ec;
    // No stricter than `freeze`: a task's arguments nest as deep as YAML may, in whatever bytes it holds.
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    options.max_depth = limits::yaml_depth + 4;
    const auto stored = json::parse(run.spec, ec, {}, options);
    if (ec || !stored.is_object())
        return Error{Errc::conflict, fmt::format("run {} was recorded by a version that did not keep what it ran", run.id)};
    const auto& spec = stored.get_object();
    auto names = failed_nodes(results, request.states);
    if (!names) return names.error();
    if (names->empty()) return Error{Errc::conflict, fmt::format("run {} has no node to run again", run.id)};

    Firing firing;
    firing.job = run.job;
    firing.reason = Reason::retry;
    firing.label = run.task;
    firing.of = run.id;
    firing.due = run.due; // what it stands for is the same; the instant is not claimed once more
    if (const auto* job = catalog->find_job(run.job)) {
        firing.overlap = overlap_of_runs(*job);
        firing.plan = plan_of(*job, catalog, {});
    }
    firing.plan.catalog = std::move(catalog);
    thaw(spec, firing.plan);
    if (firing.plan.task.check) firing.reason = Reason::check;
    firing.plan.params = run.params;
    set_parallel(firing.plan.fan_out, request.parallel, request.parallel_auto);
    if (auto found = find_nodes(firing.plan, spec, *names); !found) return found.error();
    return firing;
}

std::vector<std::string> failed_terms(std::string_view expression) {
    constexpr std::string_view mark = "@failed:";
    std::vector<std::string> runs;
    for (auto at = expression.find(mark); at != std::string_view::npos; at = expression.find(mark, at)) {
        at += mark.size();
        const auto end = std::find_if(expression.begin() + static_cast<std::ptrdiff_t>(at), expression.end(), [](char c) {
            return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
        });
        runs.emplace_back(expression.begin() + static_cast<std::ptrdiff_t>(at), end);
    }
    return runs;
}

} // namespace loom
